/**
 * Decodes the build info of a Go executable: the bytes of its .go.buildinfo section (Go 1.18 to 1.27).
 *
 * ```
 *  0                            14     15     16                  32
 *  ┌────────────────────────────┬──────┬──────┬───────────────────┬─────────────┬─────────────┐
 *  │ ff " Go buildinf:"         │ ptr  │flags │ (pointers < 1.18) │ len,version │ len,modinfo │
 *  └────────────────────────────┴──────┴──────┴───────────────────┴─────────────┴─────────────┘
 *   flags & 2: the strings follow in place, each behind its length as an unsigned varint.
 *
 *  modinfo, 16 sentinel bytes off at each end, is text:
 *   path	example.com/orders/cmd/orders
 *   mod	example.com/orders	(devel)
 *   dep	gorm.io/gorm	v1.25.12	h1:…
 *   =>	example.com/fork/gorm	v1.25.13	h1:…         replaces the line above
 *   build	-trimpath=true                                  the value may be a quoted Go string
 * ```
 * A replaced module keeps its own path, since stack traces name functions by it, and takes the version
 * of the replacement; a replacement by a folder has none ("").
 * How it may mislead: `go build` without modules, Bazel, or `-buildvcs=false` leave lines out.
 */
import type { Decoded } from "./decoded.ts";
import { Flaws } from "./flaws.ts";
import type { GoBuild, GoModule } from "./go-binary.ts";
import { quoteBytes } from "./quote-bytes.ts";

/** `\xff Go buildinf:` */
export const BUILDINFO_MAGIC: Uint8Array = new Uint8Array([
	0xff, 0x20, 0x47, 0x6f, 0x20, 0x62, 0x75, 0x69, 0x6c, 0x64, 0x69, 0x6e, 0x66, 0x3a,
]);
const FLAGS_AT = 15;
const FLAG_INLINE = 2;
const STRINGS_AT = 32;
const SENTINEL_BYTES = 16;
/** A varint of 32 bits; longer strings do not exist. */
const VARINT_BYTES_MAX = 5;
/** Modules and settings kept; the largest known monorepos have a few thousand. */
const LINES_MAX = 50_000;

export function decodeGoBuildinfo(bytes: Uint8Array): Decoded<GoBuild> {
	if (!BUILDINFO_MAGIC.every((byte, i) => bytes[i] === byte))
		return { kind: "foreign", found: quoteBytes(bytes) };
	const flaws = new Flaws();
	const flags = bytes[FLAGS_AT];
	if (flags !== undefined && (flags & FLAG_INLINE) === 0) {
		flaws.malformed(
			"the build info holds pointers, the form before Go 1.18: version and modules are unknown",
			FLAGS_AT,
		);
		return { kind: "decoded", value: { goVersion: "", modules: [], settings: {} }, flaws: flaws.list() };
	}
	const version = readString(bytes, STRINGS_AT, flaws);
	const goVersion = new TextDecoder().decode(version.bytes);
	const modinfo = version.whole
		? readString(bytes, version.end, flaws)
		: { bytes: new Uint8Array(), end: 0, whole: false };
	const inner = modinfo.bytes.subarray(SENTINEL_BYTES, modinfo.whole ? -SENTINEL_BYTES : undefined);
	const start = modinfo.end - modinfo.bytes.length + SENTINEL_BYTES;
	const value = { goVersion, ...readModinfo(new TextDecoder().decode(inner), start, flaws) };
	return { kind: "decoded", value, flaws: flaws.list() };
}

/**
 * How many of the bytes that begin with the magic are build info. What a search in a segment found goes
 * on with the program's data, which nobody asked for.
 */
export function lengthOfBuildinfo(bytes: Uint8Array): number {
	if (((bytes[FLAGS_AT] ?? 0) & FLAG_INLINE) === 0) return Math.min(bytes.length, STRINGS_AT);
	const flaws = new Flaws();
	const version = readString(bytes, STRINGS_AT, flaws);
	return version.whole ? readString(bytes, version.end, flaws).end : version.end;
}

interface Inline {
	/** What is there of the string. */
	readonly bytes: Uint8Array;
	readonly end: number;
	readonly whole: boolean;
}

function readString(bytes: Uint8Array, start: number, flaws: Flaws): Inline {
	let length = 0;
	let at = start;
	for (let shift = 0; ; shift += 7) {
		const byte = bytes[at];
		if (byte === undefined || at - start >= VARINT_BYTES_MAX) {
			if (byte === undefined)
				flaws.truncated("the build info ends before the length of a string", bytes.length);
			else flaws.malformed("a string length is longer than five bytes", start);
			return { bytes: new Uint8Array(), end: at, whole: false };
		}
		at++;
		length += (byte & 0x7f) * 2 ** shift;
		if (byte < 0x80) break;
	}
	const found = bytes.subarray(at, at + length);
	if (found.length < length) {
		flaws.truncated(`a string of ${length} bytes is cut short after ${found.length}`, bytes.length);
	}
	return { bytes: found, end: at + found.length, whole: found.length === length };
}

function readModinfo(text: string, offset: number, flaws: Flaws): Omit<GoBuild, "goVersion"> {
	const modules: GoModule[] = [];
	const settings: Record<string, string> = {};
	let main: GoModule | undefined;
	let last: "main" | "dep" | undefined;
	let at = offset;
	for (const line of text.split("\n", LINES_MAX)) {
		const [key = "", first = "", second = ""] = line.split("\t");
		if (key === "mod") {
			main = { path: first, version: second };
			last = "main";
		} else if (key === "dep") {
			modules.push({ path: first, version: second });
			last = "dep";
		} else if (key === "=>") {
			const replaced = last === "main" ? main : modules.at(-1);
			if (replaced === undefined) flaws.malformed(`"=>" replaces nothing: "${line.slice(0, 80)}"`, at);
			else if (last === "main") main = { ...replaced, version: second };
			else modules[modules.length - 1] = { ...replaced, version: second };
		} else if (key === "build") {
			const equals = first.indexOf("=");
			if (equals > 0) defineSetting(settings, first.slice(0, equals), unquote(line.slice(6 + equals + 1)));
		}
		at += line.length + 1;
	}
	return { ...(main === undefined ? {} : { main }), modules, settings };
}

/** Sets an own property even for a hostile name such as `__proto__`. */
function defineSetting(settings: Record<string, string>, name: string, value: string): void {
	Object.defineProperty(settings, name, { value, enumerable: true, configurable: true, writable: true });
}

/** Go quotes values with blanks, quotes or commas: as "..." with escapes, which JSON shares for the most part. */
function unquote(value: string): string {
	if (value.startsWith("`") && value.endsWith("`") && value.length > 1) return value.slice(1, -1);
	if (!value.startsWith('"')) return value;
	try {
		const parsed: unknown = JSON.parse(value);
		return typeof parsed === "string" ? parsed : value;
	} catch {
		return value;
	}
}
