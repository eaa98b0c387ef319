/**
 * The texts that are made of rows, and how a row of each is known and written:
 *
 *     goroutine profile: total 6        3 @ 0x47d8ea 0x45bd86         #	0x4e156e	main.main.func1+0xe	/srv/main.go:13
 *     heap profile: 1: 2 [3: 4] @ heap/1048576                        # Alloc = 6771000
 *     --- contention:                   cycles/second=2808001204      1000 3 @ 0x47d8ea
 *     # TYPE go_goroutines gauge        go_goroutines 412
 *     ESTAB 0 0 10.0.0.2:39122 10.0.0.9:5432
 *     tcp 0 0 10.0.0.2:39122 10.0.0.9:5432 ESTABLISHED
 *      0: 0100007F:1538 00000000:0000 0A 00000000:00000000 00:00000000 00000000 1000 0 90210 1
 *     {"format":"plumbline.postgres-sessions/1",
 */
import type { PartFormat } from "./capture.ts";
import { PREFIX_CHARS_MAX } from "./paste-prefix.ts";
import { readPoolName } from "./pools-families.ts";
import { parseSample } from "./pools-prometheus-text.ts";
import { looksLikeNetstat } from "./sockets-netstat.ts";
import { looksLikeProcNetTcp } from "./sockets-proc-net-tcp.ts";
import { looksLikeSs } from "./sockets-ss.ts";

export interface RowKind {
	readonly format: PartFormat;
	/** Whether a text of this kind can begin with the line. */
	readonly opens: (text: string) => boolean;
	/** Where in a longer line a row that opens stands, -1 if nowhere. */
	readonly find: (text: string) => number;
	/** The row as its source prints it; undefined where the line is none. */
	readonly row: (text: string) => string | undefined;
	/** An empty line stands before such a row. */
	readonly apart?: (row: string) => boolean;
	/** What comes once in a text of this kind: where it comes again, another text begins. */
	readonly once?: (row: string) => string | undefined;
	/** The line can only be the end of the row before it. */
	readonly ends?: (before: string, text: string) => boolean;
	/** A row that is whole is never the end of a broken one: rows of tables are as wide as each other, wrapped or not. */
	readonly whole?: true;
	/** What a row leaves behind when it can no longer be read. */
	readonly remains?: RegExp;
}

/** Longer lines are rows of nothing; a heap's record has at most 32 addresses, a metric its labels. */
const ROW_CHARS_MAX = 1 << 20;

const RECORD_FRAME = /^#\s+(0x[\da-f]+)(?:\s+(\S.*?)\+(0x[\da-f]+)\s+(\S.*:\d+))?$/u;
const LABELS = /^# labels: \{.*\}$/su;

/** Behind longer prefixes nothing is looked for. */
function beginning(text: string): string {
	return text.slice(0, PREFIX_CHARS_MAX * 2);
}

function profile(format: PartFormat, title: RegExp, head: RegExp, other: RegExp | undefined): RowKind {
	return {
		format,
		opens: (text) => title.test(text),
		find: (text) => {
			const at =
				/\S{1,100} profile: total \d|heap profile: *\d|--- (?:contention|mutex):$/u.exec(beginning(text))
					?.index ?? -1;
			return at >= 0 && title.test(text.slice(at)) ? at : -1;
		},
		row: (text) => {
			if (text.length > ROW_CHARS_MAX) return undefined;
			if (title.test(text) || head.test(text) || LABELS.test(text) || other?.test(text)) return text;
			if (!text.startsWith("#")) return undefined;
			if (/^#\t+0x/u.test(text)) return text;
			const frame = RECORD_FRAME.exec(text);
			if (frame === null) return undefined;
			const [, pc, func, offset, place] = frame;
			return func === undefined ? `#\t${pc}` : `#\t${pc}\t${func}+${offset}\t${place}`;
		},
		apart: (row) => head.test(row) || row === "# runtime.MemStats",
		once: (row) => (title.test(row) ? "" : undefined),
		ends: (before, text) => head.test(before) && /^(?:0x[\da-f]+ ?)+$/u.test(text),
	};
}

const ADDRESSES = "(?: 0x[\\da-f]+)*$";

const COUNTS = profile(
	"go-debug1",
	/^\S{1,100} profile: total \d{1,15}$/u,
	new RegExp(`^\\d{1,15} @${ADDRESSES}`, "u"),
	undefined,
);
const HEAP = profile(
	"go-heap-debug1",
	/^heap profile: *\d+: *\d+ \[ *\d+: *\d+\] @ \S+$/u,
	new RegExp(`^\\d{1,15}: \\d{1,15} \\[\\d{1,15}: \\d{1,15}\\] @${ADDRESSES}`, "u"),
	/^# (?:runtime\.MemStats|[A-Z]\w* = \S.*)$/u,
);
const CONTENTION = profile(
	"go-contention-debug1",
	/^--- (?:contention|mutex):$/u,
	new RegExp(`^\\d{1,20} \\d{1,15} @${ADDRESSES}`, "u"),
	/^[a-z/ ]{1,40}=\d+$/u,
);

/** Behind a prefix stand no longer samples. */
const FIND_CHARS_MAX = 8192;
const DESCRIPTION = /^# (?:HELP|TYPE|UNIT) [a-zA-Z_:"]\S*(?: .*)?$/su;
/** Samples by which a page without descriptions is known. */
const KNOWN_SAMPLE = /\b(?:go_|gorm_|pgxpool_|process_|db_|sql_)[a-z_]+(?:\{[^}]*\})? [\d.e+-]+$/u;

