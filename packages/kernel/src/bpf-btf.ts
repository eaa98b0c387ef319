/**
 * The kernel's own type information, BTF (Documentation/bpf/btf.rst), from /sys/kernel/btf/vmlinux: the id
 * of a named type, and where a field lies in a structure of the running kernel. No more than tp-btf and
 * raw-tracepoint programs need.
 *
 * ```
 * header    9f eb 01 00 · u32 header length · u32 type offset, length · u32 string offset, length
 *           (offsets count from the header's end)
 * types     number 1, 2, 3...: u32 name (offset in strings) · u32 info (kind << 24 | count; bit 31: bit
 *           fields) · u32 size or type, then by kind 0 or more bytes
 * strings   "\0int\0long\0..."; the same text is there only once
 * ```
 */
import { readFileSync } from "node:fs";
import { explainFileError, type Reading, read, refused } from "./reading.ts";

const VMLINUX = "/sys/kernel/btf/vmlinux";
const MAGIC = 0xeb9f;
const TYPE_BYTES = 12;
const MEMBER_BYTES = 12;
/** Kinds that programs here ask for by name. */
const KINDS = { struct: 4, union: 5, typedef: 8 } as const;
/** A field within anonymous structures and unions: so many deep. */
const NESTING_MAX = 8;
const BIT_FIELDS = 0x80000000;

/** Bytes after a type's first twelve: [for the type, for each of its count]. By kind, 0 to 19. */
const EXTRA_BYTES: readonly (readonly [number, number])[] = [
	[0, 0], // void
	[4, 0], // int
	[0, 0], // pointer
	[12, 0], // array
	[0, MEMBER_BYTES], // struct
	[0, MEMBER_BYTES], // union
	[0, 8], // enum
	[0, 0], // forward
	[0, 0], // typedef
	[0, 0], // volatile
	[0, 0], // const
	[0, 0], // restrict
	[0, 0], // function
	[0, 8], // prototype
	[4, 0], // variable
	[0, 12], // section
	[0, 0], // float
	[4, 0], // declaration tag
	[0, 0], // type tag
	[0, 12], // 64-bit enum
];

export interface KernelTypes {
	/** The id of a type, for `btfId` of a program: `idOf("typedef", "btf_trace_inet_sock_set_state")`. */
	readonly idOf: (kind: keyof typeof KINDS, name: string) => number | undefined;
	/**
	 * Byte offset of a field in a structure, found in anonymous parts too: `fieldOffset("sock_common",
	 * "skc_daddr")`. Undefined for bit fields and what is not there.
	 */
	readonly fieldOffset: (struct: string, field: string) => number | undefined;
}

/** Some 5 MB are read and their types counted once, 10 to 50 ms; let go of the result when done. */
export function readKernelTypes(path = VMLINUX): Reading<KernelTypes> {
	let bytes: Buffer;
	try {
		bytes = readFileSync(path);
	} catch (error) {
		const refusal = explainFileError(error, path);
		if (refusal.code !== "absent") return refusal;
		return refused("unsupported", `${path} does not exist: a kernel without BTF (CONFIG_DEBUG_INFO_BTF)`);
	}
	return parseKernelTypes(bytes, path);
}

/** Pure part of `readKernelTypes`. */
export function parseKernelTypes(bytes: Buffer, path: string): Reading<KernelTypes> {
	const found = bytes.length < 24 ? 0 : bytes.readUInt16LE(0);
	if (found !== MAGIC) return refused("failed", `${path} is no BTF: it begins with 0x${found.toString(16)}`);
	const headerBytes = bytes.readUInt32LE(4);
	const part = (at: number) => {
		const begin = headerBytes + bytes.readUInt32LE(at);
		return bytes.subarray(begin, begin + bytes.readUInt32LE(at + 4));
	};
	const types = part(8);
	const strings = part(16);
	const starts = typeStarts(types);
	if (starts === undefined)
		return refused("failed", `${path}: a type of a kind not known here, or cut short`);
	const table = { types, strings, starts };
	return read({
		idOf: (kind, name) => findType(table, KINDS[kind], name),
		fieldOffset: (struct, field) => {
			const name = nameOffset(strings, field);
			const id = findType(table, KINDS.struct, struct);
			return name === undefined || id === undefined ? undefined : findField(table, id, name, 0);
		},
	});
}

interface Table {
	readonly types: Buffer;
	readonly strings: Buffer;
	/** Where type n begins, from 1 on. */
	readonly starts: readonly number[];
}

function typeStarts(types: Buffer): readonly number[] | undefined {
	const starts = [-1];
	let at = 0;
	while (at + TYPE_BYTES <= types.length) {
		starts.push(at);
		const info = types.readUInt32LE(at + 4);
		const extra = EXTRA_BYTES[(info >>> 24) & 0x1f];
		if (extra === undefined) return undefined;
		at += TYPE_BYTES + extra[0] + (info & 0xffff) * extra[1];
	}
	return at === types.length ? starts : undefined;
}

function nameOffset(strings: Buffer, name: string): number | undefined {
	const at = strings.indexOf(`\0${name}\0`, 0, "latin1");
	return at < 0 ? undefined : at + 1;
}

function findType({ types, strings, starts }: Table, kind: number, name: string): number | undefined {
	const wanted = nameOffset(strings, name);
	if (wanted === undefined) return undefined;
	for (let id = 1; id < starts.length; id++) {
		const at = starts[id] ?? 0;
		if (types.readUInt32LE(at) === wanted && kindAt(types, at) === kind) return id;
	}
	return undefined;
}

function kindAt(types: Buffer, at: number): number {
	return (types.readUInt32LE(at + 4) >>> 24) & 0x1f;
}

/** Members follow the type: u32 name · u32 type · u32 offset in bits (with bit fields: size in the top byte). */
function findField(table: Table, id: number, name: number, depth: number): number | undefined {
	const { types, starts } = table;
	const at = starts[id];
	if (at === undefined || at < 0 || depth > NESTING_MAX) return undefined;
	const kind = kindAt(types, at);
	if (kind !== KINDS.struct && kind !== KINDS.union) return undefined;
	const info = types.readUInt32LE(at + 4);
	const hasBitFields = (info & BIT_FIELDS) !== 0;
	for (let i = 0; i < (info & 0xffff); i++) {
		const member = at + TYPE_BYTES + i * MEMBER_BYTES;
		const memberName = types.readUInt32LE(member);
		const offset = types.readUInt32LE(member + 8);
		const bits = hasBitFields ? offset & 0xffffff : offset;
		if (memberName === name) {
			return (hasBitFields && offset >>> 24 !== 0) || bits % 8 !== 0 ? undefined : bits / 8;
		}
		if (memberName !== 0) continue;
		const inner = findField(table, types.readUInt32LE(member + 4), name, depth + 1);
		if (inner !== undefined) return bits / 8 + inner;
	}
	return undefined;
}
