/**
 * Encodes and decodes what a Go execution trace told of goroutines, as a capture keeps it: JSON with one row a line,
 * so that a row can be quoted by its offset and a cut file keeps its whole rows. The trace itself is not kept: it
 * holds the texts of the service's own logs and tasks, and is many times as large.
 *
 *     {"schema":"plumbline.go-trace/1","version":"1.26","durationNs":2204084864,"leftOut":0,"born":157,"ended":132,
 *     "stacks":[
 *     [["main.leak","leak.go",99],["main.makeAndGo.func1","leak.go",91]],
 *     [["runtime.chanrecv1","chan.go",509],["main.receiveForEver","leak.go",107]]
 *     ],
 *     "sites":[
 *     {"stack":0,"entry":"main.leak.func1","born":11,"ended":0}
 *     ],
 *     "goroutines":[
 *     {"goid":37,"bornNs":61000,"creatorStack":0,"creatorGoid":21,"entry":"main.leak.func1",
 *      "blocked":{"stack":1,"reason":"chan receive","sinceNs":64000}}
 *     ]}
 *
 * (Rows are broken here only for the page.) The lines are the grammar: this file is written by Plumbline alone. A row
 * that is not as described is left out and told as a flaw; unknown fields are passed over.
 */
import type { Decoded } from "./decoded.ts";
import { Flaws } from "./flaws.ts";
import type { BirthSite, GoTrace, TracedGoroutine } from "./go-trace.ts";
import type { Frame } from "./goroutines.ts";
import { quoteBytes } from "./quote-bytes.ts";
import { linesOf } from "./sockets-bytes.ts";

const SCHEMA = "plumbline.go-trace/1";
/** The decoder of traces lists at most some 200,000 goroutines; this is several times as much. */
const GO_TRACE_JSON_BYTES_MAX = 256 << 20;
const ROWS_MAX = 1_000_000;
const FRAMES_MAX = 1024;
/** Longest line of the head. */
const HEAD_BYTES_MAX = 4096;

export function encodeGoTrace(trace: GoTrace): Uint8Array {
	const { stacks, sites, goroutines, ...head } = trace;
	const lists = {
		stacks: stacks.map((frames) => frames.map(({ func, file, line }) => [func, file, line])),
		sites: sites.map(({ offset: _, ...site }) => site),
		goroutines: goroutines.map(({ offset: _, ...goroutine }) => goroutine),
	};
	const rows = Object.entries(lists).map(
		([name, list]) => `"${name}":[\n${list.map((row) => `${JSON.stringify(row)},\n`).join("")}`,
	);
	// A comma ends each row but the last of its list.
	const body = rows.map((list) => `${list.replace(/,\n$/, "\n")}]`).join(",\n");
	const start = JSON.stringify({ schema: SCHEMA, ...head }).slice(0, -1);
	return new TextEncoder().encode(`${start},\n${body}}\n`);
}

type Row = Readonly<Record<string, unknown>>;

export function decodeGoTrace(bytes: Uint8Array): Decoded<GoTrace> {
	const flaws = new Flaws();
	const read = bytes.subarray(0, GO_TRACE_JSON_BYTES_MAX);
	const lines = linesOf(read);
	const first = lines.next().value;
	const start = first === undefined ? "" : textOf(read, first.start, Math.min(first.end, HEAD_BYTES_MAX));
	const head = rowOf(`${start.replace(/,$/, "")}}`);
	if (head?.schema !== SCHEMA || typeof head.version !== "string") {
		return { kind: "foreign", found: quoteBytes(bytes) };
	}
	const lists = new Lists(flaws);
	let isWhole = false;
	for (const line of lines) {
		const text = textOf(read, line.start, line.end);
		if (text === "]}") isWhole = true;
		// Half a line may look like another whole one.
		else if (line.complete) lists.take(text, line.start);
	}
	if (!isWhole)
		flaws.truncated("expected the end of the list of goroutines, found the end of the part", read.length);
	const value: GoTrace = {
		version: head.version,
		durationNs: countOf(head.durationNs) ?? 0,
		leftOut: countOf(head.leftOut) ?? 0,
		born: countOf(head.born) ?? 0,
		ended: countOf(head.ended) ?? 0,
		stacks: lists.stacks,
		sites: lists.sites,
		goroutines: lists.goroutines,
	};
	return { kind: "decoded", value, flaws: flaws.list() };
}

