/** Every form against bytes worked out by hand from RFC 9669; the names are the usual assembler text. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { BpfAssembler } from "./bpf-assembler.ts";

type Write = (assembler: BpfAssembler) => BpfAssembler;

const FORMS: Readonly<Record<string, readonly [Write, string]>> = {
	"r1 = 5": [(a) => a.move("r1", 5), "b7 01 0000 05000000"],
	"r1 = -1": [(a) => a.move("r1", -1), "b7 01 0000 ffffffff"],
	"r6 = r1": [(a) => a.move("r6", "r1"), "bf 16 0000 00000000"],
	"w2 = 7": [(a) => a.move32("r2", 7), "b4 02 0000 07000000"],
	"w2 = w3": [(a) => a.move32("r2", "r3"), "bc 32 0000 00000000"],
	"r2 += -8": [(a) => a.alu("add", "r2", -8), "07 02 0000 f8ffffff"],
	"r2 += r3": [(a) => a.alu("add", "r2", "r3"), "0f 32 0000 00000000"],
	"r2 -= r3": [(a) => a.alu("sub", "r2", "r3"), "1f 32 0000 00000000"],
	"r2 *= 3": [(a) => a.alu("mul", "r2", 3), "27 02 0000 03000000"],
	"r2 /= 1000": [(a) => a.alu("div", "r2", 1000), "37 02 0000 e8030000"],
	"r2 |= r10": [(a) => a.alu("or", "r2", "r10"), "4f a2 0000 00000000"],
	"r2 &= 255": [(a) => a.alu("and", "r2", 255), "57 02 0000 ff000000"],
	"r0 <<= 32": [(a) => a.alu("lsh", "r0", 32), "67 00 0000 20000000"],
	"r0 >>= 32": [(a) => a.alu("rsh", "r0", 32), "77 00 0000 20000000"],
	"r9 %= r8": [(a) => a.alu("mod", "r9", "r8"), "9f 89 0000 00000000"],
	"r9 ^= r8": [(a) => a.alu("xor", "r9", "r8"), "af 89 0000 00000000"],
	"r0 s>>= 63": [(a) => a.alu("arsh", "r0", 63), "c7 00 0000 3f000000"],
	"w1 += 1": [(a) => a.alu32("add", "r1", 1), "04 01 0000 01000000"],
	"w1 &= w2": [(a) => a.alu32("and", "r1", "r2"), "5c 21 0000 00000000"],
	"r4 = -r4": [(a) => a.negate("r4"), "87 04 0000 00000000"],
	"r1 = *(u8 *)(r6 + 3)": [(a) => a.load("b", "r1", "r6", 3), "71 61 0300 00000000"],
	"r1 = *(u16 *)(r6 + 12)": [(a) => a.load("h", "r1", "r6", 12), "69 61 0c00 00000000"],
	"r1 = *(u32 *)(r10 - 4)": [(a) => a.load("w", "r1", "r10", -4), "61 a1 fcff 00000000"],
	"r7 = *(u64 *)(r1 + 80)": [(a) => a.load("dw", "r7", "r1", 80), "79 17 5000 00000000"],
	"*(u8 *)(r10 - 1) = r1": [(a) => a.store("b", "r10", -1, "r1"), "73 1a ffff 00000000"],
	"*(u16 *)(r10 - 2) = r1": [(a) => a.store("h", "r10", -2, "r1"), "6b 1a feff 00000000"],
	"*(u32 *)(r10 - 4) = r1": [(a) => a.store("w", "r10", -4, "r1"), "63 1a fcff 00000000"],
	"*(u64 *)(r10 - 8) = r1": [(a) => a.store("dw", "r10", -8, "r1"), "7b 1a f8ff 00000000"],
	"*(u8 *)(r10 - 1) = 9": [(a) => a.store("b", "r10", -1, 9), "72 0a ffff 09000000"],
	"*(u16 *)(r10 - 2) = 9": [(a) => a.store("h", "r10", -2, 9), "6a 0a feff 09000000"],
	"*(u32 *)(r10 - 4) = 0": [(a) => a.store("w", "r10", -4, 0), "62 0a fcff 00000000"],
	"*(u64 *)(r10 - 8) = -1": [(a) => a.store("dw", "r10", -8, -1), "7a 0a f8ff ffffffff"],
	"lock *(u64 *)(r0 + 8) += r1": [(a) => a.atomicAdd("dw", "r0", 8, "r1"), "db 10 0800 00000000"],
	"lock *(u32 *)(r0 + 8) += r1": [(a) => a.atomicAdd("w", "r0", 8, "r1"), "c3 10 0800 00000000"],
	"r1 = atomic_fetch_add((u64 *)(r0 + 8), r1)": [
		(a) => a.atomicFetchAdd("dw", "r0", 8, "r1"),
		"db 10 0800 01000000",
	],
	"r1 = 0x1122334455667788 ll": [
		(a) => a.loadImmediate64("r1", 0x1122334455667788n),
		"18 01 0000 88776655 00 00 0000 44332211",
	],
	"r1 = -2 ll": [(a) => a.loadImmediate64("r1", -2n), "18 01 0000 feffffff 00 00 0000 ffffffff"],
	"r1 = 0xffffffffffffffff ll": [
		(a) => a.loadImmediate64("r1", 0xffff_ffff_ffff_ffffn),
		"18 01 0000 ffffffff 00 00 0000 ffffffff",
	],
	"r1 = map of descriptor 17": [(a) => a.loadMap("r1", 17), "18 11 0000 11000000 00 00 0000 00000000"],
	"call 67": [(a) => a.call("get_stack"), "85 00 0000 43000000"],
	"call 112": [(a) => a.call("probe_read_user"), "85 00 0000 70000000"],
	"call 174": [(a) => a.call("get_attach_cookie"), "85 00 0000 ae000000"],
	exit: [(a) => a.exit(), "95 00 0000 00000000"],
};

/** Each jumps over one instruction. */
const JUMPS: Readonly<Record<string, readonly [Write, string]>> = {
	"goto +1": [(a) => a.goto("there"), "05 00 0100 00000000"],
	"if r1 == 0 goto +1": [(a) => a.jump("jeq", "r1", 0, "there"), "15 01 0100 00000000"],
	"if r1 == r2 goto +1": [(a) => a.jump("jeq", "r1", "r2", "there"), "1d 21 0100 00000000"],
	"if r1 != 7 goto +1": [(a) => a.jump("jne", "r1", 7, "there"), "55 01 0100 07000000"],
	"if r1 > r2 goto +1": [(a) => a.jump("jgt", "r1", "r2", "there"), "2d 21 0100 00000000"],
	"if r1 >= 7 goto +1": [(a) => a.jump("jge", "r1", 7, "there"), "35 01 0100 07000000"],
	"if r1 < r2 goto +1": [(a) => a.jump("jlt", "r1", "r2", "there"), "ad 21 0100 00000000"],
	"if r1 <= 7 goto +1": [(a) => a.jump("jle", "r1", 7, "there"), "b5 01 0100 07000000"],
	"if r1 s> -1 goto +1": [(a) => a.jump("jsgt", "r1", -1, "there"), "65 01 0100 ffffffff"],
	"if r1 s>= r2 goto +1": [(a) => a.jump("jsge", "r1", "r2", "there"), "7d 21 0100 00000000"],
	"if r1 s< 0 goto +1": [(a) => a.jump("jslt", "r1", 0, "there"), "c5 01 0100 00000000"],
	"if r1 s<= 0 goto +1": [(a) => a.jump("jsle", "r1", 0, "there"), "d5 01 0100 00000000"],
	"if r1 & 4 goto +1": [(a) => a.jump("jset", "r1", 4, "there"), "45 01 0100 04000000"],
};

