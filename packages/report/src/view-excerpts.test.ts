import assert from "node:assert/strict";
import { test } from "node:test";
import type { Evidence } from "@plumbline/diagnosis/finding";
import fc from "fast-check";
import { part } from "./testing/captures.ts";
import { excerptKey, excerptsOf } from "./view-excerpts.ts";

const DUMP = `goroutine 1 [running]:
main.main()
	/srv/main.go:7 +0x1d

goroutine 25 [chan receive]:
database/sql.(*Tx).awaitDone(0xc0000fa180)
	/usr/local/go/src/database/sql/sql.go:2212 +0x29

goroutine 26 [select]:
main.loop()
	/srv/main.go:9 +0x1d
`;
const AT = DUMP.indexOf("goroutine 25");
const PARTS = [part("dump.txt", "go-debug2", 0, 0, DUMP)];

function at(offset: number, name = "dump.txt"): Evidence {
	return { line: "runtime", says: "", quote: "", part: name, offset, atMs: 0 };
}

test("the quoted goroutine whole, with what stands around it", () => {
	const excerpt = excerptsOf([at(AT)], PARTS).get(excerptKey(at(AT)));
	assert.deepEqual(
		excerpt?.lines.map(({ text, quoted }) => `${quoted ? ">" : " "} ${text}`),
		[
			"  \t/srv/main.go:7 +0x1d",
			"  ",
			"> goroutine 25 [chan receive]:",
			"> database/sql.(*Tx).awaitDone(0xc0000fa180)",
			"> \t/usr/local/go/src/database/sql/sql.go:2212 +0x29",
			"  ",
			"  goroutine 26 [select]:",
		],
	);
	assert.equal(excerpt?.lines[2]?.offset, AT);
});

test("bytes that are no text are shown in hexadecimal", () => {
	const bytes = Uint8Array.of(1, 0, 0, 0, 0x41, 0xff);
	const table = { ...part("sockets.bin", "sock-diag", 0, 0, ""), bytes };
	const excerpt = excerptsOf([at(0, "sockets.bin")], [table]).get("0 sockets.bin");
	assert.equal(excerpt?.binary, true);
	assert.match(excerpt?.lines[0]?.text ?? "", /^01 00 00 00 41 ff +\.{4}A\.$/);
});

test("evidence of a part that is not there, or beyond its end, has none; the same place has one", () => {
	assert.equal(excerptsOf([at(0, "gone.txt"), at(DUMP.length + 9)], PARTS).size, 0);
	assert.equal(excerptsOf([at(AT), at(AT)], PARTS).size, 1);
});

test("any bytes at any offset give lines that stand there, and no more than some", () => {
	fc.assert(
		fc.property(fc.uint8Array({ maxLength: 20_000 }), fc.nat({ max: 21_000 }), (bytes, offset) => {
			const [excerpt] = excerptsOf(
				[at(offset)],
				[{ ...part("dump.txt", "go-debug2", 0, 0, ""), bytes }],
			).values();
			if (offset >= bytes.length) return assert.equal(excerpt, undefined);
			assert.ok(excerpt && excerpt.lines.length > 0 && excerpt.lines.length <= 44);
			assert.ok(excerpt.lines.some(({ quoted }) => quoted));
			for (const line of excerpt.lines) assert.ok(line.offset >= 0 && line.offset < bytes.length + 1);
		}),
	);
});

test("a line of a megabyte is cut", () => {
	const long = part("page.txt", "prometheus", 0, 0, `${"x".repeat(1 << 20)}\nend\n`);
	const [excerpt] = excerptsOf([at(0, "page.txt")], [long]).values();
	assert.ok((excerpt?.lines[0]?.text.length ?? 0) < 1_000);
});
