/** docs/gateway-config.md and its JSON Schema say what the shape says, and the page's samples can be served. */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Ajv2020 } from "ajv/dist/2020.js";
import { parse } from "yaml";
import { readGatewayConfig } from "./config.ts";
import { configJsonSchema, configTable } from "./testing/config-schema.ts";

const docs = join(import.meta.dirname, "../../../docs");
const pagePath = join(docs, "gateway-config.md");
const schemaPath = join(docs, "gateway-config.schema.json");
const MARK =
	"<!-- made of the shape: UPDATE_GOLDENS=1 npm test -- packages/gateway/src/config-page.test.ts -->";
const isUpdate = process.env.UPDATE_GOLDENS === "1";

test("the schema is the shape's", () => {
	const text = `${JSON.stringify(configJsonSchema(), undefined, "\t")}\n`;
	if (isUpdate) writeFileSync(schemaPath, text);
	assert.equal(readFileSync(schemaPath, "utf8"), text);
});

test("the table of all keys is the shape's", () => {
	const page = readFileSync(pagePath, "utf8");
	const [before = ""] = page.split(MARK);
	const whole = `${before}${MARK}\n\n${configTable()}\n`;
	if (isUpdate) writeFileSync(pagePath, whole);
	assert.equal(readFileSync(pagePath, "utf8"), whole);
});

const samples = [...readFileSync(pagePath, "utf8").matchAll(/^```yaml\n(.*?)^```/gms)].map(
	([, sample = ""]) => sample,
);

test("the page has its samples", () => assert.equal(samples.length, 2));

for (const [index, sample] of samples.entries()) {
	test(`sample ${index + 1} can be served, and the schema takes it`, () => {
		const world = { environment: { ADMIN_TOKEN: "x", REDIS_PASSWORD: "x" }, wallMs: 0 };
		const read = readGatewayConfig({ name: "sample", text: sample }, world);
		assert.equal(read.kind, "config", JSON.stringify(read));
		const ajv = new Ajv2020({ strict: false, validateFormats: false });
		assert.ok(ajv.validate(configJsonSchema(), parse(sample)), JSON.stringify(ajv.errors));
	});
}
