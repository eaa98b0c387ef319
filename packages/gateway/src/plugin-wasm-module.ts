/**
 * A plugin's module, made safe to run in the gateway's own thread: what it may use is checked, its memory gets a maximum,
 * and its code a fuel gauge (plugin-wasm-code.ts).
 *
 *     00 61 73 6d 01 00 00 00      "\0asm", version 1
 *     01 05 ...                    sections: id, bytes, content; in the order type, import, function, table, memory,
 *                                  global, export, start, element, data count, code, data
 *
 * Kept as it is: everything but
 *     memory   its maximum: at most memoryBytesMax
 *     global   one more: the fuel, i64, mutable
 *     export   one more: the fuel, by FUEL_EXPORT
 *     code     with payments
 *     custom   left out
 */
import { engine } from "./plugin-engine.ts";
import { PluginModuleError, signedBytes, u32Bytes, WasmReader } from "./plugin-wasm-bytes.ts";
import { valueType, withGauge } from "./plugin-wasm-code.ts";

export const MODULE_BYTES_MAX = 4 * 1024 * 1024;
export const FUEL_EXPORT = "plumbline_fuel";
/** For its `start` function: nobody has set the gauge by then. */
const START_FUEL = 10_000_000;
const PAGE_BYTES = 65_536;
const TABLE_ENTRIES_MAX = 65_536;
const TYPES_MAX = 100_000;
const MAGIC = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];

const TYPE = 1;
const IMPORT = 2;
const FUNCTION = 3;
const TABLE = 4;
const MEMORY = 5;
const GLOBAL = 6;
const EXPORT = 7;
const CODE = 10;
const ORDER = [TYPE, IMPORT, FUNCTION, TABLE, MEMORY, GLOBAL, EXPORT, 8, 9, 12, CODE, 11];

/** Throws PluginModuleError. */
export function safeModule(bytes: Uint8Array, memoryBytesMax: number): Uint8Array<ArrayBuffer> {
	if (bytes.length > MODULE_BYTES_MAX)
		throw new PluginModuleError(`the module is larger than ${MODULE_BYTES_MAX} bytes`);
	// All that follows may rely on what the engine has checked, such as that no index points nowhere.
	if (!engine.validate(Uint8Array.from(bytes)))
		throw new PluginModuleError("this is no valid WebAssembly module");
	const sections = sectionsOf(bytes);
	const typeParams = paramsOfTypes(sections.get(TYPE));
	checkImports(sections.get(IMPORT), typeParams);
	const functions = numbersOf(sections.get(FUNCTION));
	checkTables(sections.get(TABLE));
	const globals = sections.get(GLOBAL);
	const fuel = globals?.u32() ?? 0;
	const fuelGlobal = [0x7e, 0x01, 0x42, ...signedBytes(START_FUEL), 0x0b];
	const fuelExport = [...nameBytes(FUEL_EXPORT), 0x03, ...u32Bytes(fuel)];
	const exports = sections.get(EXPORT);
	const exported = exports?.u32() ?? 0;
	const made = new Map<number, Uint8Array[]>([
		[MEMORY, [Uint8Array.from(memoryLimits(sections.get(MEMORY), memoryBytesMax))]],
		[GLOBAL, [Uint8Array.from(u32Bytes(fuel + 1)), rest(globals), Uint8Array.from(fuelGlobal)]],
		[EXPORT, [Uint8Array.from(u32Bytes(exported + 1)), rest(exports), Uint8Array.from(fuelExport)]],
	]);
	const code = sections.get(CODE);
	if (code !== undefined) made.set(CODE, gaugedCode(code, functions, typeParams, fuel));
	const parts: Uint8Array[] = [Uint8Array.from(MAGIC)];
	for (const id of ORDER) {
		const section = sections.get(id);
		const content = made.get(id) ?? (section === undefined ? undefined : [whole(section)]);
		if (content === undefined) continue;
		const length = content.reduce((sum, part) => sum + part.length, 0);
		parts.push(Uint8Array.from([id, ...u32Bytes(length)]), ...content);
	}
	return Uint8Array.from(Buffer.concat(parts));
}

