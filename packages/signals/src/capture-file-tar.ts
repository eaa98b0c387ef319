/**
 * The container of a capture file: POSIX ustar (IEEE Std 1003.1-2017, "pax", ustar interchange format),
 * so that `tar -tzf` opens it. Only plain files; every time, owner and mode is fixed, so the same capture
 * gives the same bytes.
 *
 *   0        100      108   116   124      136    148       156       157       257       263
 *   | name    | mode  | uid | gid | size   | mtime | chksum | type    | linkname | "ustar" | "00" ...
 *
 * Numbers are octal text ending in NUL. Data follows its header, padded to 512; two zero blocks end it.
 * The checksum is the sum of the header's bytes with the checksum field read as spaces.
 */

const BLOCK = 512;
/** More entries than any capture has; a hostile archive of empty files ends here. */
export const TAR_ENTRIES_MAX = 1000;
/** The ustar name field, without its optional prefix (which this format never needs). */
const TAR_NAME_BYTES_MAX = 100;

export interface TarEntry {
	readonly name: string;
	/** Byte offset of the header. */
	readonly at: number;
	/** The data that is there: shares memory with the archive, and is shorter than `size` when cut. */
	readonly bytes: Uint8Array;
	/** As declared in the header. */
	readonly size: number;
}

export interface TarReading {
	readonly entries: readonly TarEntry[];
	/** Why reading ended before the end mark. */
	readonly flaw?: { readonly kind: "truncated" | "malformed"; readonly why: string; readonly at: number };
}

const ENCODER = new TextEncoder();
const DECODER = new TextDecoder();

/** The archive in pieces, in order; file contents are handed through without a copy. */
export function* tarChunks(files: Iterable<{ name: string; bytes: Uint8Array }>): Generator<Uint8Array> {
	for (const { name, bytes } of files) {
		yield header(name, bytes.length);
		yield bytes;
		const rest = bytes.length % BLOCK;
		if (rest > 0) yield new Uint8Array(BLOCK - rest);
	}
	yield new Uint8Array(2 * BLOCK);
}

function header(name: string, size: number): Uint8Array {
	const block = new Uint8Array(BLOCK);
	const put = (at: number, text: string) => block.set(ENCODER.encode(text), at);
	if (ENCODER.encode(name).length > TAR_NAME_BYTES_MAX) throw new RangeError(`tar name too long: ${name}`);
	put(0, name);
	put(100, "0000600\0");
	put(108, "0000000\0");
	put(116, "0000000\0");
	put(124, `${octal(size, 11)}\0`);
	put(136, `${octal(0, 11)}\0`);
	put(156, "0");
	put(257, "ustar\x0000");
	put(329, "0000000\0");
	put(337, "0000000\0");
	put(148, `${octal(checksum(block), 6)}\0 `);
	return block;
}

function octal(value: number, digits: number): string {
	return value.toString(8).padStart(digits, "0");
}

function checksum(block: Uint8Array): number {
	let sum = 0;
	for (let i = 0; i < BLOCK; i++) sum += i >= 148 && i < 156 ? 0x20 : (block[i] ?? 0);
	return sum;
}

/** True when the bytes open with a sound tar header. */
export function isTar(bytes: Uint8Array): boolean {
	return bytes.length >= BLOCK && octalField(bytes, 148, 8) === checksum(bytes.subarray(0, BLOCK));
}

/**
 * Walks the archive. Other entry types (folders, links, pax records of a re-packed file) are passed over.
 * A broken header ends the walk: past it no boundary can be trusted.
 */
export function readTar(bytes: Uint8Array): TarReading {
	const entries: TarEntry[] = [];
	let at = 0;
	for (let count = 0; ; count++) {
		if (count === TAR_ENTRIES_MAX) return cut("malformed", `more than ${TAR_ENTRIES_MAX} entries`);
		const block = bytes.subarray(at, at + BLOCK);
		if (block.length < BLOCK) return cut("truncated", "the archive ends before its end mark");
		if (block.every((byte) => byte === 0)) return { entries };
		if (octalField(block, 148, 8) !== checksum(block))
			return cut("malformed", "tar header checksum is wrong");
		const size = octalField(block, 124, 12);
		if (size === undefined) return cut("malformed", "tar size is no octal number");
		const start = at + BLOCK;
		const data = bytes.subarray(start, start + size);
		const type = block[156] ?? 0;
		if (type === 0 || type === 0x30) entries.push({ name: textField(block, 0, 100), at, bytes: data, size });
		if (data.length < size) return cut("truncated", `the archive ends ${size - data.length} bytes early`);
		at = start + Math.ceil(size / BLOCK) * BLOCK;
	}

	function cut(kind: "truncated" | "malformed", why: string): TarReading {
		return { entries, flaw: { kind, why, at: Math.min(at, bytes.length) } };
	}
}

function textField(block: Uint8Array, at: number, length: number): string {
	const field = block.subarray(at, at + length);
	const end = field.indexOf(0);
	return DECODER.decode(end < 0 ? field : field.subarray(0, end));
}

/** Octal digits, possibly padded by spaces, ended by NUL or space; GNU's base-256 form is refused. */
function octalField(block: Uint8Array, at: number, length: number): number | undefined {
	const text = textField(block, at, length).trim();
	return /^[0-7]{1,11}$/.test(text) ? Number.parseInt(text, 8) : undefined;
}
