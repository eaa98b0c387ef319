/** For tests: what people and programs do to a text on its way into a ticket. Each is one function, and says what it loses. */

export interface Damage {
	readonly name: string;
	/** Nothing of the text is gone: all of it can be had back. */
	readonly lossless: boolean;
	/** Damages the text of goroutine dumps only. */
	readonly dumpsOnly?: boolean;
	readonly apply: (text: string) => string | Uint8Array;
}

const lines = (text: string) => text.replace(/\n$/, "").split("\n");
const each = (change: (line: string, at: number) => string) => (text: string) =>
	`${lines(text).map(change).join("\n")}\n`;
const second = (at: number) => String(at % 60).padStart(2, "0");
const escaped = (text: string) => JSON.stringify(text).slice(1, -1);

/** Cuts every line at this column, as mail programs and terminals do. */
const wrapped = (columns: number) => (text: string) =>
	`${lines(text)
		.flatMap((line) => line.match(new RegExp(`.{1,${columns}}`, "gu")) ?? [""])
		.join("\n")}\n`;

/** As `fold -s`: breaks at blanks where it can, and leaves the blank. */
const folded = (columns: number) => (text: string) =>
	`${lines(text)
		.flatMap((line) => {
			const out: string[] = [];
			let rest = line;
			while (rest.length > columns) {
				const blank = rest.lastIndexOf(" ", columns - 1);
				const cut = blank > 0 ? blank + 1 : columns;
				out.push(rest.slice(0, cut));
				rest = rest.slice(cut);
			}
			return [...out, rest];
		})
		.join("\n")}\n`;

const utf16 = (text: string, big: boolean) => {
	const bytes = new Uint8Array(text.length * 2 + 2);
	const view = new DataView(bytes.buffer);
	view.setUint16(0, 0xfeff, !big);
	for (let at = 0; at < text.length; at++) view.setUint16(at * 2 + 2, text.charCodeAt(at), !big);
	return bytes;
};

/** `other` after every `period`-th line. */
const between = (period: number, other: readonly string[]) => (text: string) =>
	`${lines(text)
		.flatMap((line, at) => (at % period === period - 1 ? [line, other[at % other.length] ?? ""] : [line]))
		.join("\n")}\n`;

const PROSE = "Hi team,\n\nprod is slow again (since 10:00), here is what I got from main.go on pod 7:\n\n";
const MORE_PROSE = "\nAny idea? It worked on Friday. See also https://wiki/x?a=1&b=2 and runbook (4).\n";

const lossless = (name: string, apply: Damage["apply"]): Damage => ({ name, lossless: true, apply });

