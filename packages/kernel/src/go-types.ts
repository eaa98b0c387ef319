/**
 * The type descriptions that every Go program carries for its own runtime (interfaces, reflection, garbage
 * collection). They survive stripping, so that a value reached through an interface can be read field by
 * field without debug info. Layout of internal/abi/type.go and iface.go, the same from Go 1.18 to 1.27:
 *
 * ```
 * Type    0 size   8 bytes with pointers   16 hash u32   20 flags u8, align u8, field align u8, kind u8
 *        24 equal 32 gc data   40 name i32, pointer type i32   48 what the kind adds:
 *   pointer     48 *Type of the element
 *   struct      48 *name of its package   56 fields pointer, length, capacity   (field: *name, *Type, offset)
 *   interface   48 *name of its package   56 methods pointer, length, capacity
 * itab    0 *Type of the interface   8 *Type of the value   16 hash u32, a copy of that type's
 * name    0 flags u8   1 length as varint   then its bytes
 * ```
 *
 * Go 1.18 keeps a field's offset doubled, with a mark for embedding in the lowest bit.
 */
import { readWord, WORD, wordAt } from "./memory-words.ts";
import type { ProcessMemory } from "./process-memory.ts";

interface Common {
	readonly address: number;
	readonly size: number;
	readonly hash: number;
}

export interface GoField {
	readonly name: string;
	/** Address of its type. */
	readonly type: number;
	readonly offset: number;
}

export interface GoStruct extends Common {
	readonly kind: "struct";
	/** `net`; "" for a struct whose fields are all exported. */
	readonly package: string;
	readonly fields: readonly GoField[];
}

type GoType =
	| GoStruct
	| (Common & { readonly kind: "pointer"; readonly element: number })
	| (Common & { readonly kind: "interface"; readonly methods: number })
	/** Also a pointer in a register, but nothing this room follows. */
	| (Common & { readonly kind: "map" | "chan" | "func" | "unsafe-pointer" })
	| (Common & { readonly kind: "other" });

export interface GoTypes {
	/** Undefined when there is no type at that address. */
	typeAt(address: number): GoType | undefined;
	/** What an interface holds, given its two words; undefined when it is nil or no interface. */
	held(kind: "any" | "with-methods", first: number, second: number): GoValue | undefined;
}

/** Where a value lies, and its type. */
export interface GoValue {
	readonly address: number;
	readonly type: GoType;
}

const HEAD_BYTES = 48;
const TYPE_BYTES = HEAD_BYTES + 4 * WORD;
const FIELD_BYTES = 3 * WORD;
/** Types that were looked at are kept; a walk meets some hundreds. */
const TYPES_MAX = 20_000;
const FIELDS_MAX = 1_000;
const NAME_BYTES_MAX = 200;
const VALUE_BYTES_MAX = 2 ** 32;
const KIND_MASK = 0x1f;
const KINDS_MAX = 26;
const KIND_STRUCT = 25;
const POINTER_LIKE = new Map([
	[18, "chan"],
	[19, "func"],
	[21, "map"],
	[26, "unsafe-pointer"],
] as const);
/** How often a struct of one field may hold a struct of one field. */
const NESTED_MAX = 8;

export function goTypesOf(memory: ProcessMemory): GoTypes {
	const known = new Map<number, GoType | undefined>();
	const typeAt = (address: number): GoType | undefined => {
		if (known.has(address)) return known.get(address);
		const type = readType(memory, address);
		if (known.size < TYPES_MAX) known.set(address, type);
		return type;
	};

	/** Values that are one pointer lie in the interface itself; it points to all others. */
	const isOnePointer = (type: GoType, depth = 0): boolean => {
		if (type.kind === "struct") {
			const [field, second] = type.fields;
			if (field === undefined || second !== undefined || depth === NESTED_MAX) return false;
			const inner = typeAt(field.type);
			return inner !== undefined && isOnePointer(inner, depth + 1);
		}
		return type.kind !== "interface" && type.kind !== "other";
	};

	const held: GoTypes["held"] = (kind, first, second) => {
		if (first === 0 || second === 0) return undefined;
		const type = kind === "any" ? typeAt(first) : concreteOf(first);
		if (type === undefined || type.kind === "interface") return undefined;
		if (type.kind === "pointer") {
			const element = typeAt(type.element);
			return element && { address: second, type: element };
		}
		// A struct of one pointer has no address of its own: what it points to stands for it.
		if (type.kind === "struct" && isOnePointer(type)) return heldInStruct(type, second);
		return { address: second, type };
	};

	const heldInStruct = (struct: GoStruct, word: number): GoValue | undefined => {
		let type: GoType | undefined = struct;
		while (type?.kind === "struct") type = typeAt(type.fields[0]?.type ?? 0);
		const element = type?.kind === "pointer" ? typeAt(type.element) : undefined;
		return element && { address: word, type: element };
	};

	const concreteOf = (itab: number): GoType | undefined => {
		const bytes = memory.read(itab, 3 * WORD);
		if (bytes === undefined) return undefined;
		const wanted = typeAt(wordAt(bytes, 0) ?? 0);
		const concrete = typeAt(wordAt(bytes, WORD) ?? 0);
		if (wanted?.kind !== "interface" || concrete === undefined) return undefined;
		return viewOf(bytes).getUint32(2 * WORD, true) === concrete.hash ? concrete : undefined;
	};

	return { typeAt, held };
}