/** The rows as their lines come. */
class Lists {
	readonly stacks: (readonly Frame[])[] = [];
	readonly sites: BirthSite[] = [];
	readonly goroutines: TracedGoroutine[] = [];
	readonly #flaws: Flaws;
	#list = "";
	#rows = 0;

	constructor(flaws: Flaws) {
		this.#flaws = flaws;
	}

	take(line: string, offset: number): void {
		const opened = /^"(\w+)":\[$/.exec(line)?.[1];
		if (opened !== undefined) this.#list = opened;
		if (opened !== undefined || line === "],") return;
		if (++this.#rows > ROWS_MAX) {
			this.#flaws.truncated(`more than ${ROWS_MAX} rows`, offset);
			return;
		}
		const json = parse(line.replace(/,$/, ""));
		if (!this.#keep(json, offset)) {
			const found = line.slice(0, QUOTE_CHARS_MAX);
			this.#flaws.malformed(`expected a row of ${this.#list || "a list"}, found ${found}`, offset);
		}
	}

	/** Places in the list of stacks must stay what they are, so a broken stack is an empty one. */
	#keep(json: unknown, offset: number): boolean {
		if (this.#list === "stacks") {
			const frames = framesOf(json);
			this.stacks.push(frames ?? []);
			return frames !== undefined;
		}
		const row = isRow(json) ? json : {};
		if (this.#list === "sites") {
			const site = siteOf(row, this.stacks.length, offset);
			if (site !== undefined) this.sites.push(site);
			return site !== undefined;
		}
		if (this.#list !== "goroutines") return false;
		const goroutine = goroutineOf(row, this.stacks.length, offset);
		if (goroutine !== undefined) this.goroutines.push(goroutine);
		return goroutine !== undefined;
	}
}

const QUOTE_CHARS_MAX = 60;

function siteOf(row: Row, stacks: number, offset: number): BirthSite | undefined {
	const [stack, born, ended] = [countOf(row.stack), countOf(row.born), countOf(row.ended)];
	if (stack === undefined || stack >= stacks || born === undefined || ended === undefined) return undefined;
	return { stack, entry: typeof row.entry === "string" ? row.entry : "", born, ended, offset };
}

function goroutineOf(row: Row, stacks: number, offset: number): TracedGoroutine | undefined {
	const goid = countOf(row.goid);
	if (goid === undefined) return undefined;
	const creatorStack = countOf(row.creatorStack);
	const { blocked } = row;
	return {
		goid,
		...optional("bornNs", row),
		...(creatorStack === undefined || creatorStack >= stacks ? {} : { creatorStack }),
		...optional("creatorGoid", row),
		...(typeof row.entry === "string" ? { entry: row.entry } : {}),
		...optional("endedNs", row),
		...(isRow(blocked) ? { blocked: blockedOf(blocked, stacks) } : {}),
		offset,
	};
}

function blockedOf(row: Row, stacks: number): NonNullable<TracedGoroutine["blocked"]> {
	const stack = countOf(row.stack);
	return {
		...(stack === undefined || stack >= stacks ? {} : { stack }),
		reason: typeof row.reason === "string" ? row.reason : "",
		sinceNs: countOf(row.sinceNs) ?? 0,
	};
}

function framesOf(json: unknown): Frame[] | undefined {
	if (!Array.isArray(json)) return undefined;
	const frames = json.slice(0, FRAMES_MAX).flatMap((item: unknown) => {
		if (!Array.isArray(item)) return [];
		const [func, file, line] = item as readonly unknown[];
		return typeof func === "string" && typeof file === "string" && typeof line === "number"
			? [{ func, file, line }]
			: [];
	});
	return frames.length === Math.min(json.length, FRAMES_MAX) ? frames : undefined;
}

function textOf(bytes: Uint8Array, start: number, end: number): string {
	return new TextDecoder().decode(bytes.subarray(start, end));
}

function rowOf(text: string): Row | undefined {
	const json = parse(text);
	return isRow(json) ? json : undefined;
}

function parse(text: string): unknown {
	try {
		return JSON.parse(text);
	} catch {
		return undefined;
	}
}

function isRow(value: unknown): value is Row {
	return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** All numbers here are counts, ids, places or times since the start. */
function countOf(value: unknown): number | undefined {
	return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}

function optional<K extends string>(name: K, row: Row): { readonly [P in K]?: number } {
	const count = countOf(row[name]);
	// The key is the literal K; the compiler widens a computed one to string.
	return (count === undefined ? {} : { [name]: count }) as { readonly [P in K]?: number };
}
