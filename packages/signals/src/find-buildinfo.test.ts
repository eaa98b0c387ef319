/** ELF files put together by hand, both widths and byte orders. A real one: kernel/src/go-buildinfo.test.ts. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { findBuildinfo, type ReadAt } from "./find-buildinfo.ts";
import { BUILDINFO_MAGIC } from "./go-binary-buildinfo.ts";

interface Shape {
	readonly wide: boolean;
	readonly little: boolean;
	readonly sections: boolean;
}

const INFO_AT = 0x400;
const INFO_BYTES = 0x40;

/** Header, one segment header, then names, build info, and three section headers where wanted. */
function elf({ wide, little, sections }: Shape): Uint8Array {
	const bytes = new Uint8Array(0x800);
	const view = new DataView(bytes.buffer);
	const half = (at: number, value: number) => view.setUint16(at, value, little);
	const word = (at: number, value: number) => view.setUint32(at, value, little);
	const long = (at: number, value: number) =>
		wide ? view.setBigUint64(at, BigInt(value), little) : view.setUint32(at, value, little);
	bytes.set([0x7f, 0x45, 0x4c, 0x46, wide ? 2 : 1, little ? 1 : 2]);
	const segmentAt = 0x40;
	long(wide ? 32 : 28, segmentAt);
	half(wide ? 54 : 42, wide ? 56 : 32);
	half(wide ? 56 : 44, 1);
	word(segmentAt, 1);
	word(segmentAt + (wide ? 4 : 24), 6);
	long(segmentAt + (wide ? 8 : 4), 0x200);
	long(segmentAt + (wide ? 32 : 16), 0x600);
	bytes.set(BUILDINFO_MAGIC, INFO_AT);
	if (!sections) return bytes;
	const sectionsAt = 0x100;
	const entry = wide ? 64 : 40;
	const section = (index: number, name: number, offset: number, size: number) => {
		const at = sectionsAt + index * entry;
		word(at, name);
		long(at + (wide ? 24 : 16), offset);
		long(at + (wide ? 32 : 20), size);
	};
	bytes.set(new TextEncoder().encode("\0.shstrtab\0.go.buildinfo\0"), 0x300);
	section(1, 1, 0x300, 0x20);
	section(2, 11, INFO_AT, INFO_BYTES);
	long(wide ? 40 : 32, sectionsAt);
	half(wide ? 58 : 46, entry);
	half(wide ? 60 : 48, 3);
	half(wide ? 62 : 50, 1);
	return bytes;
}

function over(bytes: Uint8Array): ReadAt {
	return (offset, length) => bytes.subarray(offset, offset + length);
}

const SHAPES: readonly Shape[] = [true, false].flatMap((wide) =>
	[true, false].flatMap((little) => [true, false].map((sections) => ({ wide, little, sections }))),
);

test("found by its section, or by the magic where sections are gone", () => {
	for (const shape of SHAPES) {
		const length = shape.sections ? INFO_BYTES : 0x400;
		assert.deepEqual(
			findBuildinfo(over(elf(shape))),
			{ kind: "found", offset: INFO_AT, length },
			JSON.stringify(shape),
		);
	}
});

test("a section of that name without the magic is not believed", () => {
	const bytes = elf({ wide: true, little: true, sections: true });
	bytes[INFO_AT] = 0;
	assert.equal(findBuildinfo(over(bytes)).kind, "absent");
});

test("no ELF, and an ELF without build info, are told apart", () => {
	const shell = findBuildinfo(over(new TextEncoder().encode("#!/bin/sh\nexec orders\n")));
	assert.deepEqual(shell, { kind: "absent", why: "not an ELF executable" });
	const plain = elf({ wide: true, little: true, sections: false }).fill(0, INFO_AT);
	assert.match(findBuildinfo(over(plain)).kind === "absent" ? "absent" : "found", /absent/);
});

test("cut at every byte and with any byte changed it never throws and reads within bounds", () => {
	for (const shape of SHAPES) {
		const bytes = elf(shape);
		for (let length = 0; length < bytes.length; length += 7) findBuildinfo(over(bytes.subarray(0, length)));
		fc.assert(
			fc.property(fc.nat(0x1ff), fc.nat(255), (at, value) => {
				const changed = Uint8Array.from(bytes);
				changed[at] = value;
				findBuildinfo((offset, length) => {
					assert.ok(Number.isSafeInteger(offset) && offset >= 0 && length >= 0 && length <= 1 << 20);
					return changed.subarray(offset, offset + length);
				});
			}),
			{ numRuns: 300 },
		);
	}
});