export const DAMAGES: readonly Damage[] = [
	lossless(
		"journald",
		each((line, at) => `Nov 22 10:00:${second(at)} host orders[4711]: ${line}`),
	),
	lossless(
		"syslog, RFC 5424",
		each(
			(line, at) => `<134>1 2026-11-22T10:00:${second(at)}.${100 + (at % 900)}Z host orders 4711 - - ${line}`,
		),
	),
	lossless(
		"journald with #011",
		each((line, at) => `Nov 22 10:00:${second(at)} host orders[4711]: ${line.replaceAll("\t", "#011")}`),
	),
	lossless(
		"whole text in one syslog line, #012",
		(text) =>
			`Nov 22 10:00:00 host orders[4711]: ${text.replaceAll("\t", "#011").replaceAll("\n", "#012")}\n`,
	),
	lossless(
		"RFC 3339 and level",
		each((line, at) => `2026-11-22T10:00:${second(at)}.${at}Z ${at % 2 === 0 ? "ERROR" : "INFO"} ${line}`),
	),
	lossless(
		"time of Go's log",
		each((line, at) => `2026/11/22 10:00:${second(at)} ${line}`),
	),
	lossless(
		"CRI",
		each((line, at) => `2026-11-22T10:00:${second(at)}.${123456789 + at}Z stdout F ${line}`),
	),
	lossless(
		"CRI, split lines",
		each((line, at) => {
			const stamp = `2026-11-22T10:00:${second(at)}.5Z stderr`;
			return line.length < 40
				? `${stamp} F ${line}`
				: `${stamp} P ${line.slice(0, 30)}\n${stamp} F ${line.slice(30)}`;
		}),
	),
	lossless(
		"kubectl --prefix",
		each((line) => `[pod/orders-7d9f8b6c5d-x2k9p/orders] ${line}`),
	),
	lossless(
		"docker compose",
		each((line) => `orders-1  | ${line}`),
	),
	lossless(
		"line numbers",
		each((line, at) => `${String(at + 1).padStart(6)}\t${line}`),
	),
	lossless(
		"Docker's JSON lines",
		each((line, at) =>
			JSON.stringify({ log: `${line}\n`, stream: "stderr", time: `2026-11-22T10:00:${second(at)}Z` }),
		),
	),
	lossless(
		"JSON lines with msg",
		each((line) => JSON.stringify({ level: "error", msg: line, caller: "main.go:7" })),
	),
	lossless(
		"one JSON line with all",
		(text) => `${JSON.stringify({ level: "error", msg: "panic", stack: text, ts: 1789.5 })}\n`,
	),
	lossless(
		"one log line, escaped",
		(text) =>
			`time=2026-11-22T10:00:00Z level=ERROR msg="recovered" stack="${escaped(text)}" service=orders\n`,
	),
	lossless("one log line, escaped twice", (text) => `ERROR ${escaped(escaped(text))}\n`),
	lossless(
		"JSON in JSON",
		(text) => `${JSON.stringify({ log: `${JSON.stringify({ msg: text })}\n`, stream: "stderr" })}\n`,
	),
	lossless(
		"quoted >",
		each((line) => `> ${line}`),
	),
	lossless(
		"quoted > thrice, once without a blank",
		each((line) => `> >> ${line}`),
	),
	lossless(
		"quoted |",
		each((line) => `| ${line}`),
	),
	lossless(
		"strings of a list",
		(text) =>
			`[\n${lines(text)
				.map((line) => `  ${JSON.stringify(line)},`)
				.join("\n")}\n]\n`,
	),
	lossless("CRLF", (text) => text.replaceAll("\n", "\r\n")),
	lossless("lone CR", (text) => text.replaceAll("\n", "\r")),
	lossless("tabs as four blanks", (text) => text.replaceAll("\t", "    ")),
	lossless("tabs as one blank", (text) => text.replaceAll("\t", " ")),
	lossless("tabs gone", (text) => text.replace(/^\t/gmu, "")),
	lossless("Markdown with prose", (text) => `${PROSE}\`\`\`go\n${text}\`\`\`\n${MORE_PROSE}`),
	lossless(
		"indented code with prose",
		(text) => `${PROSE}${each((line) => `    ${line}`)(text)}${MORE_PROSE}`,
	),
	lossless("wrapped at 72", wrapped(72)),
	lossless("wrapped at 80", wrapped(80)),
	lossless("folded at blanks, 76", folded(76)),
	lossless(
		"trailing blanks",
		each((line) => `${line}   `),
	),
	lossless(
		"padded to a width",
		each((line) => line.padEnd(120)),
	),
	lossless(
		"empty lines doubled",
		each((line) => `${line}\n`),
	),
	lossless(
		"indented",
		each((line) => `\t  ${line}`),
	),
	lossless("HTML entities", (text) =>
		text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;"),
	),
	lossless(
		"colours",
		each((line, at) => `\u001b[${31 + (at % 6)}m${line}\u001b[0m`),
	),
	lossless("BOM", (text) => `\ufeff${text}`),
	lossless("UTF-16, little endian", (text) => utf16(text, false)),
	lossless("UTF-16, big endian", (text) => utf16(text, true)),
	lossless("no-break blanks", (text) => text.replaceAll("\t", "\u00a0\u00a0\u00a0\u00a0")),
	lossless(
		"other programs' text before, between and after",
		(text) =>
			`$ kubectl exec orders -- curl -s localhost:6060/debug\nstarting up (v1.2)\n${between(7, [
				"2026/11/22 10:00:00 GET /orders 200 12ms",
				"level=info msg=served path=/orders(7)",
				"done",
				'nginx: 10.0.0.7 - - [22/Nov/2026:10:00:00] "GET / HTTP/1.1" 200 12',
			])(text)}bye\nexit status 2\n$ \n`,
	),
	lossless("journald, Markdown and CRLF", (text) =>
		`${PROSE}\`\`\`\n${each((line, at) => `Nov 22 10:00:${second(at)} host orders[4711]: ${line.replaceAll("\t", "#011")}`)(text)}\`\`\`\n${MORE_PROSE}`.replaceAll(
			"\n",
			"\r\n",
		),
	),
	lossless(
		"quoted mail, tabs as blanks, trailing blanks",
		each((line) => `> ${line.replaceAll("\t", "        ")}  `),
	),
	{ name: "cut end", lossless: false, apply: (text) => text.slice(0, Math.floor(text.length * 0.6)) },
	{
		name: "cut end in a log",
		lossless: false,
		apply: (text) => each((line) => `orders-1  | ${line}`)(text).slice(0, Math.floor(text.length * 0.6)),
	},
	{
		name: "excerpt",
		lossless: false,
		dumpsOnly: true,
		apply: (text) =>
			`${text
				.split("\n\n")
				.filter((_, at) => at % 3 === 0)
				.join("\n\n")}\n\n...\n`,
	},
	{
		name: "cut beginning",
		lossless: false,
		dumpsOnly: true,
		apply: (text) => text.slice(Math.floor(text.length * 0.3)),
	},
];
