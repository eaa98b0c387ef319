/** `go tool objdump` disassembles the whole program: every return, stack check and instruction agrees. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { returnSites, stackCheckBranch } from "./go-return-sites.ts";
import { type GoFunction, type GoSymbols, openGoSymbols } from "./go-symbols.ts";
import { splitCode } from "./machine-code.ts";
import { buildGoProgram, outputOf } from "./testing/go-program.ts";

interface Line {
	readonly address: number;
	readonly words: string;
}

for (const arch of ["amd64", "arm64"] as const) {
	test(`returns of every function, as go tool objdump shows them: ${arch}`, (t) => {
		const program = buildGoProgram(t, [], { GOARCH: arch });
		if (program === undefined) return;
		const opened = openGoSymbols(program.readAt);
		assert.ok(opened.kind === "read");
		const symbols = opened.value;
		const lines = disassemble(program.path);
		const refusals = new Map<string, number>();
		let sites = 0;
		let checks = 0;
		for (const fn of symbols.functionsIn("")) {
			const inside = linesOf(fn, lines);
			if (inside.length === 0 || symbols.isAssembly(fn)) continue;
			const reading = returnSites(symbols, fn);
			if (reading.kind === "read") {
				const shown = inside.filter(({ words }) => /^RET\b/.test(words)).map(({ address }) => address);
				assert.deepEqual(reading.value, shown, fn.name);
				sites += shown.length;
			} else {
				const why = reading.why.slice(fn.name.length).replace(/ at 0x[0-9a-f]+/, "");
				refusals.set(why, (refusals.get(why) ?? 0) + 1);
			}
			const branch = stackCheckBranch(symbols, fn);
			if (branch === undefined) continue;
			checks++;
			const words = inside.find(({ address }) => address === branch)?.words ?? "";
			assert.match(words, arch === "amd64" ? /^JBE / : /^BLS /, fn.name);
		}
		assert.ok(sites > 3_000, `${sites} returns`);
		assert.ok(checks > 1_500, `${checks} stack checks`);
		assert.ok((refusals.get(": outside of its frame, and not a return known here") ?? 0) < 60);
		assert.equal(
			refusals.get(": its code and the table of its stack depth differ about a return"),
			undefined,
		);
	});
}

test("every amd64 instruction begins where go tool objdump has one", (t) => {
	const program = buildGoProgram(t, [], { GOARCH: "amd64" });
	if (program === undefined) return;
	const opened = openGoSymbols(program.readAt);
	assert.ok(opened.kind === "read");
	const lines = disassemble(program.path);
	let agreed = 0;
	for (const fn of opened.value.functionsIn("")) {
		if (opened.value.isAssembly(fn)) continue;
		const starts = new Set(splitCode(opened.value.code(fn), "amd64")?.map((one) => fn.entry + one.at));
		for (const { address, words } of linesOf(fn, lines)) {
			assert.ok(starts.has(address), `${fn.name} 0x${address.toString(16)} ${words}`);
			agreed++;
		}
	}
	assert.ok(agreed > 100_000, `${agreed} instructions`);
});

test("refused with the reason: assembly, no frame, no return", (t) => {
	const program = buildGoProgram(t, [], { GOARCH: "amd64" });
	if (program === undefined) return;
	const opened = openGoSymbols(program.readAt);
	assert.ok(opened.kind === "read");
	const why = (name: string) => whyOf(opened.value, name);
	assert.match(why("runtime.memmove"), /^runtime\.memmove: written in assembly/);
	assert.match(why("runtime.badmcall"), /never returns/);
	assert.match(why("main.noFrame"), /it has no frame/);
	const cut = { ...opened.value, code: () => new Uint8Array() };
	assert.match(whyOf(cut, "main.main"), /its code is not in the file/);
	const unknown = (fn: GoFunction) => opened.value.code(fn).map((byte, at) => (at === 0 ? 0x06 : byte));
	assert.match(whyOf({ ...opened.value, code: unknown }, "main.main"), /unknown here/);
	const noReturns = (fn: GoFunction) => opened.value.code(fn).map((byte) => (byte === 0xc3 ? 0xc2 : byte));
	assert.match(whyOf({ ...opened.value, code: noReturns }, "main.borrow"), /not a return known here/);
	const jumpOut = (fn: GoFunction) => {
		const code = Uint8Array.from(opened.value.code(fn));
		const branch = (stackCheckBranch(opened.value, fn) ?? 0) - fn.entry;
		new DataView(code.buffer).setInt32(branch + 2, 1 << 20, true);
		return code;
	};
	assert.match(whyOf({ ...opened.value, code: jumpOut }, "main.borrow"), /left by a jump|not a return known/);
});

function whyOf(symbols: GoSymbols, name: string): string {
	const [fn] = symbols.functionsNamed(name);
	assert.ok(fn !== undefined, name);
	const reading = returnSites(symbols, fn);
	return reading.kind === "refused" ? reading.why : "";
}

/** By address; padding left out. */
function disassemble(path: string): readonly Line[] {
	const lines: Line[] = [];
	for (const line of outputOf("go", ["tool", "objdump", path]).split("\n")) {
		const [, address, words] = /^\s+\S+\s+0x([0-9a-f]+)\s+[0-9a-f]+\s+(\S.*?)\s*$/.exec(line) ?? [];
		if (address === undefined || words === undefined || /^INT \$0x3/.test(words)) continue;
		lines.push({ address: Number.parseInt(address, 16), words });
	}
	return lines.sort((a, b) => a.address - b.address);
}

function linesOf(fn: GoFunction, lines: readonly Line[]): readonly Line[] {
	return lines.slice(firstFrom(fn.entry, lines), firstFrom(fn.end, lines));
}

function firstFrom(address: number, lines: readonly Line[]): number {
	let low = 0;
	let high = lines.length;
	while (low < high) {
		const middle = (low + high) >>> 1;
		if ((lines[middle]?.address ?? 0) < address) low = middle + 1;
		else high = middle;
	}
	return low;
}
