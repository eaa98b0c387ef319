/**
 * `manifest.json` of a capture file: everything of a Capture but the bytes.
 *
 *   { "schema": "plumbline.capture/1", "takenBy": "0.1.0", "target": { "pid": 4711 },
 *     "window": { "start": { "wallMs": 1789…, "monoMs": 12.5 }, "end": { … } },
 *     "parts": [ { "name": "goroutines.0.debug2.txt", "format": "go-debug2", "sample": 0,
 *                  "source": "http://127.0.0.1:6060/debug/pprof/goroutine?debug=2",
 *                  "start": { … }, "end": { … }, "size": 40960 } ],
 *     "gaps": [ { "line": "pool", "what": "metrics", "why": "…", "weight": "note" } ] }
 *
 * A capture file may come from a stranger: every field is checked and bounded, what is unsound is left
 * out with a reason, and unknown fields of later versions are passed over.
 */
import type { Capture, Gap, GapLine, Instant, MonoMs, Part, Target, WallMs } from "./capture.ts";

const CAPTURE_SCHEMA = "plumbline.capture/1";
/** Longest text kept of one field: a URL, a reason. */
const TEXT_CHARS_MAX = 4000;
const LIST_MAX = 1000;
/** A part's name is also a file name for whoever unpacks: no folder, no leading dot. */
const PART_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,92}$/;

/** A part as listed: its format is still any text, its bytes are elsewhere. */
export type ListedPart = Omit<Part, "bytes" | "format"> & {
	readonly format: string;
	readonly size: number;
};

export interface Manifest {
	readonly takenBy: string;
	readonly target: Target;
	readonly window: Capture["window"];
	readonly parts: readonly ListedPart[];
	readonly gaps: readonly Gap[];
	/** What was left out of the manifest and why. */
	readonly faults: readonly string[];
}

/** Keys in a fixed order, whatever order the capture's objects were made in. */
export function manifestOf({ takenBy, target, window, parts, gaps }: Capture): string {
	const manifest = {
		schema: CAPTURE_SCHEMA,
		takenBy,
		target: inOrder(target, ["pid", "pprof", "metrics", "db", "files"]),
		window: { start: instantOf(window.start), end: instantOf(window.end) },
		parts: parts.map((part) => ({
			...inOrder(part, ["name", "format", "sample", "source"]),
			start: instantOf(part.start),
			end: instantOf(part.end),
			...inOrder(part, ["truncated"]),
			size: part.bytes.length,
		})),
		gaps: gaps.map((gap) => inOrder(gap, ["line", "what", "why", "at", "weight"])),
	};
	return `${JSON.stringify(manifest, null, "\t")}\n`;
}

function inOrder<T extends object>(value: T, keys: readonly (keyof T)[]): Partial<T> {
	const known = keys.filter((key) => value[key] !== undefined);
	return Object.fromEntries(known.map((key) => [key, value[key]])) as Partial<T>;
}

function instantOf({ wallMs, monoMs }: Instant) {
	return { wallMs, monoMs };
}

/** The manifest, or in words what was found in its place. */
export function readManifest(json: string): Manifest | { readonly found: string } {
	let value: unknown;
	try {
		value = JSON.parse(json);
	} catch {
		return { found: `a manifest.json that is no JSON: ${JSON.stringify(json.slice(0, 40))}` };
	}
	const root = fields(value);
	if (root?.schema !== CAPTURE_SCHEMA) {
		const schema = text(root?.schema) ?? "none";
		return { found: `schema ${JSON.stringify(schema)}; this version reads ${CAPTURE_SCHEMA}` };
	}
	const window = fields(root.window);
	const start = instant(window?.start);
	const end = instant(window?.end);
	if (!start || !end) return { found: "a manifest.json without a time window" };
	const faults: string[] = [];
	return {
		takenBy: text(root.takenBy) ?? "",
		target: readTarget(root.target),
		window: { start, end },
		parts: uniqueNames(each(root.parts, "parts", readPart, faults), faults),
		gaps: each(root.gaps, "gaps", readGap, faults),
		faults,
	};
}

function readPart(value: unknown): ListedPart | undefined {
	const part = fields(value);
	const name = text(part?.name);
	const format = text(part?.format);
	const sample = whole(part?.sample);
	const size = whole(part?.size);
	const start = instant(part?.start);
	const end = instant(part?.end);
	if (!part || !name || !PART_NAME.test(name) || !format || !start || !end) return undefined;
	if (sample === undefined || size === undefined) return undefined;
	const truncated = text(part.truncated);
	const source = text(part.source) ?? "";
	return {
		name,
		format,
		sample,
		source,
		start,
		end,
		size,
		...(truncated === undefined ? {} : { truncated }),
	};
}

function readGap(value: unknown): Gap | undefined {
	const gap = fields(value);
	const line = gap?.line;
	const what = text(gap?.what);
	const why = text(gap?.why);
	if (!gap || !isGapLine(line) || what === undefined || why === undefined) return undefined;
	const at = text(gap.at);
	const weight = gap.weight === "note" ? "note" : "loss";
	return { line, what, why, weight, ...(at === undefined ? {} : { at }) };
}

function readTarget(value: unknown): Target {
	const target = fields(value);
	const pid = whole(target?.pid);
	const pprof = text(target?.pprof);
	const metrics = text(target?.metrics);
	const db = text(target?.db);
	return {
		...(pid === undefined ? {} : { pid }),
		...(pprof === undefined ? {} : { pprof }),
		...(metrics === undefined ? {} : { metrics }),
		...(db === undefined ? {} : { db }),
		...(Array.isArray(target?.files) ? { files: each(target.files, "files", text, []) } : {}),
	};
}

function uniqueNames(parts: readonly ListedPart[], faults: string[]): ListedPart[] {
	const seen = new Set<string>();
	return parts.filter(({ name }) => {
		if (seen.has(name)) faults.push(`part ${name} is listed twice`);
		return !seen.has(name) && seen.add(name);
	});
}

function each<T>(value: unknown, what: string, read: (v: unknown) => T | undefined, faults: string[]): T[] {
	if (!Array.isArray(value)) return [];
	if (value.length > LIST_MAX) faults.push(`only the first ${LIST_MAX} of ${value.length} ${what} are read`);
	return value.slice(0, LIST_MAX).flatMap((item, index) => {
		const good = read(item);
		if (good === undefined) faults.push(`${what}[${index}] is unsound`);
		return good === undefined ? [] : [good];
	});
}

function isGapLine(value: unknown): value is GapLine {
	return value === "sockets" || value === "runtime" || value === "pool" || value === "process";
}

function fields(value: unknown): Readonly<Record<string, unknown>> | undefined {
	if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
	return Object.fromEntries(Object.entries(value));
}

function text(value: unknown): string | undefined {
	return typeof value === "string" ? value.slice(0, TEXT_CHARS_MAX) : undefined;
}

function whole(value: unknown): number | undefined {
	return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}

function instant(value: unknown): Instant | undefined {
	const at = fields(value);
	const { wallMs, monoMs } = at ?? {};
	if (typeof wallMs !== "number" || !Number.isFinite(wallMs)) return undefined;
	if (typeof monoMs !== "number" || !Number.isFinite(monoMs)) return undefined;
	return { wallMs: wallMs as WallMs, monoMs: monoMs as MonoMs };
}
