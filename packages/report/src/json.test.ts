import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Ajv2020 } from "ajv/dist/2020.js";
import fc from "fast-check";
import { renderJson } from "./json.ts";
import { diagnoses } from "./testing/diagnoses.ts";
import { SAMPLES } from "./testing/samples.ts";

const SCHEMA = join(import.meta.dirname, "../../../docs/diagnosis.schema.json");
const schema = JSON.parse(readFileSync(SCHEMA, "utf8"));
const validate = new Ajv2020({ strict: true, allErrors: true }).compile(schema);

function check(json: string): void {
	assert.ok(validate(JSON.parse(json)), JSON.stringify(validate.errors, undefined, 2));
}

for (const [name, diagnosis] of Object.entries(SAMPLES).filter(([name]) => name !== "hostile"))
	test(`JSON of ${name} follows the schema and keeps every field`, () => {
		const json = renderJson(diagnosis);
		check(json);
		const { schema, verdict, ...rest } = JSON.parse(json);
		assert.equal(schema, "plumbline.diagnosis/1");
		assert.equal(typeof verdict, "string");
		assert.deepEqual(rest, JSON.parse(JSON.stringify(diagnosis)));
	});

test("any diagnosis follows the schema, and printing it cannot steer a terminal", () => {
	fc.assert(
		fc.property(diagnoses, (diagnosis) => {
			const json = renderJson(diagnosis);
			check(json);
			assert.doesNotMatch(json, /(?!\n)\p{Cc}|[\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]/u);
		}),
	);
});

test("the schema refuses what is not a diagnosis", () => {
	const leak = JSON.parse(renderJson(SAMPLES.leak ?? assert.fail("no sample")));
	for (const wrong of [
		{ ...leak, schema: "plumbline.diagnosis/2" },
		{ ...leak, gaps: undefined },
		{ ...leak, findings: [{ ...leak.findings[0], severity: "fatal" }] },
		{ ...leak, findings: [{ ...leak.findings[0], confidence: 1.5 }] },
		{ ...leak, examined: [{ line: "disk", state: "read", what: "" }] },
	])
		assert.equal(validate(JSON.parse(JSON.stringify(wrong))), false);
});
