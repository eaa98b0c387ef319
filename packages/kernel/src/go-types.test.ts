/** Type descriptions laid out by hand, sound ones and broken ones; those of real programs are in go-net-fd.test.ts. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ownValues } from "./go-own-values.ts";
import { goTypesOf } from "./go-types.ts";
import type { ProcessMemory } from "./process-memory.ts";

const BASE = 0x10000;
const STRUCT = 25;
const POINTER = 22;
const INTERFACE = 20;
const INT = 2;

/** One page of a process, written by hand. */
function page() {
	const bytes = new Uint8Array(4096);
	const view = new DataView(bytes.buffer);
	let reads = 0;
	const memory: ProcessMemory = {
		read(address, length) {
			reads++;
			const at = address - BASE;
			return at >= 0 && length >= 0 && at + length <= bytes.length ? bytes.slice(at, at + length) : undefined;
		},
		close() {},
	};
	const word = (address: number, value: number) => view.setBigUint64(address - BASE, BigInt(value), true);
	const type = (address: number, kind: number, size: number, hash: number, ...rest: readonly number[]) => {
		word(address, size);
		word(address + 8, size);
		view.setUint32(address - BASE + 16, hash, true);
		for (const at of [21, 22]) bytes[address - BASE + at] = 8;
		// The bit beside the kind: what old versions keep there.
		bytes[address - BASE + 23] = kind | 0x20;
		rest.forEach((value, i) => void word(address + 48 + i * 8, value));
	};
	const fields = (address: number, ...list: readonly (readonly [type: number, offset: number])[]) =>
		list.forEach(([of, offset], i) => {
			word(address + i * 24 + 8, of);
			word(address + i * 24 + 16, offset);
		});
	return { memory, word, type, fields, reads: () => reads };
}

const A = BASE;
const B = BASE + 256;
const C = BASE + 512;
const FIELDS = BASE + 1024;
const VALUE = BASE + 1536;
const OTHER = BASE + 1792;

test("a struct's pointers, with plain offsets and with the doubled ones of Go 1.18", () => {
	for (const doubled of [1, 2]) {
		const { memory, word, type, fields } = page();
		type(A, STRUCT, 24, 1, 0, FIELDS, 3, 3);
		type(B, POINTER, 8, 2, C);
		type(C, INT, 8, 3);
		fields(FIELDS, [B, 0], [C, 8 * doubled], [B, 16 * doubled + (doubled - 1)]);
		word(VALUE, OTHER);
		word(VALUE + 8, OTHER + 8);
		word(VALUE + 16, OTHER + 16);
		const types = goTypesOf(memory);
		const struct = types.typeAt(A);
		assert.ok(struct?.kind === "struct");
		const values = ownValues(memory, types, { address: VALUE, type: struct });
		assert.deepEqual(
			values?.map(({ address }) => address),
			[OTHER, OTHER + 16],
		);
	}
});

test("what an interface holds: a pointer, a struct that is one pointer, a value it points to", () => {
	const { memory, word, type, fields } = page();
	type(A, POINTER, 8, 7, C);
	type(B, STRUCT, 8, 8, 0, FIELDS, 1, 1);
	type(C, INT, 8, 9);
	fields(FIELDS, [A, 0]);
	const types = goTypesOf(memory);
	const target = types.typeAt(C);
	for (const type of [A, B, C])
		assert.deepEqual(types.held("any", type, VALUE), { address: VALUE, type: target });
	assert.equal(types.held("any", A, 0), undefined);
	assert.equal(types.held("any", 0, VALUE), undefined);

	const wanted = BASE + 2048;
	type(wanted, INTERFACE, 16, 10, 0, 0, 1, 1);
	word(OTHER, wanted);
	word(OTHER + 8, A);
	word(OTHER + 16, 7);
	assert.equal(types.held("with-methods", OTHER, VALUE)?.address, VALUE);
	word(OTHER + 16, 6);
	assert.equal(types.held("with-methods", OTHER, VALUE), undefined, "the hash is another's");
	word(OTHER + 16, 7);
	word(OTHER, A);
	assert.equal(types.held("with-methods", OTHER, VALUE), undefined, "of no interface");
});

test("a struct that holds itself, thrice, is given up on", () => {
	const { memory, type, fields, reads } = page();
	type(A, STRUCT, 24, 1, 0, FIELDS, 3, 3);
	fields(FIELDS, [A, 0], [A, 0], [A, 0]);
	const types = goTypesOf(memory);
	const struct = types.typeAt(A);
	assert.ok(struct !== undefined);
	assert.deepEqual(ownValues(memory, types, { address: VALUE, type: struct }), []);
	assert.ok(reads() < 50, `${reads()} reads`);
});

test("no types: sizes, kinds and counts that cannot be", () => {
	const { memory, word, type } = page();
	const types = () => goTypesOf(memory);
	assert.equal(types().typeAt(A), undefined, "zeros");
	type(A, STRUCT, 24, 1, 0, FIELDS, 2 ** 40, 2 ** 40);
	assert.equal(types().typeAt(A), undefined, "2^40 fields");
	type(A, STRUCT, 24, 1, 0, 8, 1, 1);
	assert.equal(types().typeAt(A), undefined, "fields at address 8");
	type(A, POINTER, 16, 1, C);
	assert.equal(types().typeAt(A), undefined, "a pointer of 16 bytes");
	type(A, 31, 8, 1);
	assert.equal(types().typeAt(A), undefined, "kind 31");
	type(A, INT, 8, 1);
	assert.equal(types().typeAt(A)?.kind, "other");
	word(A + 8, 16);
	assert.equal(types().typeAt(A), undefined, "more pointers than bytes");
	assert.equal(types().typeAt(A + 4), undefined, "not aligned");
	assert.equal(types().typeAt(BASE + 4096 - 16), undefined, "cut short");
});
