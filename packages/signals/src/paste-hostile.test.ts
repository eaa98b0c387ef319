/** Texts named by what they try: to take for ever, to take all memory, to be read as what they are not. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { PIECES_MAX } from "./paste-piece.ts";
import { recoverPaste } from "./paste-recover.ts";
import { goroutineText } from "./testing/goroutine-text.ts";

const recover = (text: string) => recoverPaste(new TextEncoder().encode(text));
const MIB = 1 << 20;

/** Piece by piece, bytes are never more than came in. */
function bounded(text: string): readonly string[] {
	const { pieces } = recover(text);
	const bytes = pieces.reduce((sum, piece) => sum + piece.bytes.length, 0);
	assert.ok(bytes <= text.length * 2 + 1000, `${bytes} bytes of ${text.length}`);
	return pieces.map(({ format }) => format);
}

test("one line of ten million characters", () => {
	assert.deepEqual(bounded("x".repeat(10 * MIB)), []);
	assert.deepEqual(
		bounded(`${goroutineText(7).replaceAll("\t", " ")}${"y".repeat(10 * MIB)}\n${goroutineText(8)}`),
		["go-debug2"],
	);
});

test("a million fences", () => {
	assert.deepEqual(bounded("```\n".repeat(1_000_000)), []);
	assert.deepEqual(bounded(`${"```\n".repeat(100_000)}${goroutineText(7)}`), ["go-debug2"]);
});

test("quoted a thousand times", () => {
	const quoted = goroutineText(7).trim().replace(/^/gmu, "> ".repeat(1000));
	const { pieces } = recover(`${quoted}\n`);
	assert.equal(new TextDecoder().decode(pieces[0]?.bytes), goroutineText(7));
});

test("escapes in escapes in escapes", () => {
	let text = goroutineText(7);
	for (let depth = 0; depth < 18; depth++) text = JSON.stringify({ msg: text });
	assert.deepEqual(bounded(text), []);
	assert.deepEqual(bounded("\\".repeat(MIB)), []);
	assert.deepEqual(bounded("\\n".repeat(MIB)), []);
	assert.deepEqual(bounded(`${'{"a":'.repeat(200_000)}1${"}".repeat(200_000)}`), []);
});

test("parts of lines without end: frames, records, rows", () => {
	const goroutine = goroutineText(7).trimEnd();
	for (const part of [
		"/usr/lo\n",
		"main.f(0x1)\n",
		"\t/a/b.go:1 +0x1\n",
		"created by x\n",
		"goroutine 1 [\n",
	]) {
		assert.deepEqual(bounded(`${goroutine}\n${part.repeat(30_000)}`), ["go-debug2"]);
	}
	assert.deepEqual(bounded(`goroutine profile: total 7\n7 @ 0x1\n${"0x1 0x2\n".repeat(100_000)}`), [
		"go-debug1",
	]);
	const row = "ESTAB 0 0 10.0.0.1:5 10.0.0.2:6\n";
	assert.ok(bounded(row + "127.0.0.1:5 x\n".repeat(20_000)).includes("ss"));
});

test("dumps and pages without end: so many are read, and it says so", () => {
	const { pieces } = recover("# TYPE a gauge\na 1\n".repeat(PIECES_MAX * 2));
	assert.ok(pieces.length <= PIECES_MAX);
	const dumps = recover(` ${goroutineText(7)}`.repeat(PIECES_MAX * 2));
	assert.ok(dumps.pieces.length <= PIECES_MAX);
});

test("any bytes: never a throw", () => {
	fc.assert(
		fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
			recoverPaste(bytes);
		}),
		{ numRuns: 2000 },
	);
});

test("words of all the grammars in any order: never a throw, nothing longer than it was", () => {
	const word = fc.constantFrom(
		...'goroutine 7 [select]:|main.f(0x1)|\t/srv/a.go:1 +0x1|created by main.g in goroutine 1|\n|\r|\\n|\\t|#011|#012|> || |{"log":"|"}|`|```|\u001b[1m|&lt;|goroutine profile: total 7|7 @ 0x1|# TYPE a gauge|go_goroutines 7|ESTAB 0 0 1.2.3.4:5 1.2.3.4:6|State Recv-Q Send-Q Local Address:Port|tcp 0 0 1.2.3.4:5 1.2.3.4:6 LISTEN|pid , state|(1 row)|{"format":"plumbline.postgres-sessions/1",|]}|Nov 22 10:00:00 host app[7]: |2026-11-22T10:00:00Z stdout P |\ufeff|...|panic: x'.split(
			"|",
		),
	);
	fc.assert(
		fc.property(fc.array(word, { maxLength: 40 }), (words) => {
			bounded(words.join(""));
		}),
		{ numRuns: 3000 },
	);
});

test("a long log is given up after both its ends, unless one of them holds something", () => {
	const log = "Nov 22 10:00:00 host app[1]: request done in 5 ms path=/x status=200\n".repeat(500_000);
	assert.match(recover(log).unread?.found ?? "", /nothing known in its first and last 16 MiB$/);
	assert.deepEqual(
		recover(`${log}${goroutineText(7)}`).pieces.map(({ format }) => format),
		["go-debug2"],
	);
});