function sectionsOf(bytes: Uint8Array): Map<number, WasmReader> {
	const reader = new WasmReader(bytes, MAGIC.length);
	const sections = new Map<number, WasmReader>();
	while (!reader.done) {
		const id = reader.byte();
		const length = reader.u32();
		const from = reader.at;
		reader.skip(length);
		if (id === 0) continue;
		if (!ORDER.includes(id)) throw new PluginModuleError(`a section of kind ${id} is not supported`);
		sections.set(id, new WasmReader(bytes, from, from + length));
	}
	return sections;
}

/** Parameters of each function type. */
function paramsOfTypes(reader: WasmReader | undefined): number[] {
	const params: number[] = [];
	const count = reader?.u32() ?? 0;
	if (count > TYPES_MAX) throw new PluginModuleError(`more than ${TYPES_MAX} types`);
	for (let type = 0; reader !== undefined && type < count; type++) {
		const form = reader.byte();
		if (form !== 0x60) throw new PluginModuleError(`types of form 0x${form.toString(16)} are not supported`);
		const ins = reader.u32();
		for (let at = 0; at < ins; at++) valueType(reader);
		for (let outs = reader.u32(); outs > 0; outs--) valueType(reader);
		params.push(ins);
	}
	return params;
}

/** Nothing but the log may come from outside. */
function checkImports(reader: WasmReader | undefined, typeParams: readonly number[]): void {
	const count = reader?.u32() ?? 0;
	for (let at = 0; reader !== undefined && at < count; at++) {
		const name = `${reader.name()}.${reader.name()}`;
		const kind = reader.byte();
		if (name !== "plumbline.log" || kind !== 0 || typeParams[reader.u32()] !== 2)
			throw new PluginModuleError(`it wants ${JSON.stringify(name)}: only plumbline.log(ptr, len) is there`);
	}
}

function numbersOf(reader: WasmReader | undefined): number[] {
	const numbers: number[] = [];
	for (let left = reader?.u32() ?? 0; reader !== undefined && left > 0; left--) numbers.push(reader.u32());
	return numbers;
}

function checkTables(reader: WasmReader | undefined): void {
	let entries = 0;
	for (let left = reader?.u32() ?? 0; reader !== undefined && left > 0; left--) {
		valueType(reader);
		const flags = reader.byte();
		entries += reader.u32();
		if ((flags & 1) !== 0) reader.skipNumber();
	}
	if (entries > TABLE_ENTRIES_MAX)
		throw new PluginModuleError(`its tables have more than ${TABLE_ENTRIES_MAX} entries`);
}

function memoryLimits(reader: WasmReader | undefined, memoryBytesMax: number): number[] {
	if (reader === undefined || reader.u32() !== 1) throw new PluginModuleError("it has no memory of its own");
	const flags = reader.byte();
	if (flags > 1) throw new PluginModuleError("shared memory and memory of 64 bits are not supported");
	const least = reader.u32();
	const pagesMax = Math.floor(memoryBytesMax / PAGE_BYTES);
	if (least > pagesMax)
		throw new PluginModuleError(
			`it begins with ${least * PAGE_BYTES} bytes of memory, and ${memoryBytesMax} are allowed`,
		);
	const most = Math.min(pagesMax, flags === 1 ? reader.u32() : pagesMax);
	return [1, 1, ...u32Bytes(least), ...u32Bytes(most)];
}

function gaugedCode(
	reader: WasmReader,
	functions: readonly number[],
	typeParams: readonly number[],
	fuel: number,
): Uint8Array[] {
	const count = reader.u32();
	const parts: Uint8Array[] = [Uint8Array.from(u32Bytes(count))];
	for (let at = 0; at < count; at++) {
		const length = reader.u32();
		const body = new WasmReader(reader.bytes, reader.at, reader.at + length);
		reader.skip(length);
		const gauged = withGauge(body, typeParams[functions[at] ?? -1] ?? 0, fuel);
		parts.push(Uint8Array.from(u32Bytes(gauged.reduce((sum, part) => sum + part.length, 0))));
		for (const part of gauged) parts.push(part);
	}
	return parts;
}

function rest(reader: WasmReader | undefined): Uint8Array {
	return reader === undefined ? new Uint8Array(0) : reader.bytes.subarray(reader.at, reader.end);
}

/** Of a section that nothing was read of, or whose reading does not matter. */
function whole(reader: WasmReader): Uint8Array {
	return reader.bytes.subarray(reader.from, reader.end);
}

function nameBytes(name: string): number[] {
	return [...u32Bytes(name.length), ...Buffer.from(name)];
}
