/**
 * Recovered pieces to a Capture. What was mended becomes a note, what is lost a loss, and every line of which
 * nothing was given a loss too: nobody looked at it.
 *
 * Loose files do not say when they were taken, so the capture's window is empty: all parts bear the moment of
 * reading, and only the order of their samples is known.
 */
import type { Capture, Gap, Instant, Part, PartFormat } from "@plumbline/signals/capture";
import { FORMATS } from "@plumbline/signals/decode";
import type { Piece } from "@plumbline/signals/paste-piece";
import { redactArgument, redactUrl } from "@plumbline/signals/redact";
import { excerptGaps } from "./loose-excerpt.ts";
import { type Redacted, redactPiece } from "./loose-redact.ts";
import { orderDumps } from "./loose-samples.ts";

/** One file that was recognised, or why it was not. */
export interface LooseFile {
	/** As the user named it. */
	readonly name: string;
	readonly pieces: readonly Piece[];
	readonly losses: readonly string[];
	readonly notes: readonly string[];
	/** Why nothing of it was read. */
	readonly unread?: string;
}

/** Parts kept of one format: a log may hold a dump a second for a day. */
const SAMPLES_MAX = 60;
const SOURCE_CHARS_MAX = 300;
const TITLE_CHARS_MAX = 200;

export function looseCapture(files: readonly LooseFile[], now: Instant, takenBy: string): Capture {
	const gaps: Gap[] = [];
	const found = files.flatMap((file) => sourcesOf(file, gaps));
	const parts: Part[] = [];
	for (const [format, alike] of Map.groupBy(found, (source) => source.format)) {
		const samples = format === "go-debug2" ? ordered(alike, gaps) : alike;
		if (samples.length > SAMPLES_MAX) {
			const why = `${samples.length} samples were given, of which the last ${SAMPLES_MAX} are read`;
			gaps.push({ ...lineOf(format), why, weight: "note" });
		}
		samples.slice(-SAMPLES_MAX).forEach(({ bytes, source }, sample) => {
			parts.push({ name: nameOf(format, sample), format, sample, source, start: now, end: now, bytes });
		});
	}
	gaps.push(...excerptGaps(parts), ...notGiven(parts), ...timesUnknown(parts));
	const target = { files: files.map(({ name }) => shownName(name)) };
	return { takenBy, target, window: { start: now, end: now }, parts, gaps };
}

interface Source extends Redacted {
	readonly source: string;
}

function sourcesOf(file: LooseFile, gaps: Gap[]): Source[] {
	const name = shownName(file.name);
	if (file.unread !== undefined) {
		gaps.push({ line: "process", what: `file ${name}`, why: file.unread, weight: "loss" });
	}
	const sources = file.pieces.map((piece) => {
		const redacted = redactPiece(piece.format, piece.bytes);
		const at = `${name} byte ${piece.atByte}`;
		const of = lineOf(redacted.format);
		for (const why of [...piece.losses, ...redacted.losses]) gaps.push({ ...of, why, at, weight: "loss" });
		if (piece.title !== undefined) {
			const why = `printed under "${redactArgument(piece.title).slice(0, TITLE_CHARS_MAX)}"`;
			gaps.push({ ...of, why, at, weight: "note" });
		}
		if (piece.repairs.length > 0)
			gaps.push({ ...of, why: `mended: ${piece.repairs.join(", ")}`, at, weight: "note" });
		return { ...redacted, source: name };
	});
	const first = sources[0];
	const of = first === undefined ? { line: "process" as const, what: `file ${name}` } : lineOf(first.format);
	for (const why of file.losses) gaps.push({ ...of, why, at: name, weight: "loss" });
	for (const why of file.notes) gaps.push({ ...of, why, at: name, weight: "note" });
	return sources.filter(({ bytes }) => bytes.length > 0);
}

