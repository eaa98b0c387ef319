/**
 * One line of Prometheus text 0.0.4 or OpenMetrics 1.0.
 *
 *     go_sql_in_use_connections{db_name="orders"} 7
 *     {"db.sql.connection.open", status="inuse"} 7 1743771343019
 *     http_seconds_bucket{le="0.1"} 12 # {trace_id="77aa"} 0.03 1743771343.0
 *
 *     SAMPLE := NAME [LABELS] VALUE [TIMESTAMP] [EXEMPLAR] | "{" QUOTED {"," PAIR} "}" VALUE ...
 *     LABELS := "{" [PAIR {"," PAIR} [","]] "}"       PAIR := KEY "=" QUOTED
 *     QUOTED := '"' text with \\ \" \n escaped '"'    KEY  := NAME | QUOTED
 *     VALUE  := Go's float syntax: 7, -1.5e-3, NaN, +Inf
 *
 * Blanks and tabs may stand between the parts. Timestamp and exemplar are checked for form and dropped.
 */

export interface MetricSample {
	readonly name: string;
	readonly labels: ReadonlyMap<string, string>;
	readonly value: number;
}

/** Labels of one series that are read; a line with more is malformed. */
const LABELS_MAX = 200;

/** A sample, or what was expected at which column. `line` has no line end. */
export function parseSample(
	line: string,
): MetricSample | { readonly expected: string; readonly column: number } {
	const scan: Scan = { line, at: 0 };
	skipBlanks(scan);
	let name = take(scan, NAME);
	skipBlanks(scan);
	const labels = new Map<string, string>();
	if (line[scan.at] === "{") {
		const bare = readLabels(scan, labels);
		if (bare === undefined) return { expected: "labels", column: scan.at };
		name ??= bare === "" ? undefined : bare;
	}
	if (name === undefined) return { expected: "a metric name", column: scan.at };
	skipBlanks(scan);
	const value = readNumber(scan);
	if (value === undefined) return { expected: "a number", column: scan.at };
	skipBlanks(scan);
	if (scan.at < line.length && line[scan.at] !== "#") {
		if (readNumber(scan) === undefined) return { expected: "a timestamp", column: scan.at };
		skipBlanks(scan);
	}
	if (scan.at < line.length && line[scan.at] !== "#") return { expected: "the line's end", column: scan.at };
	return { name, labels, value };
}

/** Where the reader stands in the line. */
interface Scan {
	readonly line: string;
	at: number;
}

const NAME = /[a-zA-Z_:][\w:.]*/y;
const BLANKS = /[ \t]*/y;
const WORD = /[^ \t#]+/y;
const QUOTED = /"((?:[^"\\]|\\.)*)"/y;
const FLOAT =
	/^[+-]?(?:\d+\.?\d*(?:e[+-]?\d+)?|\.\d+(?:e[+-]?\d+)?|0x[\da-f]+(?:\.[\da-f]*)?(?:p[+-]?\d+)?)$/i;
const INFINITE = /^([+-]?)inf(?:inity)?$/i;

/**
 * Reads a set of labels into `labels`. Gives the quoted metric name that stood among them, "" if none
 * did, undefined if the set is malformed.
 */
function readLabels(scan: Scan, labels: Map<string, string>): string | undefined {
	let name = "";
	scan.at++;
	for (let count = 0; count <= LABELS_MAX; count++) {
		skipBlanks(scan);
		if (takeChar(scan, "}")) return name;
		const quotedKey = takeQuoted(scan);
		const key = quotedKey ?? take(scan, NAME);
		if (key === undefined) return undefined;
		skipBlanks(scan);
		if (takeChar(scan, "=")) {
			skipBlanks(scan);
			const value = takeQuoted(scan);
			if (value === undefined) return undefined;
			labels.set(key, value);
		} else if (quotedKey !== undefined && name === "") name = quotedKey;
		else return undefined;
		skipBlanks(scan);
		if (!takeChar(scan, ",") && scan.line[scan.at] !== "}") return undefined;
	}
	return undefined;
}

function readNumber(scan: Scan): number | undefined {
	const start = scan.at;
	const word = take(scan, WORD) ?? "";
	const value = toNumber(word);
	if (value === undefined) scan.at = start;
	return value;
}

function toNumber(word: string): number | undefined {
	if (FLOAT.test(word)) return /x/i.test(word) ? hexFloat(word) : Number(word);
	const infinite = INFINITE.exec(word);
	if (infinite) return infinite[1] === "-" ? -Infinity : Infinity;
	return /^[+-]?nan$/i.test(word) ? Number.NaN : undefined;
}

/** `0x1.8p3`, as Go's strconv accepts it. */
function hexFloat(word: string): number {
	const [, sign, whole = "0", fraction = "", power = "0"] =
		/^([+-]?)0x([\da-f]+)\.?([\da-f]*)(?:p([+-]?\d+))?$/i.exec(word) ?? [];
	const mantissa = Number.parseInt(whole + fraction, 16) * 2 ** (Number(power) - 4 * fraction.length);
	return sign === "-" ? -mantissa : mantissa;
}

function takeQuoted(scan: Scan): string | undefined {
	if (scan.line[scan.at] !== '"') return undefined;
	const text = take(scan, QUOTED)?.slice(1, -1);
	return text?.replace(/\\(.)/g, (_, char: string) => (char === "n" ? "\n" : char));
}

function take(scan: Scan, pattern: RegExp): string | undefined {
	pattern.lastIndex = scan.at;
	const found = pattern.exec(scan.line)?.[0];
	if (found !== undefined) scan.at += found.length;
	return found;
}

function takeChar(scan: Scan, char: string): boolean {
	if (scan.line[scan.at] !== char) return false;
	scan.at++;
	return true;
}

function skipBlanks(scan: Scan): void {
	take(scan, BLANKS);
}
