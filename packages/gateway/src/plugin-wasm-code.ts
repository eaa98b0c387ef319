/**
 * One function's code with a fuel gauge built in. Straight code can only go on and end; what repeats is a loop or a call.
 * So it is enough to pay at each function's entry and at each loop's head, for all instructions up to the next of these.
 *
 *     function                          function
 *       a                                 pay 3   (a, loop, c)
 *       loop                              a
 *         b                               loop
 *         br_if 0            ──▶            pay 2   (b, br_if)
 *       end                                 b
 *       c                                   br_if 0
 *                                         …
 *
 *     pay n:  fuel := fuel − n; if fuel < 0 trap
 *
 * Filling and copying memory is one instruction that takes as long as the memory is large: it pays for its bytes, too.
 * Instructions that are not known here are refused: what cannot be counted cannot be stopped.
 */
import { PluginModuleError, signedBytes, u32Bytes, type WasmReader } from "./plugin-wasm-bytes.ts";

/** Bytes that are filled or copied in about the time of one instruction: a power of two. */
const BULK_SHIFT = 4;
/** Blocks in blocks: more than any compiler makes. */
const DEPTH_MAX = 1000;

/** Where something is put in, and what: `cost` is that of the region when it is known. */
type Insertion =
	| { readonly at: number; readonly kind: "pay"; cost: number }
	| { readonly at: number; readonly kind: "bulk" };

/** The function's body, its size excluded; `reader` stands at its locals. `fuel` is the global's index. */
export function withGauge(reader: WasmReader, params: number, fuel: number): Uint8Array[] {
	const localsFrom = reader.at;
	const groups = reader.u32();
	const groupsFrom = reader.at;
	let locals = params;
	for (let group = 0; group < groups; group++) {
		locals += reader.u32();
		valueType(reader);
	}
	const codeFrom = reader.at;
	const insertions = regions(reader);
	const needsLocal = insertions.some(({ kind }) => kind === "bulk");
	const head = needsLocal
		? [
				Uint8Array.from(u32Bytes(groups + 1)),
				reader.bytes.subarray(groupsFrom, codeFrom),
				Uint8Array.from([1, 0x7f]),
			]
		: [reader.bytes.subarray(localsFrom, codeFrom)];
	const parts: Uint8Array[] = head;
	let from = codeFrom;
	for (const insertion of insertions) {
		parts.push(reader.bytes.subarray(from, insertion.at));
		from = insertion.at;
		parts.push(Uint8Array.from(insertion.kind === "pay" ? pay(fuel, insertion.cost) : payBulk(fuel, locals)));
	}
	parts.push(reader.bytes.subarray(from, reader.end));
	return parts;
}

function pay(fuel: number, cost: number): number[] {
	const global = u32Bytes(fuel);
	// fuel − cost, kept.
	return [0x23, ...global, 0x42, ...signedBytes(cost), 0x7d, 0x24, ...global, ...trapIfEmpty(fuel)];
}

/** How many bytes lies on the stack, and stays there. */
function payBulk(fuel: number, local: number): number[] {
	const global = u32Bytes(fuel);
	const kept = u32Bytes(local);
	const bytes = [0x22, ...kept, 0x23, ...global, 0x20, ...kept, 0xad, 0x42, BULK_SHIFT, 0x88];
	return [...bytes, 0x7d, 0x24, ...global, ...trapIfEmpty(fuel)];
}

function trapIfEmpty(fuel: number): number[] {
	return [0x23, ...u32Bytes(fuel), 0x42, 0, 0x53, 0x04, 0x40, 0x00, 0x0b];
}

/** In the order of their places. */
function regions(reader: WasmReader): Insertion[] {
	const whole: Insertion = { at: reader.at, kind: "pay", cost: 0 };
	const insertions: Insertion[] = [whole];
	/** The region that each open block's instructions belong to, the innermost last. */
	const open: { cost: number }[] = [whole];
	while (open.length > 0) {
		const region = open[open.length - 1] as { cost: number };
		region.cost++;
		const from = reader.at;
		const opcode = reader.byte();
		if (opcode === 0x03) {
			reader.skipNumber();
			const loop: Insertion = { at: reader.at, kind: "pay", cost: 0 };
			insertions.push(loop);
			open.push(loop);
		} else if (opcode === 0x02 || opcode === 0x04) {
			reader.skipNumber();
			open.push(region);
		} else if (opcode === 0x0b) open.pop();
		else if (opcode === 0xfc) {
			if (prefixed(reader)) insertions.push({ at: from, kind: "bulk" });
		} else immediates(opcode, reader);
		if (open.length > DEPTH_MAX)
			throw new PluginModuleError(`more than ${DEPTH_MAX} blocks in one another at byte ${from}`);
	}
	if (!reader.done) throw new PluginModuleError(`a function goes on after its end at byte ${reader.at}`);
	return insertions;
}

/** Saturating conversions and bulk memory. True: it takes as long as its third operand says. */
function prefixed(reader: WasmReader): boolean {
	const kind = reader.u32();
	if (kind <= 7) return false;
	switch (kind) {
		case 8:
			reader.skipNumber();
			reader.skipNumber();
			return true;
		case 9:
			reader.skipNumber();
			return false;
		case 10:
			reader.skipNumber();
			reader.skipNumber();
			return true;
		case 11:
			reader.skipNumber();
			return true;
		default:
			throw new PluginModuleError(`tables are not to be changed: instruction 0xfc ${kind}`);
	}
}

function immediates(opcode: number, reader: WasmReader): void {
	if (opcode >= 0x45 && opcode <= 0xc4) return;
	if (opcode >= 0x28 && opcode <= 0x3e) {
		reader.skipNumber();
		reader.skipNumber();
		return;
	}
	switch (opcode) {
		case 0x00:
		case 0x01:
		case 0x05:
		case 0x0f:
		case 0x1a:
		case 0x1b:
		case 0xd1:
			return;
		case 0x1c:
			for (let types = reader.u32(); types > 0; types--) valueType(reader);
			return;
		case 0x0c:
		case 0x0d:
		case 0x10:
		case 0x20:
		case 0x21:
		case 0x22:
		case 0x23:
		case 0x24:
		case 0x25:
		case 0x26:
		case 0x3f:
		case 0x40:
		case 0x41:
		case 0x42:
		case 0xd0:
		case 0xd2:
			reader.skipNumber();
			return;
		case 0x0e:
			for (let targets = reader.u32() + 1; targets > 0; targets--) reader.skipNumber();
			return;
		case 0x11:
			reader.skipNumber();
			reader.skipNumber();
			return;
		case 0x43:
			reader.skip(4);
			return;
		case 0x44:
			reader.skip(8);
			return;
		default:
			throw new PluginModuleError(
				`instruction 0x${opcode.toString(16)} is not supported: compile for WebAssembly 2.0 without SIMD`,
			);
	}
}

export function valueType(reader: WasmReader): void {
	const type = reader.byte();
	const known = (type >= 0x7c && type <= 0x7f) || type === 0x70 || type === 0x6f;
	if (!known) throw new PluginModuleError(`type 0x${type.toString(16)} is not supported`);
}
