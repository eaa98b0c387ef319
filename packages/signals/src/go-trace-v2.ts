/**
 * Decodes a Go execution trace as `/debug/pprof/trace` and `runtime/trace` write it, in the format of Go 1.22 and
 * later: who made the goroutines that were born in it, and where those that did not end are.
 *
 *     go 1.26 trace\0\0\0     16 bytes; 1.22 to 1.24 say what their format is of: 1.22 or 1.23, 1.25 itself
 *     generation*             about one second each: go-trace-v2-batches.ts
 *       tables                strings, stacks, the clock: go-trace-v2-tables.ts
 *       events                by thread: go-trace-v2-events.ts, go-trace-v2-goroutines.ts
 *
 * Tables come at the end of their generation: of one that is cut, its events are read, but who made what is lost.
 */
import type { Decoded } from "./decoded.ts";
import { Flaws } from "./flaws.ts";
import type { GoTrace, TracedGoroutine } from "./go-trace.ts";
import { type Generation, generationsOf } from "./go-trace-v2-batches.ts";
import { type Followed, GoroutineFollower } from "./go-trace-v2-goroutines.ts";
import { Sites } from "./go-trace-v2-sites.ts";
import { TraceTables } from "./go-trace-v2-tables.ts";
import { quoteBytes } from "./quote-bytes.ts";

/** Bytes read of one trace: minutes of a busy service. */
const GO_TRACE_BYTES_MAX = 256 << 20;
/** Goroutines listed: those alive first, then the first that ended. */
const ALIVE_LISTED_MAX = 200_000;
const ENDED_LISTED_MAX = 20_000;

const HEADER = /^go 1\.(\d{1,3}) trace\0\0\0/;
const HEADER_BYTES = 16;
/** The start of a header that may have been cut. */
const HEADER_START = /^go 1\.(\d{0,3}|\d{1,3} [trace\0]*)$/;
const RELEASE_MIN = 22;
/** Later ones would be read as this one: each release so far only added events. */
const RELEASE_MAX = 26;
/** Unit of the clock on Linux, macOS and others where the system's clock is fine enough. */
const USUAL_NS_PER_UNIT = 64;

export function decodeGoTraceV2(bytes: Uint8Array): Decoded<GoTrace> {
	const head = new TextDecoder("latin1").decode(bytes.subarray(0, HEADER_BYTES));
	const match = HEADER.exec(head);
	if (match === null && !(bytes.length < HEADER_BYTES && HEADER_START.test(head))) {
		return { kind: "foreign", found: quoteBytes(bytes.subarray(0, HEADER_BYTES)) };
	}
	const release = Number(match?.[1] ?? RELEASE_MAX);
	if (release < RELEASE_MIN) {
		const what = `an execution trace in the old format, of Go 1.${release}`;
		return { kind: "foreign", found: `${what}; with the service built by Go 1.22 or later it can be read` };
	}
	const flaws = new Flaws();
	if (match === null) flaws.truncated("expected a trace, found its first bytes only", bytes.length);
	if (release > RELEASE_MAX) {
		flaws.malformed(
			`expected a format up to Go 1.${RELEASE_MAX}, found Go 1.${release}: read as far as known`,
			0,
		);
	}
	if (bytes.length > GO_TRACE_BYTES_MAX) {
		flaws.truncated(`only the first ${GO_TRACE_BYTES_MAX} bytes of the trace are read`, GO_TRACE_BYTES_MAX);
	}
	const read = bytes.subarray(0, GO_TRACE_BYTES_MAX);
	return { kind: "decoded", value: readTrace(read, match?.[0].length, release, flaws), flaws: flaws.list() };
}

function readTrace(bytes: Uint8Array, start: number | undefined, release: number, flaws: Flaws): GoTrace {
	const sites = new Sites();
	const follower = new GoroutineFollower(bytes, sites, flaws, ENDED_LISTED_MAX);
	let nsPerUnit: number | undefined;
	if (start === bytes.length) flaws.truncated("expected a generation of the trace, found its end", start);
	for (const generation of start === undefined ? [] : generationsOf(bytes, start, release, flaws)) {
		const tables = new TraceTables(bytes, generation, flaws);
		nsPerUnit ??= tables.nsPerUnit;
		follower.follow(generation, tables);
		noteMissing(generation, tables, { release, end: bytes.length }, flaws);
	}
	if (nsPerUnit === undefined && follower.last > 0) {
		flaws.malformed(
			`the trace does not tell its clock's unit: taken for ${USUAL_NS_PER_UNIT} ns`,
			bytes.length,
		);
	}
	return inWords(follower, sites, { release, nsPerUnit: nsPerUnit ?? USUAL_NS_PER_UNIT });
}

/** Only since Go 1.26 is the end of a generation marked; before, what its events name and its tables lack tells it. */
function noteMissing(
	{ whole }: Generation,
	{ lacking, nsPerUnit }: TraceTables,
	{ release, end }: { readonly release: number; readonly end: number },
	flaws: Flaws,
): void {
	const isCut = release >= RELEASE_MAX || lacking || nsPerUnit === undefined;
	if (whole && lacking)
		flaws.malformed("expected all stacks and texts of a generation, some are not there", end);
	if (whole || !isCut) return;
	flaws.truncated("expected the rest of the last generation, found the end of the trace", end);
}

interface Scale {
	readonly release: number;
	readonly nsPerUnit: number;
}

function inWords(
	follower: GoroutineFollower,
	{ stacks, sites }: Sites,
	{ release, nsPerUnit }: Scale,
): GoTrace {
	const { first, last, alive, ended, notFollowed } = follower;
	// Clocks of two cores may differ: nothing is before the start.
	const nsOf = (time: number): number => Math.max(0, Math.round((time - first) * nsPerUnit));
	const listed = [...alive.values()].slice(0, ALIVE_LISTED_MAX);
	return {
		version: `1.${release}`,
		durationNs: last > first ? nsOf(last) : 0,
		stacks,
		goroutines: [...listed, ...ended].map((goroutine) => tracedGoroutine(goroutine, nsOf)),
		leftOut: notFollowed + alive.size - listed.length,
		sites: [...sites.values()].sort((a, b) => b.born - b.ended - (a.born - a.ended) || b.born - a.born),
		born: follower.bornCount,
		ended: follower.endedCount,
	};
}

function tracedGoroutine(goroutine: Followed, nsOf: (time: number) => number): TracedGoroutine {
	const { goid, born, creatorGoid, site, state, since, stack, reason, offset } = goroutine;
	const sinceNs = since === undefined ? 0 : nsOf(since);
	return {
		goid,
		...(born === undefined ? {} : { bornNs: nsOf(born) }),
		...(site === undefined ? {} : { creatorStack: site.stack }),
		...(creatorGoid === undefined ? {} : { creatorGoid }),
		...(site === undefined || site.entry === "" ? {} : { entry: site.entry }),
		...(state === "ended" ? { endedNs: sinceNs } : {}),
		...(state === "blocked"
			? { blocked: { ...(stack === undefined ? {} : { stack }), reason: `${reason}`, sinceNs } }
			: {}),
		offset,
	};
}
