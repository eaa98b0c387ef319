/** Type information written by hand, cut at every byte, and that of the running kernel. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { test } from "node:test";
import { type KernelTypes, parseKernelTypes, readKernelTypes } from "./bpf-btf.ts";

const INT = 1;
const STRUCT = 4;
const UNION = 5;
const TYPEDEF = 8;
const BIT_FIELDS = 1 << 31;

/**
 * ```
 * 1 int; 2 union { int inner; }; 3 struct sample { int first; <2>; int flag : 3; }, bit fields
 * 4 struct plain { int first; struct sample second; } 5 typedef sample -> 3
 * ```
 */
function sampleBtf(): Buffer {
	const strings = "\0int\0inner\0sample\0first\0flag\0plain\0second\0";
	const name = (text: string) => strings.indexOf(`\0${text}\0`) + 1;
	const words = [
		[name("int"), INT << 24, 4, 0x20],
		[0, (UNION << 24) | 1, 4, name("inner"), 1, 0],
		[name("sample"), (BIT_FIELDS | (STRUCT << 24) | 3) >>> 0, 12],
		[name("first"), 1, 0, 0, 2, 32, name("flag"), 1, (3 << 24) | 64],
		[name("plain"), (STRUCT << 24) | 2, 16, name("first"), 1, 0, name("second"), 3, 32],
		[name("sample"), TYPEDEF << 24, 3],
	].flat();
	const types = Buffer.from(Uint32Array.from(words).buffer);
	const header = Buffer.alloc(24);
	header.writeUInt32LE(0x1eb9f);
	for (const [i, value] of [24, 0, types.length, types.length, strings.length].entries()) {
		header.writeUInt32LE(value, 4 + i * 4);
	}
	return Buffer.concat([header, types, Buffer.from(strings, "latin1")]);
}

function parse(bytes: Buffer): KernelTypes {
	const types = parseKernelTypes(bytes, "sample");
	assert.ok(types.kind === "read", types.kind === "refused" ? types.why : "");
	return types.value;
}

test("types are found by kind and name, fields through anonymous parts", () => {
	const types = parse(sampleBtf());
	assert.equal(types.idOf("struct", "sample"), 3);
	assert.equal(types.idOf("typedef", "sample"), 5);
	assert.equal(types.idOf("union", "sample"), undefined);
	assert.equal(types.idOf("struct", "samp"), undefined);
	assert.equal(types.fieldOffset("sample", "first"), 0);
	assert.equal(types.fieldOffset("sample", "inner"), 4);
	assert.equal(types.fieldOffset("sample", "flag"), undefined);
	assert.equal(types.fieldOffset("plain", "second"), 4);
	assert.equal(types.fieldOffset("plain", "inner"), undefined);
	assert.equal(types.fieldOffset("nothing", "first"), undefined);
});

test("cut at any byte it is refused or answers less, and never throws", () => {
	const whole = sampleBtf();
	for (let length = 0; length < whole.length; length++) {
		const cut = parseKernelTypes(whole.subarray(0, length), "sample");
		if (cut.kind === "refused") assert.match(cut.why, /no BTF|cut short/);
		else assert.ok([undefined, 4].includes(cut.value.fieldOffset("sample", "inner")));
	}
	assert.equal(parseKernelTypes(whole.subarray(0, 23), "sample").kind, "refused");
});

test("a union that holds itself does not hang the search", () => {
	const bytes = sampleBtf();
	// The member of type 2: no name, and of type 2 again.
	bytes.writeUInt32LE(0, 24 + 16 + 12);
	bytes.writeUInt32LE(2, 24 + 16 + 16);
	assert.equal(parse(bytes).fieldOffset("sample", "inner"), undefined);
});

test("what is no BTF is told by its first bytes; what is not there, in words", () => {
	const other = parseKernelTypes(Buffer.from("\x7fELF and more, enough for a header"), "some file");
	assert.deepEqual(other, {
		kind: "refused",
		code: "failed",
		why: "some file is no BTF: it begins with 0x457f",
	});
	const absent = readKernelTypes("/nowhere/btf");
	assert.ok(absent.kind === "refused");
	assert.match(absent.why, /a kernel without BTF \(CONFIG_DEBUG_INFO_BTF\)/);
});

test("the running kernel's: fields that never moved, and the type of a tracepoint", (t) => {
	if (!existsSync("/sys/kernel/btf/vmlinux")) return t.skip("not possible here: a kernel without BTF");
	const types = readKernelTypes();
	assert.ok(types.kind === "read");
	const fields = ["skc_daddr", "skc_rcv_saddr", "skc_dport", "skc_num", "skc_family"];
	assert.deepEqual(
		fields.map((field) => types.value.fieldOffset("sock_common", field)),
		[0, 4, 12, 14, 16],
	);
	assert.ok((types.value.idOf("typedef", "btf_trace_inet_sock_set_state") ?? 0) > 0);
});
