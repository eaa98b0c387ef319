/** What the program's own runtime says of its stacks, whatever way it was built; and `go tool addr2line`. */
import assert from "node:assert/strict";
import { copyFileSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { type GoSymbols, openGoSymbols } from "./go-symbols.ts";
import { buildGoProgram, type GoProgram, openProgram, outputOf } from "./testing/go-program.ts";

interface PrintedFrame {
	readonly Func: string;
	readonly File: string;
	readonly Line: number;
	readonly PC: number;
	readonly Inlined: boolean;
}

const BUILDS: readonly (readonly [string, readonly string[], Readonly<Record<string, string>>?])[] = [
	["normal", []],
	["stripped", ["-ldflags=-s -w"]],
	["trimmed", ["-trimpath"]],
	["PIE", ["-buildmode=pie", "-ldflags=-s"]],
	["externally linked", ["-ldflags=-linkmode=external"], { CGO_ENABLED: "1" }],
	["externally linked PIE", ["-ldflags=-linkmode=external", "-buildmode=pie"], { CGO_ENABLED: "1" }],
];

for (const [name, args, env] of BUILDS) {
	test(`stacks as the runtime prints them: ${name}`, (t) => {
		const program = buildGoProgram(t, args, env);
		if (program === undefined) return;
		const symbols = opened(program);
		assert.ok(checkStacks(program.path, symbols) > 60);
		assert.match(symbols.goVersion ?? "", /^go1\.\d+/);
		const [main] = symbols.functionsNamed("main.main");
		assert.ok(main !== undefined);
		const offset = symbols.fileOffset(main.entry);
		assert.ok(offset !== undefined);
		assert.equal(symbols.addressOf(offset), main.entry);
		const code = readFileSync(program.path).subarray(offset, offset + main.end - main.entry);
		assert.deepEqual(Buffer.from(symbols.code(main)), code);
	});
}

test("section headers gone: the tables are searched", (t) => {
	const program = buildGoProgram(t);
	if (program === undefined) return;
	const bytes = readFileSync(program.path);
	bytes.fill(0, 40, 48);
	bytes.fill(0, 58, 64);
	const symbols = opened({ ...program, readAt: (offset, length) => bytes.subarray(offset, offset + length) });
	assert.ok(checkStacks(program.path, symbols) > 60);
});

test("stripped by binutils, not by Go", (t) => {
	const program = buildGoProgram(t, ["-ldflags=-linkmode=external"], { CGO_ENABLED: "1" });
	if (program === undefined) return;
	const path = `${program.path}-stripped`;
	copyFileSync(program.path, path);
	outputOf("strip", ["-s", path]);
	assert.ok(checkStacks(path, opened(openProgram(t, path))) > 60);
});

for (const arch of ["amd64", "arm64"] as const) {
	test(`lines of addresses, as go tool addr2line tells them: ${arch}`, (t) => {
		const program = buildGoProgram(t, [], { GOARCH: arch });
		if (program === undefined) return;
		const symbols = opened(program);
		assert.equal(symbols.arch, arch);
		const addresses: number[] = [];
		for (const [index, fn] of symbols.functionsIn("").entries()) {
			if (index % 3 !== 0 || symbols.isAssembly(fn) || symbols.stackDeltas(fn) === undefined) continue;
			for (let address = fn.entry; address < fn.entry + 60; address += 20) addresses.push(address);
		}
		const lines = askAddr2line(program.path, addresses);
		assert.ok(addresses.length > 1_000);
		for (const [index, address] of addresses.entries()) {
			const fn = symbols.functionAt(address);
			const inside = symbols.stackDeltas(fn ?? { name: "", entry: 0, end: 0 })?.at(-1)?.end ?? 0;
			if (address >= inside) continue;
			const frames = symbols.framesAt(address);
			assert.equal(fn?.name, lines[index * 2]);
			assert.equal(`${frames[0]?.file}:${frames[0]?.line}`, lines[index * 2 + 1], address.toString(16));
		}
	});
}

test("generics: [...] stands for every instance, without the wrappers", (t) => {
	const program = buildGoProgram(t);
	if (program === undefined) return;
	const symbols = opened(program);
	const names = symbols.functionsNamed("main.(*stack[...]).push").map((fn) => fn.name);
	assert.equal(names.length, 2, names.join());
	assert.deepEqual(symbols.functionsNamed("main.(*stack[...]).pop"), []);
	assert.deepEqual(symbols.functionsNamed("main.mai"), []);
	assert.ok(symbols.functionsIn("main.").length > 10);
});

test("no Go program", (t) => {
	const node = openGoSymbols(openProgram(t, process.execPath).readAt);
	assert.ok(node.kind === "refused");
	assert.match(node.why, /no Go function table/);
	const text = new TextEncoder().encode("#!/bin/sh\n".repeat(20));
	const script = openGoSymbols((offset, length) => text.subarray(offset, offset + length));
	assert.ok(script.kind === "refused");
	assert.equal(script.why, "not an ELF executable");
});

function opened(program: GoProgram): GoSymbols {
	const symbols = openGoSymbols(program.readAt);
	assert.ok(symbols.kind === "read", symbols.kind === "refused" ? symbols.why : "");
	return symbols.value;
}

/** Runs the program; how many frames of its own stacks agreed. */
function checkStacks(path: string, symbols: GoSymbols): number {
	const printed: { anchor: number; stacks: PrintedFrame[][] } = JSON.parse(outputOf(path, []));
	const bias = printed.anchor - (symbols.functionsNamed("main.closures")[0]?.entry ?? 0);
	let agreed = 0;
	for (const stack of printed.stacks) {
		// Inlined calls come before the function that has their code; only the first pc is the machine's.
		let group: PrintedFrame[] = [];
		for (const frame of stack) {
			group.push(frame);
			if (frame.Inlined) continue;
			const frames = symbols.framesAt((group[0]?.PC ?? 0) - bias);
			const expected = group.map((one) => `${one.Func} ${one.File}:${one.Line} ${one.Inlined}`);
			assert.deepEqual(
				frames.map((one) => `${one.func} ${one.file}:${one.line} ${one.inlined}`),
				expected,
			);
			agreed += group.length;
			group = [];
		}
	}
	return agreed;
}

function askAddr2line(path: string, addresses: readonly number[]): string[] {
	const asked = addresses.map((address) => `0x${address.toString(16)}\n`).join("");
	return outputOf("go", ["tool", "addr2line", path], asked).split("\n");
}
