/**
 * The symbols of a Go executable by its own tables: function to address, and address to function, file and
 * line with inlined calls (Go 1.18 to 1.27; amd64 and arm64; stripped, trimmed, PIE, externally linked).
 * Nothing needs DWARF or a symbol table.
 *
 * Pure over `readAt`. The function table is read once, when opened; code and inline trees when asked; names are
 * hashed when first one is asked for.
 */
import { findBuildinfo, type ReadAt } from "@plumbline/signals/find-buildinfo";
import { decodeGoBuildinfo } from "@plumbline/signals/go-binary-buildinfo";
import { type Elf, openElf } from "./elf.ts";
import { openPointers } from "./elf-relocations.ts";
import { isInstanceWrapper, namePattern, printedName } from "./go-function-names.ts";
import { findInlineTrees, type InlineTrees } from "./go-inline-tree.ts";
import { findInlined } from "./go-inlined.ts";
import { findModuledata, type Moduledata } from "./go-moduledata.ts";
import { decodePclntabHeader, openPclntab, PCLNTAB_HEADER_BYTES, type Pclntab } from "./go-pclntab.ts";
import { findPclntabs } from "./go-pclntab-find.ts";
import { type Reading, read, refused } from "./reading.ts";

/** Link addresses, as in the file: a PIE runs at these plus its load bias. */
export interface GoFunction {
	/** As the table has it. */
	readonly name: string;
	readonly entry: number;
	/** Where the next function begins: the last bytes may be padding. */
	readonly end: number;
}

export interface GoFrame {
	/** As a goroutine dump has it: type arguments are "[...]". */
	readonly func: string;
	readonly file: string;
	readonly line: number;
	/** Inlined into the next frame, so that it has no code of its own. */
	readonly inlined: boolean;
}

export interface StackDelta {
	/** Link addresses. */
	readonly start: number;
	readonly end: number;
	/** Bytes the stack has grown by since the entry. */
	readonly delta: number;
}

export interface GoSymbols {
	readonly arch: "amd64" | "arm64";
	/** From the build info; undefined when the program was built without. */
	readonly goVersion: string | undefined;
	/**
	 * By the exact name in the table, or of all instances of a generic: "puddle/v2.(*Pool[...]).Acquire",
	 * without the wrappers that only call them. Several may have one name.
	 */
	functionsNamed(name: string): readonly GoFunction[];
	functionAt(address: number): GoFunction | undefined;
	/** All whose name begins so. */
	functionsIn(packagePrefix: string): readonly GoFunction[];
	/**
	 * Innermost first, inlined calls expanded; [] where no Go function is. Takes the very address: for a
	 * return address, ask for the one before.
	 */
	framesAt(address: number): readonly GoFrame[];
	/** Which of these functions were inlined somewhere, and into which: a probe would miss their calls there. */
	inlined(names: readonly string[]): ReadonlyMap<string, string>;
	/** Machine code; fewer bytes, or none, when the file is cut short. */
	code(fn: GoFunction): Uint8Array;
	/** Undefined when the function has no such table, as some assembly has none. */
	stackDeltas(fn: GoFunction): readonly StackDelta[] | undefined;
	/** Written by hand, where no rule of the compiler holds. */
	isAssembly(fn: GoFunction): boolean;
	fileOffset(address: number): number | undefined;
	addressOf(fileOffset: number): number | undefined;
	/** Executable segments, for the load bias by /proc/PID/maps. */
	readonly segments: readonly {
		readonly fileOffset: number;
		readonly address: number;
		readonly size: number;
	}[];
}

export function openGoSymbols(readAt: ReadAt): Reading<GoSymbols> {
	const opened = openElf(readAt);
	if (opened.kind === "refused") return opened;
	const elf = opened.value;
	const pointers = openPointers(elf);
	const places = findPclntabs(elf);
	if (places.length === 0)
		return refused("unsupported", "no Go function table: not a Go program of version 1.18 or newer");
	for (const place of places) {
		const bytes = elf.bytesAt(place, PCLNTAB_HEADER_BYTES);
		const header = bytes && decodePclntabHeader(bytes);
		const moduledata = header && findModuledata(elf, pointers, place, header);
		if (moduledata === undefined) continue;
		const table = elf.bytesAt(place, moduledata.pclntabBytes);
		if (table === undefined) return refused("failed", "the Go function table is cut short");
		const pclntab = openPclntab(table);
		if (pclntab.kind === "refused") return pclntab;
		if (!boundsAgree(pclntab.value, moduledata))
			return refused(
				"failed",
				"the Go function table and the module data name different first and last functions",
			);
		const trees = findInlineTrees(elf, pointers, moduledata, pclntab.value);
		if (trees === undefined)
			return refused("unsupported", "the inline trees are not where known Go versions have them");
		return read(makeSymbols(elf, goVersionOf(readAt), moduledata.text, pclntab.value, trees));
	}
	return refused("unsupported", "no module data points at the Go function table: a Go version unknown here");
}

/** A text in several sections (arm64 beyond 128 MB, externally linked) fails here, as it should. */
function boundsAgree(pclntab: Pclntab, moduledata: Moduledata): boolean {
	const first = pclntab.functionOf(0);
	const last = pclntab.functionOf(pclntab.header.functions - 1);
	if (first === undefined || last === undefined) return false;
	return (
		moduledata.text + first.entry === moduledata.firstPc && moduledata.text + last.end === moduledata.lastPc
	);
}

