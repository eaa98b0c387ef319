/** Compares a rendering with the text a person has reviewed, in `fixtures/`. */
import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const FIXTURES = join(import.meta.dirname, "../../fixtures");

/** With UPDATE_GOLDENS=1 the file is written instead: look at the difference before you commit it. */
export function assertGolden(name: string, text: string): void {
	const path = join(FIXTURES, name);
	if (process.env.UPDATE_GOLDENS === "1") {
		writeFileSync(path, text);
		return;
	}
	assert.ok(existsSync(path), `no golden ${name}: write it with UPDATE_GOLDENS=1`);
	assert.equal(text, readFileSync(path, "utf8"));
}
