/**
 * What a Go value leads to: its own parts, through pointers and interfaces.
 *
 * Not followed, because it is many things' and not one's: slices, maps, channels and functions; fields by
 * whose name a connection keeps its configuration, its pool or who asked for it; and structs of packages
 * that are shared by their nature. That guesses: an own part under such a name is missed, never mistaken.
 */
import type { GoStruct, GoTypes, GoValue } from "./go-types.ts";
import { WORD, wordAt } from "./memory-words.ts";
import type { ProcessMemory } from "./process-memory.ts";

/** Fields of one value, those of structs within it included. No type of Go comes near; a broken one may. */
const FIELDS_MAX = 10_000;
/** Structs within structs. */
const NESTED_MAX = 32;
/** A value's own bytes; nothing a connection is made of comes near. */
const VALUE_BYTES_MAX = 64 << 10;

const SHARED_FIELD =
	/^(db|cfg|conf|opts?|options|ctx|context|logger|log|tracer|driver|dialer|pool|stats|metrics|.*(config|connector|listener|server|factory|provider))$/i;
const SHARED_PACKAGE =
	/^(context|database\/sql|log|log\/slog|reflect|runtime|sync|sync\/atomic|time|crypto\/x509)$|\/puddle(\/v\d+)?$/;

/** The values one step away, in the order of the fields; undefined when the struct cannot be read. */
export function ownValues(
	memory: ProcessMemory,
	types: GoTypes,
	value: GoValue,
): readonly GoValue[] | undefined {
	const { type, address } = value;
	if (type.kind === "pointer" || type.kind === "interface") {
		const bytes = memory.read(address, type.size);
		return bytes && followed(types, type.address, bytes, 0);
	}
	if (type.kind !== "struct" || SHARED_PACKAGE.test(type.package)) return [];
	const bytes = type.size > VALUE_BYTES_MAX ? undefined : memory.read(address, type.size);
	return bytes && valuesOfFields(types, type, bytes);
}

function valuesOfFields(types: GoTypes, struct: GoStruct, bytes: Uint8Array): readonly GoValue[] {
	const values: GoValue[] = [];
	let fieldsLeft = FIELDS_MAX;
	const visit = (within: GoStruct, at: number, depth: number): void => {
		if (depth === NESTED_MAX) return;
		for (const field of within.fields) {
			if (fieldsLeft-- <= 0) return;
			if (SHARED_FIELD.test(field.name)) continue;
			const type = types.typeAt(field.type);
			if (type?.kind !== "struct") values.push(...followed(types, field.type, bytes, at + field.offset));
			else if (!SHARED_PACKAGE.test(type.package)) visit(type, at + field.offset, depth + 1);
		}
	};
	visit(struct, 0, 0);
	return values;
}

/** The target of a pointer or an interface that lies in `bytes`. */
function followed(types: GoTypes, typeAddress: number, bytes: Uint8Array, at: number): readonly GoValue[] {
	const type = types.typeAt(typeAddress);
	const word = wordAt(bytes, at) ?? 0;
	if (type?.kind === "pointer") {
		const element = types.typeAt(type.element);
		return element && word !== 0 ? [{ address: word, type: element }] : [];
	}
	if (type?.kind !== "interface") return [];
	const held = types.held(type.methods === 0 ? "any" : "with-methods", word, wordAt(bytes, at + WORD) ?? 0);
	return held ? [held] : [];
}