function goVersionOf(readAt: ReadAt): string | undefined {
	const found = findBuildinfo(readAt);
	if (found.kind === "absent") return undefined;
	const decoded = decodeGoBuildinfo(readAt(found.offset, found.length));
	return decoded.kind === "decoded" && decoded.value.goVersion !== "" ? decoded.value.goVersion : undefined;
}

/** The file of what the compiler wrote itself; until Go 1.20 of instance wrappers too. */
const AUTOGENERATED = "<autogenerated>";
const FRAMES_CACHED_MAX = 20_000;
/** The compiler's own budget stops inlining long before. */
const INLINE_DEPTH_MAX = 128;

function makeSymbols(
	elf: Elf,
	goVersion: string | undefined,
	text: number,
	pclntab: Pclntab,
	trees: InlineTrees,
): GoSymbols {
	const cache = new Map<number, readonly GoFrame[]>();
	const indexAt = (address: number) => pclntab.indexAt(address - text);
	const goFunction = (index: number): GoFunction | undefined => {
		const fn = pclntab.functionOf(index);
		const name = fn && pclntab.nameText(fn.name);
		return fn && name !== undefined ? { name, entry: text + fn.entry, end: text + fn.end } : undefined;
	};
	const nameBytesOf = (index: number) => {
		const name = pclntab.nameOf(index);
		return name === undefined ? undefined : pclntab.nameBytes(name);
	};
	const functionsIn = (prefix: string) => {
		const bytes = new TextEncoder().encode(prefix);
		const found: GoFunction[] = [];
		for (let index = 0; index < pclntab.header.functions; index++) {
			const named = nameBytesOf(index);
			if (named === undefined || !bytes.every((byte, at) => named[at] === byte)) continue;
			const fn = goFunction(index);
			if (fn !== undefined) found.push(fn);
		}
		return found;
	};
	let hashes: Uint32Array | undefined;
	const functionsMatching = (name: string, matches: (name: string) => boolean) => {
		hashes ??= Uint32Array.from({ length: pclntab.header.functions }, (_, i) => genericHash(nameBytesOf(i)));
		const wanted = genericHash(new TextEncoder().encode(name));
		const found: GoFunction[] = [];
		for (let index = hashes.indexOf(wanted); index >= 0; index = hashes.indexOf(wanted, index + 1)) {
			const fn = goFunction(index);
			if (fn !== undefined && matches(fn.name)) found.push(fn);
		}
		return found;
	};
	const framesAt = (address: number) => {
		const known = cache.get(address);
		if (known !== undefined) return known;
		const index = indexAt(address);
		const frames = index === undefined ? [] : framesIn(pclntab, trees, index, address - text);
		if (cache.size >= FRAMES_CACHED_MAX) cache.clear();
		cache.set(address, frames);
		return frames;
	};
	return {
		arch: elf.arch,
		goVersion,
		functionsNamed(name) {
			const { prefix, matches } = namePattern(name);
			const found = functionsMatching(name, matches);
			if (found.length < 2 || prefix === name) return found;
			return found.filter(
				(fn) => !isInstanceWrapper(fn.name) && framesAt(fn.entry)[0]?.file !== AUTOGENERATED,
			);
		},
		functionsIn,
		functionAt(address) {
			const index = indexAt(address);
			return index === undefined ? undefined : goFunction(index);
		},
		framesAt,
		inlined: (names) => findInlined(pclntab, trees, names),
		code: (fn) => elf.bytesAt(fn.entry, fn.end - fn.entry) ?? new Uint8Array(),
		stackDeltas(fn) {
			const index = indexAt(fn.entry);
			const ranges = index === undefined ? undefined : pclntab.stackDeltas(index);
			return ranges?.map(({ start, end, value }) => ({
				start: fn.entry + start,
				end: fn.entry + end,
				delta: value,
			}));
		},
		isAssembly(fn) {
			const index = indexAt(fn.entry);
			return index !== undefined && pclntab.functionOf(index)?.assembly === true;
		},
		fileOffset: (address) => elf.fileOffset(address),
		addressOf: (fileOffset) => elf.addressOf(fileOffset),
		segments: elf.segments
			.filter((segment) => segment.executable)
			.map(({ fileOffset, address, size }) => ({ fileOffset, address, size })),
	};
}

const BRACKET = "[".charCodeAt(0);

/** FNV-1a of a name up to its type arguments, so that all instances of a generic function have the same. */
function genericHash(name: Uint8Array = new Uint8Array()): number {
	let hash = 0x811c9dc5;
	for (let at = 0; at < name.length && name[at] !== BRACKET; at++) {
		hash = Math.imul(hash ^ (name[at] ?? 0), 0x01000193);
	}
	return hash >>> 0;
}

/** [] when any step is malformed: half a stack would blame the wrong function. */
function framesIn(
	pclntab: Pclntab,
	trees: InlineTrees,
	index: number,
	textOffset: number,
): readonly GoFrame[] {
	const fn = pclntab.functionOf(index);
	if (fn === undefined) return [];
	const frames: GoFrame[] = [];
	let offset = textOffset - fn.entry;
	for (let depth = 0; depth < INLINE_DEPTH_MAX; depth++) {
		const position = pclntab.position(index, offset);
		const callIndex = pclntab.inlineIndex(index, offset);
		if (position === undefined || callIndex === undefined) return [];
		const call = callIndex < 0 ? undefined : trees.callAt(fn, callIndex);
		if (callIndex >= 0 && call === undefined) return [];
		const func = pclntab.nameText(call?.name ?? fn.name);
		if (func === undefined) return [];
		frames.push({ func: printedName(func), ...position, inlined: call !== undefined });
		if (call === undefined) return frames;
		offset = call.parentPc;
	}
	return [];
}
