/** Encodings that a compiler of Go writes, each with its length in the name of the thing. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { splitCode } from "./machine-code.ts";

const split = (hex: string, arch: "amd64" | "arm64" = "amd64") =>
	splitCode(Uint8Array.from(Buffer.from(hex.replaceAll(" ", ""), "hex")), arch);

test("amd64: one instruction each", () => {
	for (const hex of [
		"49 3b 66 10", // cmp rsp, [r14+16]
		"66 90", // nop
		"0f 1f 84 00 00 00 00 00", // nop
		"48 8b 15 a2 3a de 00", // mov rdx, [rip+…]
		"48 8b 8c 24 80 00 00 00", // mov rcx, [rsp+128]
		"48 b8 01 02 03 04 05 06 07 08", // mov rax, imm64
		"b8 01 02 03 04", // mov eax, imm32
		"66 c7 44 24 08 01 02", // mov word [rsp+8], imm16
		"48 c7 40 08 0c 00 00 00", // mov qword [rax+8], imm32
		"f6 40 17 08", // test byte [rax+23], 8
		"f7 d9", // neg ecx
		"48 69 c0 e8 03 00 00", // imul rax, rax, 1000
		"44 0f 11 7c 24 38", // movups [rsp+56], xmm15
		"64 48 8b 0c 25 f8 ff ff ff", // mov rcx, fs:[-8]
		"f0 48 0f b1 0a", // lock cmpxchg [rdx], rcx
		"66 0f 3a 0f c8 08", // palignr xmm1, xmm0, 8
		"c5 fd 6f 06", // vmovdqa ymm0, [rsi]
		"c5 f8 77", // vzeroupper
		"c4 e3 75 46 c2 20", // vperm2i128 ymm0, ymm1, ymm2, 32
		"c4 e2 fb f7 c3", // shrx rax, rbx, rax
		"62 f1 7e 48 6f 00", // vmovdqu32 zmm0, [rax]
	]) {
		const instructions = split(hex);
		assert.equal(instructions?.length, 1, hex);
		assert.equal(instructions?.[0]?.kind, "other", hex);
		assert.equal(split(hex.slice(0, -3)), undefined, `cut: ${hex}`);
	}
});

test("amd64: calls, jumps and returns with their targets", () => {
	const kinds = (hex: string) => split(hex)?.map(({ at, kind, target }) => [at, kind, target]);
	assert.deepEqual(kinds("e8 05 00 00 00 76 f9 0f 84 00 01 00 00 eb fe e9 ff ff ff ff c3"), [
		[0, "call", 10],
		[5, "branch", 0],
		[7, "branch", 269],
		[13, "jump", 13],
		[15, "jump", 19],
		[20, "return", undefined],
	]);
	assert.deepEqual(kinds("ff d2 ff e0 42 ff 24 c8"), [
		[0, "other", undefined],
		[2, "indirect-jump", undefined],
		[4, "indirect-jump", undefined],
	]);
});

test("amd64: not in 64-bit mode, and fifteen bytes at most", () => {
	for (const hex of ["06", "9a 01 02 03 04 05 06", "d4 0a", "0f 04", "0f 3a", "c4 e0 00 00", ""])
		assert.equal(split(hex)?.length ?? 0, 0, hex);
	assert.equal(split(`${"66 ".repeat(15)}90`), undefined);
	assert.equal(split("f3 ".repeat(40_000)), undefined);
});

test("arm64: calls, jumps and returns with their targets", () => {
	const words = [
		0x94000002, 0x17ffffff, 0x54000049, 0xb4ffffe0, 0x3607ffc1, 0xd61f0360, 0xd65f03c0, 0xd503201f,
	];
	const bytes = Buffer.alloc(words.length * 4);
	for (const [index, word] of words.entries()) bytes.writeUInt32LE(word, index * 4);
	assert.deepEqual(
		splitCode(bytes, "arm64")?.map(({ at, kind, target }) => [at, kind, target]),
		[
			[0, "call", 8],
			[4, "jump", 0],
			[8, "branch", 16],
			[12, "branch", 8],
			[16, "branch", 8],
			[20, "indirect-jump", undefined],
			[24, "return", undefined],
			[28, "other", undefined],
		],
	);
	assert.equal(split("c0 03 5f", "arm64"), undefined);
});
