/** Hostile messages, each named by its flaw (RFC 9267 tells how such have broken others). */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type DnsFlaw, decodeDnsMessage } from "./dns-message-decode.ts";
import { walkRecords } from "./dns-wire.ts";

/** Octets by hex, and text between quotes: `03 'www' 00`. */
function octets(text: string): number[] {
	return text
		.trim()
		.split(/\s+/)
		.flatMap((word) =>
			word.startsWith("'")
				? Array.from(word.slice(1, -1), (character) => character.charCodeAt(0))
				: (word.match(/../g) ?? []).map((digits) => Number.parseInt(digits, 16)),
		);
}

/** Counts of the four sections, then what follows the header. */
function message(counts: readonly [number, number, number, number], ...rest: readonly string[]): Uint8Array {
	const head = counts.flatMap((count) => [count >> 8, count & 0xff]);
	return Uint8Array.from([0, 7, 0x81, 0x80, ...head, ...rest.flatMap(octets)]);
}

/** `example.com. A IN`, at 12; ends at 29. */
const QUESTION = "07 'example' 03 'com' 00 00010001";
const one = (record: string) => message([1, 1, 0, 0], QUESTION, record);
/** OPT with its RDATA. */
const opt = (length: string, rdata: string) =>
	message([1, 0, 0, 1], QUESTION, `00 0029 04d0 00000000 ${length} ${rdata}`);
const record = (type: string, length: string, rdata: string) =>
	one(`c00c ${type} 0001 0000003c ${length} ${rdata}`);

const HOSTILE: readonly (readonly [string, DnsFlaw, Uint8Array])[] = [
	["nothing", "short-header", new Uint8Array()],
	["eleven octets", "short-header", new Uint8Array(11)],
	["more than a length over TCP can tell", "oversized", new Uint8Array(65_536)],
	["65535 questions", "count-bomb", message([65_535, 0, 0, 0])],
	["65535 records in each section", "count-bomb", message([1, 65_535, 65_535, 65_535], QUESTION)],
	["a name that points to itself", "pointer-loop", message([1, 0, 0, 0], "c00c 00010001")],
	["a name that points to its own labels", "pointer-loop", message([1, 0, 0, 0], "03 'www' c00c 00010001")],
	["a name that points into its middle", "pointer-loop", message([1, 0, 0, 0], "03 'www' c00d 00010001")],
	[
		"two names that point to each other",
		"pointer-forward",
		message([2, 0, 0, 0], "c012 00010001 c00c 00010001"),
	],
	["a pointer to what comes after", "pointer-forward", message([1, 0, 0, 0], "c012 00010001 03 'com' 00")],
	["a pointer beyond the end", "pointer-forward", message([1, 0, 0, 0], "ffff 00010001")],
	["a pointer into the header", "pointer-into-header", message([1, 0, 0, 0], "c004 00010001")],
	["an extended label", "label-type", message([1, 0, 0, 0], "41 'x' 00 00010001")],
	["a label of type 0x80", "label-type", message([1, 0, 0, 0], "80 00 00010001")],
	[
		"a name of 256 octets",
		"name-too-long",
		message([1, 0, 0, 0], "3f".padEnd(128, "61").repeat(3), "3e".padEnd(126, "61"), "00 00010001"),
	],
	["A of three octets", "rdata-length", record("0001", "0003", "c00002")],
	["A of sixteen octets", "rdata-length", record("0001", "0010", "00".repeat(16))],
	["AAAA of four octets", "rdata-length", record("001c", "0004", "c0000201")],
	["CNAME with octets after its name", "rdata-length", record("0005", "0003", "c00c 00")],
	["MX of one octet", "rdata-overrun", record("000f", "0001", "00 00000000")],
	["CNAME whose name goes on beyond RDATA", "rdata-overrun", record("0005", "0003", "03 'www' 00")],
	["SOA without its numbers", "rdata-overrun", record("0006", "0004", "c00c c00c 00000000")],
	["TXT whose string goes on beyond RDATA", "rdata-overrun", record("0010", "0003", "09 'ab' 'abcdefgh'")],
	["TXT without a string", "rdata-length", record("0010", "0000", "")],
	["CNAME in a loop of its own RDATA", "pointer-loop", record("0005", "0002", "c029")],
	[
		"SVCB with keys out of order",
		"service-parameters",
		record("0040", "000b", "0001 00 0003 0000 0001 0000"),
	],
	["SVCB with a key twice", "service-parameters", record("0041", "000b", "0001 00 0003 0000 0003 0000")],
	[
		"SVCB whose value goes on beyond RDATA",
		"rdata-overrun",
		record("0041", "0007", "0001 00 0003 0002 20fb"),
	],
	["CAA without a tag", "caa-tag", record("0101", "0002", "00 00")],
	["CAA with a tag of other characters", "caa-tag", record("0101", "0004", "00 02 '<>'")],
	["a second OPT", "two-opt", message([1, 0, 0, 2], QUESTION, "00 0029 04d0 00000000 0000".repeat(2))],
	["OPT of a name", "opt-not-root", message([1, 0, 0, 1], QUESTION, "c00c 0029 04d0 00000000 0000")],
	["OPT among the answers", "opt-misplaced", one("00 0029 04d0 00000000 0000")],
	["OPT with three octets", "option-overrun", opt("0003", "000a00")],
	["an option that goes on beyond OPT", "option-overrun", opt("0004", "000a 0008")],
	["an extended error of one octet", "option-length", opt("0005", "000f 0001 00")],
	["a client subnet of three octets", "option-length", opt("0007", "0008 0003 000118")],
	["a client subnet with an octet too many", "option-length", opt("000c", "0008 0008 0001 18 00 c0000200")],
	["a client subnet with an octet too few", "option-length", opt("000a", "0008 0006 0001 18 00 c000")],
	["a client subnet of 33 bits of IPv4", "client-subnet", opt("000d", "0008 0009 0001 21 00 c000020000")],
	[
		"a client subnet with bits beyond its prefix",
		"client-subnet",
		opt("000b", "0008 0007 0001 17 00 c00003"),
	],
];