function readType(memory: ProcessMemory, address: number): GoType | undefined {
	if (address === 0 || address % WORD !== 0) return undefined;
	const bytes = memory.read(address, TYPE_BYTES);
	if (bytes === undefined) return undefined;
	const view = viewOf(bytes);
	const size = wordAt(bytes, 0) ?? Number.POSITIVE_INFINITY;
	const pointerBytes = wordAt(bytes, WORD) ?? Number.POSITIVE_INFINITY;
	const align = view.getUint8(21);
	const kind = view.getUint8(23) & KIND_MASK;
	if (size > VALUE_BYTES_MAX || pointerBytes > size || pointerBytes % WORD !== 0) return undefined;
	if (![1, 2, 4, 8, 16].includes(align) || size % align !== 0) return undefined;
	if (kind === 0 || kind > KINDS_MAX) return undefined;

	const common = { address, size, hash: view.getUint32(16, true) };
	const first = wordAt(bytes, HEAD_BYTES) ?? 0;
	const second = wordAt(bytes, HEAD_BYTES + WORD) ?? 0;
	const count = wordAt(bytes, HEAD_BYTES + 2 * WORD) ?? Number.POSITIVE_INFINITY;
	const pointerLike = POINTER_LIKE.get(kind as 18);
	if (pointerLike !== undefined) return size === WORD ? { ...common, kind: pointerLike } : undefined;
	switch (kind) {
		case 20:
			return size === 2 * WORD ? { ...common, kind: "interface", methods: count } : undefined;
		case 22:
			return size === WORD ? { ...common, kind: "pointer", element: first } : undefined;
		case KIND_STRUCT: {
			const fields = readFields(memory, second, count, size);
			if (fields === undefined) return undefined;
			return { ...common, kind: "struct", package: first === 0 ? "" : nameAt(memory, first), fields };
		}
		default:
			return { ...common, kind: "other" };
	}
}

function readFields(
	memory: ProcessMemory,
	address: number,
	count: number,
	size: number,
): readonly GoField[] | undefined {
	if (count === 0) return [];
	if (count > FIELDS_MAX) return undefined;
	const bytes = memory.read(address, count * FIELD_BYTES);
	if (bytes === undefined) return undefined;
	const fields: GoField[] = [];
	for (let at = 0; at < bytes.length; at += FIELD_BYTES) {
		fields.push({
			name: nameAt(memory, wordAt(bytes, at) ?? 0),
			type: wordAt(bytes, at + WORD) ?? 0,
			offset: wordAt(bytes, at + 2 * WORD) ?? Number.POSITIVE_INFINITY,
		});
	}
	// Doubled offsets are told by the last field, which then would lie beyond the end.
	const last = fields.at(-1);
	const end = last && last.offset + (readWord(memory, last.type) ?? 0);
	const doubled = end !== undefined && end > size;
	const plain = doubled
		? fields.map((field) => ({ ...field, offset: Math.floor(field.offset / 2) }))
		: fields;
	return plain.every(({ offset }) => offset <= size) ? plain : undefined;
}

/** "" when there is none. */
function nameAt(memory: ProcessMemory, address: number): string {
	const head = memory.read(address, 3);
	if (head === undefined) return "";
	const [, low = 0, high = 0] = head;
	const length = low < 0x80 ? low : (low & 0x7f) | (high << 7);
	if (length > NAME_BYTES_MAX) return "";
	const bytes = memory.read(address + (low < 0x80 ? 2 : 3), length);
	return bytes ? new TextDecoder().decode(bytes) : "";
}

function viewOf(bytes: Uint8Array): DataView {
	return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
