/**
 * Every recorded capture gives its recorded text, byte for byte, by code that cannot reach the world.
 * After a wanted change: `plumbline diagnose --from captures/NAME.plumb` shows the new text;
 * UPDATE_GOLDENS=1 npm test -- packages/cli/src/goldens.test.ts rewrites all of them for review.
 */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { CAPTURES_FOLDER } from "./captures-folder.ts";

const CHILD = join(import.meta.dirname, "testing", "pure-verdict.ts");
const OUTPUT_BYTES_MAX = 64 << 20;

const recorded = readdirSync(CAPTURES_FOLDER)
	.filter((name) => name.endsWith(".plumb"))
	.sort();
const paths = recorded.map((name) => join(CAPTURES_FOLDER, name));

test("captures are recorded", () => {
	assert.ok(recorded.length > 0, "captures/ is empty: plumbline lab run --all --record");
});

if (paths.length > 0) {
	const child = await promisify(execFile)(process.execPath, [CHILD, ...paths], {
		maxBuffer: OUTPUT_BYTES_MAX,
	});
	const results = child.stdout
		.trimEnd()
		.split("\n")
		.map((line) => JSON.parse(line) as { path: string; text?: string; error?: string });

	for (const { path, text, error } of results) {
		test(`${path.slice(CAPTURES_FOLDER.length + 1)} gives its recorded text`, () => {
			assert.equal(error, undefined);
			const golden = path.replace(/\.plumb$/, ".txt");
			if (process.env.UPDATE_GOLDENS === "1") writeFileSync(golden, text ?? "");
			assert.ok(existsSync(golden), `${golden} is missing`);
			assert.equal(text, readFileSync(golden, "utf8"));
		});
	}
}
