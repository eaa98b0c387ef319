/**
 * Prefixes that a log put before every line, learnt from a line that is known without one:
 *
 *     Nov 22 10:00:00 host app[123]: goroutine 1 [running]:
 *     └────────── learnt ──────────┘
 *     Nov 22 10:00:01 host app[123]: main.main()            the same shape: other numbers, other time
 *
 * Numbers, times, months and levels may differ from line to line, all else must be the same.
 */

/** Longer ones are no prefixes. */
export const PREFIX_CHARS_MAX = 400;

const LEVELS = "(?:TRACE|DEBUG|INFO|NOTICE|WARN(?:ING)?|ERROR|ERR|FATAL|PANIC|CRIT(?:ICAL)?|[DIWEF])";
const VARYING =
	/(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?)|(\d{1,2}:\d\d:\d\d(?:[.,]\d+)?)|(\b(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec|Mon|Tue|Wed|Thu|Fri|Sat|Sun)\b)|(\b(?:TRACE|DEBUG|INFO|NOTICE|WARN(?:ING)?|ERROR|ERR|FATAL|PANIC|CRIT(?:ICAL)?|[DIWEF])\b)|(\d+)|(\s+)|([\s\S])/giu;

export type Prefix = (text: string) => number;

/** How much of a line the prefix takes, -1 if the line has none. Undefined where `text` is no prefix. */
export function learnPrefix(text: string): Prefix | undefined {
	if (text.length === 0 || text.length > PREFIX_CHARS_MAX) return undefined;
	let pattern = "^";
	for (const [whole, stamp, time, name, level, digits, blanks] of text.trimEnd().matchAll(VARYING)) {
		if (stamp !== undefined) pattern += "\\d{4}-\\d\\d-\\d\\d[T ]\\d\\d:\\d\\d:\\d\\d(?:[.,]\\d+)?";
		else if (time !== undefined) pattern += "\\d{1,2}:\\d\\d:\\d\\d(?:[.,]\\d+)?";
		else if (name !== undefined) pattern += "[A-Z][a-z]{2}";
		else if (level !== undefined) pattern += `(?:${LEVELS}|${LEVELS.toLowerCase()})`;
		else if (digits !== undefined) pattern += "\\d+";
		else if (blanks !== undefined) pattern += "\\s+";
		else pattern += whole.replace(/[\\^$.*+?()[\]{}|/]/u, "\\$&");
	}
	if (pattern === "^") return undefined;
	// One blank separates it from the line; more belong to the line.
	const blank = /\s$/u.test(text);
	const regex = new RegExp(blank ? `${pattern}(?=\\s|$)` : pattern, "u");
	return (line) => {
		const length = regex.exec(line)?.[0].length ?? -1;
		if (length < 0) return -1;
		return blank && /\s/u.test(line[length] ?? "") ? length + 1 : length;
	};
}
