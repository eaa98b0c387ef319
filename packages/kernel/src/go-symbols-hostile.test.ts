/** Broken, hostile and cut files: an answer or a refusal, never a throw, and no memory that the file does not back. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import fc from "fast-check";
import { returnSites, stackCheckBranch } from "./go-return-sites.ts";
import { openGoSymbols } from "./go-symbols.ts";
import { buildGoProgram } from "./testing/go-program.ts";

const PCLNTAB_HEADER_BYTES = 72;
const MODULEDATA_BYTES = 400;
const VALUES: readonly bigint[] = [0n, 0x7fffffffn, 2n ** 53n - 1n, 2n ** 64n - 1n];

test("every word of every header, broken one by one", (t) => {
	const program = buildGoProgram(t, ["-ldflags=-s -w"], { GOARCH: "amd64" });
	if (program === undefined) return;
	const bytes = readFileSync(program.path);
	const pclntab = bytes.indexOf(Buffer.from("f1ffffff00000108", "hex"));
	const opened = openGoSymbols(reader(bytes));
	assert.ok(opened.kind === "read");
	const address = Buffer.alloc(8);
	address.writeBigUInt64LE(BigInt(opened.value.addressOf(pclntab) ?? anyAddress(bytes, pclntab)));
	const moduledata = bytes.indexOf(address);
	const programs = Number(bytes.readBigUInt64LE(32));
	const sections = Number(bytes.readBigUInt64LE(40));
	const areas = [
		[0, 64],
		[programs, 56 * 5],
		[sections, 64 * 2],
		[pclntab, PCLNTAB_HEADER_BYTES],
		[moduledata, MODULEDATA_BYTES],
	] as const;
	let refused = 0;
	for (const [start, length] of areas) {
		assert.ok(start >= 0);
		for (let at = start; at < start + length; at += 8) {
			const before = bytes.readBigUInt64LE(at);
			for (const value of VALUES) {
				bytes.writeBigUInt64LE(value, at);
				if (!exercise(bytes)) refused++;
			}
			bytes.writeBigUInt64LE(before, at);
		}
	}
	assert.ok(exercise(bytes));
	assert.ok(refused > 80, `${refused} refused`);
});

test("random bytes anywhere in the tables", (t) => {
	const program = buildGoProgram(t, ["-ldflags=-s -w"], { GOARCH: "amd64" });
	if (program === undefined) return;
	const whole = readFileSync(program.path);
	const start = whole.indexOf(Buffer.from("f1ffffff00000108", "hex"));
	const change = fc.tuple(fc.integer({ min: start, max: start + 800_000 }), fc.integer({ min: 0, max: 255 }));
	fc.assert(
		fc.property(fc.array(change, { minLength: 1, maxLength: 200 }), (changes) => {
			const bytes = Buffer.from(whole);
			for (const [at, byte] of changes) if (at < bytes.length) bytes[at] = byte;
			exercise(bytes);
		}),
		{ numRuns: 150, seed: 17 },
	);
});

test("cut short anywhere", (t) => {
	const program = buildGoProgram(t, ["-ldflags=-s -w"], { GOARCH: "amd64" });
	if (program === undefined) return;
	const bytes = readFileSync(program.path);
	for (let length = 0; length < 700; length += 7) exercise(bytes.subarray(0, length));
	for (let part = 1; part < 61; part++) exercise(bytes.subarray(0, Math.floor((bytes.length * part) / 61)));
	assert.equal(exercise(bytes.subarray(0, 4_096)), false);
});

test("a size of which the file has nothing takes no memory", (t) => {
	const program = buildGoProgram(t, ["-ldflags=-s -w"], { GOARCH: "amd64" });
	if (program === undefined) return;
	const bytes = readFileSync(program.path);
	const programs = Number(bytes.readBigUInt64LE(32));
	for (let at = programs; at < programs + 56 * 6; at += 56) {
		bytes.writeBigUInt64LE(1n << 40n, at + 32);
		bytes.writeBigUInt64LE(1n << 40n, at + 40);
	}
	let longest = 0;
	openGoSymbols((offset, length) => {
		longest = Math.max(longest, length);
		return bytes.subarray(offset, offset + length);
	});
	assert.ok(longest <= bytes.length, `${longest} bytes asked at once`);
});

/** Asks everything of the file; whether it opened. */
function exercise(bytes: Uint8Array): boolean {
	const opened = openGoSymbols(reader(bytes));
	if (opened.kind === "refused") {
		assert.ok(opened.why.length > 10);
		return false;
	}
	const symbols = opened.value;
	for (const fn of symbols.functionsIn("main.").slice(0, 8)) {
		for (let address = fn.entry; address < Math.min(fn.end, fn.entry + 200); address += 9)
			symbols.framesAt(address);
		returnSites(symbols, fn);
		stackCheckBranch(symbols, fn);
	}
	symbols.functionsNamed("main.(*stack[...]).push");
	symbols.inlined(["main.innermost"]);
	for (const address of [-1, 0, 1.5, 2 ** 53, Number.NaN]) {
		assert.deepEqual(symbols.framesAt(address), []);
		assert.equal(symbols.functionAt(address), undefined);
	}
	return true;
}

/** The link address of a place in the file, by the program headers. */
function anyAddress(bytes: Buffer, offset: number): number {
	const programs = Number(bytes.readBigUInt64LE(32));
	for (let at = programs; at < programs + 56 * 12; at += 56) {
		const from = Number(bytes.readBigUInt64LE(at + 8));
		const size = Number(bytes.readBigUInt64LE(at + 32));
		if (bytes.readUInt32LE(at) === 1 && offset >= from && offset < from + size)
			return Number(bytes.readBigUInt64LE(at + 16)) + offset - from;
	}
	return 0;
}

function reader(bytes: Uint8Array): (offset: number, length: number) => Uint8Array {
	return (offset, length) => {
		assert.ok(Number.isSafeInteger(offset) && offset >= 0 && Number.isSafeInteger(length) && length >= 0);
		return bytes.subarray(offset, offset + length);
	};
}