function ordered(dumps: readonly Source[], gaps: Gap[]): readonly Source[] {
	const { dumps: samples, losses, notes } = orderDumps(dumps);
	const of = lineOf("go-debug2");
	for (const why of losses) gaps.push({ ...of, why, weight: "loss" });
	for (const why of notes) gaps.push({ ...of, why, weight: "note" });
	return samples;
}

const lineOf = (format: PartFormat) => ({ line: FORMATS[format].line, what: FORMATS[format].what });

const FULL_DUMPS: readonly PartFormat[] = ["go-debug2"];
const SOCKETS: readonly PartFormat[] = ["sock-diag", "ss", "netstat", "proc-net-tcp"];
const SESSIONS: readonly PartFormat[] = ["postgres-sessions", "mysql-sessions", "sessions-text"];

/** What a capture would have and nobody gave. */
function notGiven(parts: readonly Part[]): Gap[] {
	const has = (formats: readonly PartFormat[]) => parts.some(({ format }) => formats.includes(format));
	const pool = has(["prometheus"]) || has(SESSIONS);
	const gaps: readonly (Gap | false)[] = [
		!has(FULL_DUMPS) && {
			line: "runtime",
			what: "goroutine dump",
			why: "not given: save /debug/pprof/goroutine?debug=2, twice some seconds apart",
			weight: "loss",
		},
		!has(SOCKETS) && { line: "sockets", what: "sockets", why: "not given: save `ss -tanpe`", weight: "loss" },
		!has(["prometheus"]) && {
			line: "pool",
			what: "metrics",
			why: "not given: save the service's /metrics page",
			weight: pool ? "note" : "loss",
		},
		!has(SESSIONS) && {
			line: "pool",
			what: "database sessions",
			why: "not given: save the database's own list of sessions",
			weight: pool ? "note" : "loss",
		},
		!has(["go-buildinfo"]) && {
			line: "process",
			what: "Go build info",
			why: "not given: which code is the service's own is told by the names of packages",
			weight: "note",
		},
	];
	return gaps.filter((gap) => gap !== false);
}

function timesUnknown(parts: readonly Part[]): Gap[] {
	const dumps = parts.filter(({ format }) => format === "go-debug2").length;
	if (dumps < 2) return [];
	const why = `${dumps} dumps, and no time between them is known: what is in all of them may have lasted shortly`;
	return [{ line: "runtime", what: "time between the dumps", why, weight: "note" }];
}

/** Parts are named as in a capture taken live. */
const NAMES: Readonly<Record<PartFormat, readonly [string, string]>> = {
	"go-debug2": ["goroutines", "debug2.txt"],
	"go-debug1": ["goroutines", "debug1.txt"],
	"go-heap-debug1": ["heap", "debug1.txt"],
	"go-contention-debug1": ["contention", "debug1.txt"],
	pprof: ["profile", "pb"],
	"sock-diag": ["sockets", "sock-diag.bin"],
	ss: ["sockets", "ss.txt"],
	netstat: ["sockets", "netstat.txt"],
	"proc-net-tcp": ["sockets", "proc-net-tcp.txt"],
	"fd-table": ["fds", "tsv"],
	"tcp-life": ["tcp-life", "json"],
	ledger: ["ledger", "json"],
	"go-trace": ["go-trace", "json"],
	"go-trace-v2": ["go-trace", "trace"],
	prometheus: ["metrics", "txt"],
	"postgres-sessions": ["sessions", "postgres.json"],
	"mysql-sessions": ["sessions", "mysql.json"],
	"sessions-text": ["sessions", "txt"],
	"go-buildinfo": ["go-binary", "buildinfo"],
	"dns-check": ["dns-check", "json"],
	process: ["process", "json"],
};

function nameOf(format: PartFormat, sample: number): string {
	const [what, ending] = NAMES[format];
	return `${what}.${sample}.${ending}`;
}

function shownName(name: string): string {
	return redactUrl(name).slice(0, SOURCE_CHARS_MAX);
}
