/** What the compiler inlined in a real program, with and without a profile that says what is hot. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { openGoSymbols } from "./go-symbols.ts";
import { buildGoProgram, INLINED_PROGRAM } from "./testing/go-program.ts";

const NAMES = ["main.small", "main.kept", "main.large", "main.(*pool[...]).take", "main.(*pool[...]).put"];
/** Given to the compiler for this one package: by -pgo all of the library would be built anew. */
const PROFILE = join(INLINED_PROGRAM, "default.pgo");

function inlinedOf(t: TestContext, args: readonly string[]): Record<string, string> | undefined {
	const program = buildGoProgram(t, args, {}, INLINED_PROGRAM);
	if (program === undefined) return undefined;
	const symbols = openGoSymbols(program.readAt);
	assert.ok(symbols.kind === "read", symbols.kind === "refused" ? symbols.why : "");
	return Object.fromEntries(symbols.value.inlined([...NAMES, "main.nowhere"]));
}

test("small functions and generics are found in their callers; what stays by itself is not", (t) => {
	const found = inlinedOf(t, ["-pgo=off"]);
	if (found === undefined) return;
	assert.deepEqual(found, { "main.small": "main.calls", "main.(*pool[...]).take": "main.calls" });
});

test("a profile makes even a large function inlined, and that is found; stripped too", (t) => {
	const found = inlinedOf(t, ["-pgo=off", `-gcflags=-pgoprofile=${PROFILE}`, "-ldflags=-s -w"]);
	if (found === undefined) return;
	assert.equal(found["main.large"], "main.hot");
	assert.deepEqual(Object.keys(found).sort(), ["main.(*pool[...]).take", "main.large", "main.small"]);
});

test("a build without inlining has none", (t) => {
	const found = inlinedOf(t, ["-pgo=off", "-gcflags=-l"]);
	if (found === undefined) return;
	assert.deepEqual(found, {});
});
