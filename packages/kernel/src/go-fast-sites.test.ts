/** Checked against `go tool objdump`, and refused wherever one proof is missing. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { fastSites } from "./go-fast-sites.ts";
import { type GoFunction, type GoSymbols, openGoSymbols } from "./go-symbols.ts";
import { fakeProgram } from "./testing/fake-program.ts";
import { buildGoProgram, outputOf } from "./testing/go-program.ts";

test("one site a call: the first conditional jump after it", (t) => {
	const program = buildGoProgram(t, [], { GOARCH: "amd64" });
	if (program === undefined) return;
	const symbols = opened(program.readAt);
	const reading = fastSites(symbols, named(symbols, "main.borrow"), symbols.functionsIn("main."));
	assert.ok(reading.kind === "read", reading.kind === "refused" ? reading.why : "");
	const expected: number[] = [];
	let isAfterCall = false;
	for (const line of outputOf("go", ["tool", "objdump", "-s", "^main\\.", program.path]).split("\n")) {
		const [, address = "", words = ""] = /\s0x([0-9a-f]+)\s+[0-9a-f]+\s+(\S.*)$/.exec(line) ?? [];
		if (words.startsWith("CALL main.borrow(SB)")) isAfterCall = true;
		else if (isAfterCall && /^J(?!MP)/.test(words)) {
			expected.push(Number.parseInt(address, 16));
			isAfterCall = false;
		}
	}
	assert.equal(expected.length, 2);
	assert.deepEqual(reading.value, expected);
});

test("refused: a result that nobody tests, a caller left out, nobody calls", (t) => {
	const program = buildGoProgram(t, [], { GOARCH: "amd64" });
	if (program === undefined) return;
	const symbols = opened(program.readAt);
	const callers = symbols.functionsIn("main.");
	const why = (callee: string, those = callers) => whyOf(symbols, callee, those);
	assert.match(
		why("main.take"),
		/main\.takeUnchecked at 0x[0-9a-f]+: the result of main\.take is not proved/,
	);
	const others = callers.filter((fn) => fn.name !== "main.borrowTwice");
	assert.match(why("main.borrow", others), /main\.borrowTwice at 0x[0-9a-f]+: refers to main\.borrow/);
	assert.match(why("main.closures.func1"), /main\.closures at 0x[0-9a-f]+: refers to/);
	assert.match(why("main.main"), /is called by none/);
});

test("refused: code changed so that a proof is gone", (t) => {
	const program = buildGoProgram(t, [], { GOARCH: "amd64" });
	if (program === undefined) return;
	const symbols = opened(program.readAt);
	const borrow = named(symbols, "main.borrow");
	const caller = named(symbols, "main.borrowTwice");
	const found = fastSites(symbols, borrow, [caller]);
	assert.ok(found.kind === "read");
	const [site = 0] = found.value;
	const changed = (at: number, bytes: readonly number[]): GoSymbols => ({
		...symbols,
		code(fn) {
			const code = Uint8Array.from(symbols.code(fn));
			if (fn.entry === caller.entry) code.set(bytes, at - fn.entry);
			return code;
		},
	});
	const why = (other: GoSymbols) => whyOf(other, "main.borrow", [caller]);
	const test3 = symbols.code(caller).subarray(site - 3 - caller.entry, site - caller.entry);
	assert.deepEqual([...test3], [0x48, 0x85, 0xdb], "test rbx, rbx");
	assert.match(why(changed(site - 3, [0x48, 0x89, 0xd8])), /not proved/, "mov rax, rbx");
	assert.match(why(changed(site - 3, [0x48, 0x31, 0xc0])), /not proved/, "xor rax, rax");
	assert.match(why(changed(site - 3, [0x90, 0x90, 0x58])), /not proved/, "pop rax");
	assert.match(why(changed(site - 3, [0x90, 0xff, 0xd0])), /not proved/, "call rax");
	assert.match(why(changed(site - 3, [0x90, 0xff, 0xe0])), /jump table/, "jmp rax");
	assert.match(why(changed(site - 3, [0x06, 0x90, 0x90])), /unknown here/, "no instruction");
	assert.match(why(changed(site - 3, [0x90, 0xeb, 0xfd])), /not proved/, "jmp to before the jump");
	assert.equal(why(changed(site - 3, [0x48, 0x89, 0xd9])), "", "mov rcx, rbx");
});

test("refused: code that cannot be searched for other references, cut short or too long", () => {
	const { symbols } = fakeProgram([{ name: "main.take" }, { name: "main.main", calls: ["main.take"] }]);
	const why = (over: Partial<GoSymbols>) =>
		whyOf({ ...symbols, ...over }, "main.take", symbols.functionsIn("main."));
	assert.equal(why({}), "");
	for (const missing of [1, Number.POSITIVE_INFINITY]) {
		const code: GoSymbols["code"] = (fn) => {
			const bytes = symbols.code(fn);
			return fn.name === "" ? bytes.subarray(0, Math.max(0, bytes.length - missing)) : bytes;
		};
		assert.equal(why({ code }), "main.take: not all code of the file could be read");
	}
	const segments = [...symbols.segments, { fileOffset: 0, address: 1 << 30, size: 600 << 20 }];
	assert.match(why({ segments }), /^main\.take: \d+ bytes of code, the bound is \d+: not searched/);
});

test("arm64 is refused", (t) => {
	const program = buildGoProgram(t, [], { GOARCH: "arm64" });
	if (program === undefined) return;
	assert.match(whyOf(opened(program.readAt), "main.borrow", []), /amd64 only/);
});

function opened(readAt: Parameters<typeof openGoSymbols>[0]): GoSymbols {
	const symbols = openGoSymbols(readAt);
	assert.ok(symbols.kind === "read");
	return symbols.value;
}

function named(symbols: GoSymbols, name: string): GoFunction {
	const [fn] = symbols.functionsNamed(name);
	assert.ok(fn !== undefined, name);
	return fn;
}

function whyOf(symbols: GoSymbols, callee: string, callers: readonly GoFunction[]): string {
	const reading = fastSites(symbols, named(symbols, callee), callers);
	return reading.kind === "refused" ? reading.why : "";
}
