/** What people paste, and what is made of it: text, repairs and losses. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { recoverPaste } from "./paste-recover.ts";

const DUMP = `goroutine 34 [select, 2 minutes]:
database/sql.(*DB).connectionOpener(0xc000134000, {0x7a1e58, 0xc00011a050})
	/usr/local/go/src/database/sql/sql.go:1261 +0x87
created by database/sql.OpenDB in goroutine 1
	/usr/local/go/src/database/sql/sql.go:841 +0x130

goroutine 35 [chan receive]:
main.work(0x1)
	/srv/app/main.go:12 +0x1d

`;

function recovered(text: string) {
	const { pieces, unread } = recoverPaste(new TextEncoder().encode(text));
	return {
		pieces: pieces.map(({ bytes, ...piece }) => ({ ...piece, text: new TextDecoder().decode(bytes) })),
		unread,
	};
}

function only(text: string) {
	const { pieces, unread } = recovered(text);
	assert.equal(pieces.length, 1, JSON.stringify(pieces.map(({ format }) => format)));
	return { ...pieces[0], unread };
}

test("a clean dump is the very same bytes", () => {
	const bytes = new TextEncoder().encode(DUMP);
	const { pieces, unread } = recoverPaste(bytes);
	assert.equal(pieces[0]?.bytes, bytes);
	assert.deepEqual(pieces[0]?.repairs, []);
	assert.equal(unread, undefined);
});

test("repairs are told in words", () => {
	const told = (text: string) => {
		const piece = only(text);
		assert.equal(piece.text, DUMP);
		assert.deepEqual(piece.losses, []);
		return piece.repairs?.join("; ");
	};
	const each = (change: (line: string) => string) =>
		DUMP.trimEnd().split("\n").map(change).join("\n").concat("\n");
	assert.equal(told(each((line) => `Nov 22 10:00:00 host app[7]: ${line}`)), "log prefixes taken off (8)");
	assert.equal(told(each((line) => `> ${line}`)), "quotation marks of a mail or chat taken off (8)");
	assert.equal(told(each((line) => JSON.stringify({ log: `${line}\n` }))), "JSON log lines opened (8)");
	assert.equal(told(`msg=${JSON.stringify(DUMP)}\n`), "lines with escapes (\\n, \\t) spelled out (8)");
	assert.equal(told(DUMP.replaceAll("\t", "    ")), "tabs put back where there were blanks (3)");
	assert.equal(told(DUMP.replaceAll("\n", "\r")), "lines ended in lone returns");
	assert.equal(told(`\`\`\`\n${DUMP}\`\`\`\n`), "Markdown fences taken out (1)");
	assert.equal(
		told(DUMP.replace("/database/sql/sql.go:1261", "/database/\nsql/sql.go:1261")),
		"lines that were broken in two joined (1)",
	);
	assert.equal(
		told(DUMP.replace("\nmain.work", "\n2026/11/22 10:00:00 GET / 200\nmain.work")),
		"lines of other text left out (1)",
	);
	assert.equal(
		told(DUMP.replace("created by", "\u001b[1mcreated by\u001b[0m")),
		"terminal colours taken off (1)",
	);
});

test("other text that stands alone in a line is joined to nothing", () => {
	const words = DUMP.replaceAll("\n", "\ndone\n");
	assert.equal(only(words).text, DUMP);
});

test("losses are told in words, and nothing is made up for them", () => {
	const cases: readonly (readonly [string, RegExp, RegExp])[] = [
		[
			`> ${DUMP.slice(0, 150).replaceAll("\n", "\n> ")}`,
			/ends in the middle of a line/u,
			/connectionOpener\(/u,
		],
		[
			DUMP.replace("goroutine 34 [select, 2 minutes]:\n", "").replaceAll("\t", " "),
			/begins in the middle of a goroutine/u,
			/^goroutine 35/u,
		],
		[
			DUMP.replace("\t/srv/app/main.go:12 +0x1d\n", "").replace("\t", " "),
			/1 calls are without their file line/u,
			/main\.work\(0x1\)\n/u,
		],
		[`${DUMP.replaceAll("\t", " ")}... 370 more goroutines\n`, /something was left out/u, /goroutine 35/u],
		[`| ${DUMP.replaceAll("\n", "\n| ")}\n[...]\n`, /something was left out/u, /goroutine 35/u],
		[
			`panic: boom\n\ngoroutine 1 [running]:\nmain.main()\n\t/srv/main.go:3 +0x1\nexit status 2\n`,
			/GOTRACEBACK=all/u,
			/^goroutine 1/u,
		],
	];
	for (const [text, loss, kept] of cases) {
		const piece = only(text);
		assert.match(piece.losses?.join("; ") ?? "", loss);
		assert.match(piece.text ?? "", kept);
	}
});

test("a cut line number is not taken for a line number", () => {
	const { text, losses } = only(` ${DUMP.slice(0, DUMP.indexOf("1261") + 2)}`);
	assert.doesNotMatch(text ?? "", /sql\.go:12\b/u);
	assert.deepEqual(losses, ["the text ends in the middle of a line", "1 calls are without their file line"]);
});

test("crashes of every kind, with what announced them", () => {
	const body = "goroutine 1 [chan receive]:\nmain.main()\n\t/srv/main.go:3 +0x1\n";
	const other = body.replace("goroutine 1", "goroutine 18");
	for (const [before, title] of [
		["SIGQUIT: quit\nPC=0x47e1a1 m=0 sigcode=0\n\n", "SIGQUIT: quit"],
		[
			"fatal error: all goroutines are asleep - deadlock!\n\n",
			"fatal error: all goroutines are asleep - deadlock!",
		],
		[
			"panic: runtime error: invalid memory address or nil pointer dereference\n[signal SIGSEGV: segmentation violation code=0x1 addr=0x0 pc=0x49]\n\n",
			"panic: runtime error: invalid memory address or nil pointer dereference",
		],
	] as const) {
		const registers = "\nrax    0x0\nrip    0x47e1a1\nrflags 0x246\nexit status 2\n";
		for (const text of [
			`${before}${body}\n${other}${registers}`,
			`log: ${`${before}${body}\n${other}${registers}`.replaceAll("\n", "\nlog: ")}`,
		]) {
			const piece = only(text);
			assert.equal(piece.title, title);
			assert.deepEqual(piece.losses, []);
			assert.equal(piece.text?.match(/^goroutine /gmu)?.length, 2);
		}
	}
});

test("several dumps in one text: told apart where goroutines come again", () => {
	const second = DUMP.replace(
		"goroutine 34",
		"goroutine 36 [running]:\nmain.dump()\n\t/srv/d.go:1 +0x1\n\ngoroutine 34",
	);
	for (const text of [
		DUMP + second,
		`${DUMP}\nand later\n\n${second}`,
		(DUMP + second).replaceAll("\t", "  "),
	]) {
		const { pieces } = recovered(text);
		assert.deepEqual(
			pieces.map((piece) => piece.text.match(/^goroutine \d+/gmu)),
			[
				["goroutine 34", "goroutine 35"],
				["goroutine 36", "goroutine 34", "goroutine 35"],
			],
		);
		assert.ok((pieces[1]?.atByte ?? 0) > (pieces[0]?.atByte ?? 0));
	}
});

test("the logs of two pods in one: two dumps, each of its own lines", () => {
	const [a, b] = [DUMP.split("\n"), DUMP.replaceAll("goroutine 3", "goroutine 7").split("\n")];
	const text = a
		.map((line, at) => `[pod/orders-x2k9p/app] ${line}\n[pod/orders-b7q4d/app] ${b[at]}\n`)
		.join("");
	const texts = recovered(text).pieces.map((piece) => piece.text);
	assert.deepEqual(texts, [DUMP, DUMP.replaceAll("goroutine 3", "goroutine 7")]);
});

test("a ticket with everything: each piece in its format", () => {
	const ticket = [
		"Hi, orders hangs again:",
		"```",
		DUMP,
		"```",
		"and `ss -tan`:",
		"    State  Recv-Q Send-Q Local Address:Port Peer Address:Port",
		"    ESTAB  0      0      10.0.0.2:39122     10.0.0.9:5432",
		"",
		"> # TYPE go_goroutines gauge",
		"> go_goroutines 412",
		"",
		"goroutine profile: total 3",
		"3 @ 0x47d8ea",
		"#   0x47d8e9   main.work+0x9   /srv/app/main.go:13",
		"",
	].join("\n");
	const { pieces, unread } = recovered(ticket);
	assert.deepEqual(
		pieces.map(({ format }) => format),
		["go-debug2", "ss", "prometheus", "go-debug1"],
	);
	assert.equal(pieces[0]?.text, DUMP);
	assert.match(pieces[3]?.text ?? "", /^#\t0x47d8e9\tmain\.work\+0x9\t\/srv\/app\/main\.go:13$/mu);
	assert.equal(unread?.found, "Hi, orders hangs again:");
});

test("what is nothing we know is quoted, and prose about dumps is none", () => {
	for (const text of [
		"",
		"hello\n",
		"I saw goroutine 7 [select]: in the log, see main.run() at /srv/main.go:7\n",
		"<html>\n</html>\n",
		"{}\n",
	]) {
		const { pieces, unread } = recovered(text);
		assert.deepEqual(pieces, [], text);
		assert.equal(unread?.found, text.split("\n", 1)[0]?.slice(0, 60), text);
	}
});

test("as web pages, journals, consoles and exports have it", () => {
	const lines = DUMP.trimEnd().split("\n");
	const each = (change: (line: string, at: number) => string) => `${lines.map(change).join("\n")}\n`;
	const stamp = (at: number) => `2026-11-22T10:00:0${at}${at % 3 === 0 ? "" : ".12"}Z`;
	const cases: readonly string[] = [
		`<pre>${each((line) => `${line.replaceAll("<", "&lt;")}<br/>`)}</pre>\n`,
		`2026/11/22 10:00:00 http: panic serving 10.0.0.1:53422: index out of range\n${DUMP}next request\n`,
		each((line, at) => JSON.stringify({ __CURSOR: `s=1;i=${at}`, MESSAGE: line, _PID: "4711" })),
		each((line, at) => `${stamp(at)} ${line}`),
		`bob  10:32 AM\n${DUMP}\nalice  10:33 AM\nlooks like a leak :thinking_face:\n`,
		`Date,Host,Message\n"2026-11-22T10:00:00Z","h1","${DUMP}"\n`,
		each((line) => `+${line}`),
		`2026-11-22T10:00:00.000Z\tERROR\tx.go:12\trecovered\t{"error": "boom", "stack": ${JSON.stringify(DUMP)}}\n`,
	];
	for (const text of cases) {
		const { text: kept, losses } = only(text);
		assert.equal(kept, DUMP);
		assert.deepEqual(losses, []);
	}
});