const METRICS: RowKind = {
	format: "prometheus",
	opens: (text) => DESCRIPTION.test(text) || isKnownSample(text),
	find: (text) =>
		text.length > FIND_CHARS_MAX
			? -1
			: (/# (?:HELP|TYPE) [a-zA-Z_:]|\b(?:go_|gorm_|pgxpool_)[a-z_]+(?:\{[^}]*\})? [\d.e+-]+$/u.exec(text)
					?.index ?? -1),
	row: (text) => {
		if (text.length > ROW_CHARS_MAX) return undefined;
		if (text === "# EOF" || DESCRIPTION.test(text)) return text;
		const first = text.charCodeAt(0);
		const named = (first >= 0x41 && first <= 0x7a) || first === 0x7b || first === 0x3a;
		return named && !("expected" in parseSample(text)) ? text : undefined;
	},
	once: (row) => {
		if (row.startsWith("# TYPE ")) return row;
		return row.startsWith("#") ? undefined : /^[^{\s]*(?:\{.*\})?/su.exec(row)?.[0];
	},
	ends: (before, text) => before.startsWith("# HELP ") && /^[a-z ,.]+\.$/u.test(text),
};

function isKnownSample(text: string): boolean {
	if (!KNOWN_SAMPLE.test(text)) return false;
	const sample = parseSample(text);
	return (
		!("expected" in sample) && (sample.name.startsWith("go_") || readPoolName(sample.name) !== undefined)
	);
}

const SS_ROW =
	/(?:\btcp\s+)?\b(?:ESTAB|LISTEN|SYN-SENT|SYN-RECV|FIN-WAIT-[12]|TIME-WAIT|CLOSE-WAIT|LAST-ACK|CLOSING|CLOSED|UNCONN)\s+\d+\s+\d+\s+\S|(?:Netid\s+)?(?:State\s+)?Recv-Q\s+Send-Q\s+Local Address/u;

function sockets(
	format: PartFormat,
	like: RegExp,
	looksLike: (text: string) => boolean,
	begins: RegExp,
	below: (text: string) => string | undefined,
): RowKind {
	const isRow = (text: string) =>
		text.length < ROW_CHARS_MAX && like.test(text) && !/^[{"'`<>|]/u.test(text) && looksLike(text);
	return {
		format,
		// Behind a prefix it is found, so that the prefix is learnt.
		opens: (text) => isRow(text) && (begins.exec(beginning(text))?.index ?? 0) === 0,
		find: (text) => {
			const at = begins.exec(beginning(text))?.index ?? -1;
			return at >= 0 && isRow(text.slice(at)) ? at : -1;
		},
		row: (text) => {
			if (!isRow(text)) return below(text);
			return (begins.exec(beginning(text))?.index ?? 0) === 0 ? text : undefined;
		},
		once: (row) => (/Recv-Q\s+Send-Q|local_address/u.test(row) ? row.replace(/\s+/gu, " ") : undefined),
		ends: (before, text) => !/Recv-Q|local_address/u.test(before) && OWNER.test(text),
		whole: true,
		remains:
			/^(?!udp|unix|raw|icmp?|nl |u_)(?:.*)(?:[\d\]*]:\d+(?:\s|$)|[a-z]:\d+ |^\d+\/\w|\b[\dA-F]{8,}\b)|^[\dA-F: ]+$/iu,
	};
}

/** The last columns of netstat: user and inode, the process, the timer. */
const OWNER =
	/^(?:\d{1,7} +\d{3,} +)?(?:\d{1,7}\/[A-Za-z_.].*|-(?: .*)?|(?:off|on|keepalive|timewait|probe|unkn-\d) ?\(.*\))$/u;

/** What ss -i puts in a line of its own. */
const DETAILS =
	/^(?:(?:(?:[a-z_]+:\S+|ts|sack|ecn|cubic|bbr|reno|send|<->|\S+[KMG]?bps|app_limited)(?: |$))+|users:\(\()/u;
/** What netstat -b puts there. */
const PROGRAM = /^\[[\w. -]+\.exe\]$/u;

const SS = sockets("ss", /:/u, looksLikeSs, SS_ROW, (text) => (DETAILS.test(text) ? `\t${text}` : undefined));
const NETSTAT = sockets(
	"netstat",
	/tcp|proto/iu,
	looksLikeNetstat,
	/\b(?:Proto\s|tcp(?:4|6|46)?\s+\S)/iu,
	(text) => (PROGRAM.test(text) ? ` ${text}` : undefined),
);
const PROC_NET_TCP = sockets(
	"proc-net-tcp",
	/[\dA-F]{8}:[\dA-F]{4} |local_address/u,
	looksLikeProcNetTcp,
	/\bsl\s+local_address|\b\d+: (?:[\dA-F]{8}|[\dA-F]{32}):/u,
	() => undefined,
);

function sessions(format: "postgres-sessions" | "mysql-sessions"): RowKind {
	const opening = `{"format":"plumbline.${format}/1",`;
	return {
		format,
		opens: (text) => text === opening,
		find: (text) => text.indexOf(opening),
		row: (text) =>
			text === opening ||
			text === "]}" ||
			text === '"sessions":[' ||
			/^(?:"(?:server|self)":\{|\{"id":).*\},?$/su.test(text)
				? text
				: undefined,
		once: (row) => (row === opening ? "" : undefined),
		whole: true,
		remains: /"\w+":|^"?\w+"?[,}\]]/u,
	};
}

/** First come, first tried. */
export const ROW_KINDS: readonly RowKind[] = [
	COUNTS,
	HEAP,
	CONTENTION,
	sessions("postgres-sessions"),
	sessions("mysql-sessions"),
	SS,
	NETSTAT,
	PROC_NET_TCP,
	METRICS,
];
