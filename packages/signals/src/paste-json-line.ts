/**
 * One line of a structured log, and the text in it:
 *
 *     {"log":"goroutine 1 [running]:\n","stream":"stderr","time":"2026-11-22T10:00:00Z"}     Docker
 *     {"level":"error","msg":"panic","stack":"goroutine 1 [running]:\nmain.main()\n..."}      zap, slog, logrus
 */

/** A line longer than this is not parsed; its escapes are spelled out like any other line's. */
const LINE_CHARS_MAX = 64 << 20;
/** Depth and number of values looked at. */
const DEPTH_MAX = 4;
const VALUES_MAX = 200;

/** Fields that hold the message, likeliest first. */
const MESSAGE_FIELDS = [
	"log",
	"msg",
	"message",
	"MESSAGE",
	"textPayload",
	"@message",
	"_msg",
	"line",
	"text",
	"body",
	"M",
];

/** The texts of the line worth reading: that with several lines in it, else the message. Undefined if it is no JSON. */
export function jsonTexts(text: string): readonly string[] | undefined {
	const open = text.indexOf("{");
	const close = text.lastIndexOf("}");
	if (open < 0 || close < open || text.length > LINE_CHARS_MAX) return undefined;
	// The object ends the line: labels and metrics have braces too, with something behind them.
	const ends = /^[\s,;]*$/u.test(text.slice(close + 1, close + 20));
	if (!ends || !/^\{\s*"/u.test(text.slice(open, open + 20))) return undefined;
	let value: unknown;
	try {
		value = JSON.parse(text.slice(open, close + 1));
	} catch {
		return undefined;
	}
	const found: (readonly [string, string])[] = [];
	gather(value, "", DEPTH_MAX, found);
	const long = found.filter(([, held]) => /\n|\\n/u.test(held.trimEnd())).map(([, held]) => held);
	if (long.length > 0) return long;
	const name = MESSAGE_FIELDS.find((field) => found.some(([known]) => known === field));
	const message = found.find(([known]) => known === name)?.[1];
	return message === undefined ? undefined : [message];
}

function gather(value: unknown, name: string, depth: number, found: (readonly [string, string])[]): void {
	if (found.length >= VALUES_MAX) return;
	if (typeof value === "string") found.push([name, value]);
	else if (typeof value === "object" && value !== null && depth > 0) {
		for (const [key, held] of Object.entries(value).slice(0, VALUES_MAX)) gather(held, key, depth - 1, found);
	}
}