function hex(bytes: Uint8Array): string {
	return Buffer.from(bytes).toString("hex");
}

test("every instruction is encoded as the RFC says", () => {
	for (const [text, [write, bytes]] of Object.entries(FORMS)) {
		assert.equal(hex(write(new BpfAssembler()).build()), bytes.replaceAll(" ", ""), text);
	}
});

test("every jump is encoded as the RFC says", () => {
	for (const [text, [write, bytes]] of Object.entries(JUMPS)) {
		const assembler = write(new BpfAssembler()).exit().label("there").exit();
		assert.equal(hex(assembler.build().subarray(0, 8)), bytes.replaceAll(" ", ""), text);
	}
});

test("jumps go back and forth, and a wide immediate counts as two", () => {
	const assembler = new BpfAssembler()
		.label("begin")
		.goto("end")
		.loadImmediate64("r1", 1n)
		.goto("begin")
		.label("end")
		.exit();
	assert.equal(assembler.size, 5);
	const offsets = Array.from({ length: 5 }, (_, i) => Buffer.from(assembler.build()).readInt16LE(i * 8 + 2));
	assert.deepEqual(offsets, [3, 0, 0, -4, 0]);
});

test("a jump may be as far as 16 bits say, and no further", () => {
	const jumpOver = (instructions: number) => {
		const assembler = new BpfAssembler().goto("end");
		for (let i = 0; i < instructions; i++) assembler.move("r0", 0);
		return assembler.label("end").exit();
	};
	assert.equal(Buffer.from(jumpOver(32767).build()).readInt16LE(2), 32767);
	assert.throws(
		() => jumpOver(32768).build(),
		/the jump to end is 32768: it must lie within -32768 and 32767/,
	);
});

test("what cannot be encoded throws", () => {
	const assembler = () => new BpfAssembler();
	assert.throws(() => assembler().goto("nowhere").exit().build(), /no label nowhere/);
	assert.throws(() => assembler().goto("end").label("end").build(), /label end names no instruction/);
	assert.throws(() => assembler().label("x").label("x"), /label x is there twice/);
	assert.throws(() => assembler().move("r1", 2 ** 31), /2147483648 is not a number of 32 bits/);
	assert.throws(() => assembler().move("r1", 0.5), /0.5 is not a number of 32 bits/);
	assert.throws(() => assembler().load("dw", "r1", "r2", 40000), /the offset is 40000/);
	assert.throws(() => assembler().loadImmediate64("r1", 1n << 64n), /has more than 64 bits/);
});