for (const [what, flaw, bytes] of HOSTILE) {
	test(`${what}: ${flaw}`, () => {
		const found = decodeDnsMessage(bytes);
		assert.ok(found.kind === "malformed", JSON.stringify(found));
		assert.equal(found.flaw, flaw);
		assert.ok(found.at >= 0 && found.at <= bytes.length && found.why !== "");
		walkRecords(bytes);
	});
}

test("a chain of pointers longer than a name has labels", () => {
	// Opaque RDATA that is a chain, each pointer to the one before; the next owner enters it at its end.
	const links = Array.from({ length: 200 }, (_, i) => 0xc000 + (i === 0 ? 12 : 39 + 2 * i));
	const chain = links.map((link) => link.toString(16)).join("");
	const start = `c00c ff00 0001 00000000 ${(400).toString(16).padStart(4, "0")} ${chain}`;
	const last = (0xc000 + 41 + 2 * 199).toString(16);
	const found = decodeDnsMessage(
		message([1, 2, 0, 0], QUESTION, start, `${last} 0001 0001 00000000 0004 c0000201`),
	);
	assert.ok(found.kind === "malformed" && found.flaw === "pointer-chain", JSON.stringify(found));
});

test("thousands of pointers to the longest name: a bomb, and cheap", () => {
	const longest = `${"3f".padEnd(128, "61").repeat(3)} ${"3d".padEnd(124, "61")} 00`;
	const count = 5_000;
	const records = "c00c ff00 0001 00000000 0000".repeat(count);
	const found = decodeDnsMessage(message([1, count, 0, 0], longest, "00010001", records));
	assert.ok(found.kind === "malformed" && found.flaw === "name-bomb", JSON.stringify(found).slice(0, 200));
});

test("thousands of names that are each a label and a pointer to the one before end at the length of a name", () => {
	const count = 400;
	const first = `c00c ff00 0001 00000000 0000`;
	let at = 29;
	const records = [first];
	for (let i = 1; i < count; i++) {
		records.push(`01 61 ${(0xc000 + at).toString(16)} ff00 0001 00000000 0000`);
		at += i === 1 ? 12 : 14;
	}
	const found = decodeDnsMessage(message([1, count, 0, 0], QUESTION, ...records));
	assert.ok(
		found.kind === "malformed" && found.flaw === "name-too-long",
		JSON.stringify(found).slice(0, 200),
	);
});

test("a TTL with the top bit set is 0 (RFC 2181 section 8)", () => {
	const found = decodeDnsMessage(one("c00c 0001 0001 80000001 0004 c0000201"));
	assert.ok(found.kind === "decoded");
	assert.equal(found.message.answers[0]?.ttl, 0);
});

test("octets after the last record are counted", () => {
	const found = decodeDnsMessage(message([1, 0, 0, 0], QUESTION, "deadbeef"));
	assert.ok(found.kind === "decoded");
	assert.equal(found.trailingBytes, 4);
});

test("what decoding gives does not lie in the octets it came from", () => {
	const bytes = record("0010", "0003", "02 'ab'");
	const found = decodeDnsMessage(bytes);
	bytes.fill(0);
	assert.ok(found.kind === "decoded");
	assert.deepEqual(found.message.answers[0]?.data, { kind: "text", strings: [Uint8Array.from([97, 98])] });
});

test("names in old types are written out, so that the octets mean the same elsewhere (RFC 3597)", () => {
	const found = decodeDnsMessage(record("0012", "0008", "0001 03 'afs' c00c"));
	assert.ok(found.kind === "decoded");
	assert.deepEqual(found.message.answers[0]?.data, {
		kind: "opaque",
		bytes: Uint8Array.from(octets("0001 03 'afs' 07 'example' 03 'com' 00")),
	});
});

test("an A record of another class is none of an address", () => {
	const found = decodeDnsMessage(one("c00c 0001 0003 0000003c 0003 010203"));
	assert.ok(found.kind === "decoded");
	assert.equal(found.message.answers[0]?.data.kind, "opaque");
});
