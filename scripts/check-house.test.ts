import assert from "node:assert/strict";
import { test } from "node:test";
import { houseFaults } from "./check-house.ts";

/** In two halves, so that the check does not find this file. */
const MARKER = "TO".concat("DO");
const WORK = "/wo".concat("rk/main/x.go");
const QUIET = { registryHosts: [] };

const faultsOf = (path: string, text: string) => houseFaults([{ path, text }], QUIET);

test("a file over 400 lines is named, unless its header says why it is one thing", () => {
	const long = "const a = 1;\n".repeat(401);
	assert.equal(faultsOf("packages/a/src/a.ts", long).length, 1);
	assert.deepEqual(faultsOf("packages/a/src/a.ts", `/** One table because it is. */\n${long}`), []);
	assert.deepEqual(faultsOf("docs/a.md", long), []);
	assert.deepEqual(faultsOf("packages/a/src/a.ts", "const a = 1;\n".repeat(400)), []);
});

test("unfinished markers are found in comments, Go's context function is not one", () => {
	assert.deepEqual(faultsOf("a/b.ts", `const a = 1; // ${MARKER}: more`), [
		`a/b.ts:1: unfinished: // ${MARKER}`,
	]);
	assert.equal(faultsOf("a/b.go", `/* ${MARKER} */`).length, 1);
	assert.deepEqual(faultsOf("a/b.go", `db.WithContext(context.${MARKER}()) // context.${MARKER}`), []);
});

test("paths of a developer's machine are found, in recordings only this one's", () => {
	assert.equal(faultsOf("docs/a.md", `see ${WORK}`).length, 1);
	assert.equal(faultsOf("captures/a.txt", `\t${WORK}:12`).length, 1);
	assert.equal(faultsOf("docs/a.md", "in /home/jane/src/x.go").length, 1);
	assert.deepEqual(faultsOf("captures/a.txt", "\t/home/jane/src/x.go:12"), []);
	assert.deepEqual(faultsOf("docs/a.md", "in /home/app/x.go, https://example.org/work/x and my/work/x"), []);
});

test("registries of this machine and foreign hosts in the lock are found", () => {
	const machine = { registryHosts: ["packages.example.net"] };
	const text = "one\nhttps://packages.example.net/npm/";
	assert.deepEqual(houseFaults([{ path: "docs/a.md", text }], machine), [
		"docs/a.md:2: names the registry packages.example.net",
	]);
	assert.equal(faultsOf("package-lock.json", '"resolved": "https://mirror.example/a.tgz"').length, 1);
	assert.deepEqual(faultsOf("package-lock.json", '"resolved": "https://registry.npmjs.org/a.tgz"'), []);
});

test("names that say nothing, and names in another case", () => {
	assert.equal(faultsOf("packages/a/src/utils.ts", "").length, 1);
	assert.equal(faultsOf("packages/a/src/fooBar.ts", "").length, 1);
	assert.deepEqual(faultsOf("packages/a/src/foo-bar.test.ts", ""), []);
});

test("lone tests and silenced checks", () => {
	assert.equal(faultsOf("a/b.test.ts", `test.${"only"}("x", () => {})`).length, 1);
	assert.equal(faultsOf("a/b.ts", `// @ts-${"ignore"}`).length, 1);
});

test("pure rooms know no moment, chance or locale; a date of a given time they may show", () => {
	const inPureRoom = (text: string) => faultsOf("packages/report/src/a.ts", text).length;
	for (const text of [
		"Date.now()",
		"new Date()",
		"Math.random()",
		"n.toLocaleString()",
		"a.localeCompare(b)",
	])
		assert.equal(inPureRoom(text), 1, text);
	assert.equal(inPureRoom("new Date(wallMs).toISOString()"), 0);
	assert.deepEqual(faultsOf("packages/cli/src/a.ts", "Date.now()"), []);
});
