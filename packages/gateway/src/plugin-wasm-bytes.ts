/**
 * Numbers of WebAssembly's binary format: LEB128, seven bits a byte, the lowest first.
 *
 *     624485 is e5 8e 26: 0xe5 & 0x7f = 0x65, 0x8e & 0x7f = 0x0e, 0x26
 */

/** A module that is not run, and why; nothing of it has been. */
export class PluginModuleError extends Error {
	override readonly name = "PluginModuleError";
	readonly code = "plugin-module";
}

/** Bytes of a number of 64 bits; longer ones are padding that nobody needs. */
const LEB_BYTES_MAX = 10;

export class WasmReader {
	readonly bytes: Uint8Array;
	readonly from: number;
	readonly end: number;
	at: number;

	constructor(bytes: Uint8Array, at: number, end: number = bytes.length) {
		this.bytes = bytes;
		this.from = at;
		this.at = at;
		this.end = end;
	}

	get done(): boolean {
		return this.at >= this.end;
	}

	byte(): number {
		if (this.at >= this.end) throw new PluginModuleError(`the module ends too early, at byte ${this.end}`);
		return this.bytes[this.at++] as number;
	}

	/** Of at most 32 bits. */
	u32(): number {
		let value = 0;
		for (let shift = 0; shift < 35; shift += 7) {
			const byte = this.byte();
			value += (byte & 0x7f) * 2 ** shift;
			if (byte < 0x80) return value;
		}
		throw new PluginModuleError(`a number before byte ${this.at} has more than 32 bits`);
	}

	/** A number whose value does not matter here, signed or not. */
	skipNumber(): void {
		for (let bytes = 0; bytes < LEB_BYTES_MAX; bytes++) if (this.byte() < 0x80) return;
		throw new PluginModuleError(`a number before byte ${this.at} has more than 64 bits`);
	}

	skip(bytes: number): void {
		if (bytes > this.end - this.at)
			throw new PluginModuleError(`the module ends too early, at byte ${this.end}`);
		this.at += bytes;
	}

	name(): string {
		const length = this.u32();
		const from = this.at;
		this.skip(length);
		return Buffer.from(this.bytes.buffer, this.bytes.byteOffset + from, length).toString();
	}
}

export function u32Bytes(value: number): number[] {
	const bytes: number[] = [];
	let rest = value;
	while (rest >= 0x80) {
		bytes.push((rest % 0x80) | 0x80);
		rest = Math.floor(rest / 0x80);
	}
	bytes.push(rest);
	return bytes;
}

/** Of a number that is not negative: its last byte must not look like a sign. */
export function signedBytes(value: number): number[] {
	const bytes: number[] = [];
	let rest = value;
	while (rest >= 0x40) {
		bytes.push((rest % 0x80) | 0x80);
		rest = Math.floor(rest / 0x80);
	}
	bytes.push(rest);
	return bytes;
}
