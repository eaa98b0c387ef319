/** What an encoded message keeps when it must be short, how it is padded, and what a caller may not ask for. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { DNS_TYPE, type DnsMessage, type DnsRecord, type Edns } from "./dns-message.ts";
import { decodeDnsMessage } from "./dns-message-decode.ts";
import { encodeDnsMessage, PADDING_BLOCK } from "./dns-message-encode.ts";

const EDNS: Edns = { udpSizeMax: 1232, version: 0, dnssecOk: false, options: [] };

function message(parts: Partial<DnsMessage>): DnsMessage {
	return {
		id: 7,
		isResponse: true,
		opcode: 0,
		isAuthoritative: false,
		isTruncated: false,
		recursionDesired: true,
		recursionAvailable: true,
		authenticData: false,
		checkingDisabled: false,
		rcode: 0,
		questions: [{ name: "www.example.com.", type: DNS_TYPE.A, class: 1 }],
		answers: [],
		authorities: [],
		additionals: [],
		...parts,
	};
}

function addresses(name: string, count: number): DnsRecord[] {
	return Array.from({ length: count }, (_, i) => ({
		name,
		type: DNS_TYPE.A,
		class: 1,
		ttl: 60,
		data: { kind: "address", address: `192.0.2.${i}` },
	}));
}

function decoded(bytes: Uint8Array): DnsMessage {
	const found = decodeDnsMessage(bytes);
	assert.ok(found.kind === "decoded", JSON.stringify(found));
	return found.message;
}

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

test("an answer, octet by octet", () => {
	const answers: DnsRecord[] = [
		{ name: "www.example.com.", type: 5, class: 1, ttl: 60, data: { kind: "name", name: "a.example.com." } },
		{ name: "a.example.com.", type: 1, class: 1, ttl: 1, data: { kind: "address", address: "192.0.2.1" } },
	];
	assert.equal(
		hex(encodeDnsMessage(message({ answers, edns: EDNS }))),
		[
			"000781800001000200000001",
			"03777777076578616d706c6503636f6d0000010001",
			"c00c000500010000003c0004 0161c010",
			"c02d00010001000000010004 c0000201",
			"00002904d0000000000000",
		]
			.join("")
			.replaceAll(" ", ""),
	);
});

test("names in SRV, SVCB and DNAME are written out, and nothing points into them", () => {
	const srv = { kind: "srv", priority: 1, weight: 1, port: 1, target: "x.example.com." } as const;
	const answers: DnsRecord[] = [
		{ name: "www.example.com.", type: DNS_TYPE.SRV, class: 1, ttl: 1, data: srv },
		{
			name: "www.example.com.",
			type: DNS_TYPE.DNAME,
			class: 1,
			ttl: 1,
			data: { kind: "name", name: "x.example.com." },
		},
		{
			name: "x.example.com.",
			type: DNS_TYPE.HTTPS,
			class: 1,
			ttl: 1,
			data: { kind: "service", priority: 1, target: "x.example.com.", parameters: [] },
		},
	];
	const text = hex(encodeDnsMessage(message({ answers })));
	assert.equal(text.split("0178076578616d706c6503636f6d00").length - 1, 3);
	// The owner of the third is a label of its own and a pointer to the question.
	assert.ok(text.includes("0178c0100041"));
});

test("a set that does not fit is left out whole, and TC says so", () => {
	const answers = [...addresses("www.example.com.", 20), ...addresses("other.example.com.", 30)];
	const kept = decoded(encodeDnsMessage(message({ answers, edns: EDNS }), { sizeMax: 512 }));
	assert.deepEqual(kept.answers, answers.slice(0, 20));
	assert.ok(kept.isTruncated);
	assert.deepEqual(kept.edns, EDNS);
	const none = decoded(
		encodeDnsMessage(message({ answers: addresses("www.example.com.", 40) }), { sizeMax: 512 }),
	);
	assert.deepEqual(none.answers, []);
	assert.ok(none.isTruncated);
});

test("additional records alone are left out without TC (RFC 2181 section 9)", () => {
	const whole = message({
		answers: addresses("www.example.com.", 1),
		additionals: addresses("ns.example.com.", 40),
	});
	const kept = decoded(encodeDnsMessage(whole, { sizeMax: 512 }));
	assert.equal(kept.answers.length, 1);
	assert.deepEqual(kept.additionals, []);
	assert.equal(kept.isTruncated, false);
});

test("where answers are missing, nothing after them is there", () => {
	const whole = message({
		answers: addresses("www.example.com.", 40),
		authorities: addresses("a.", 1),
		additionals: addresses("b.", 1),
	});
	const kept = decoded(encodeDnsMessage(whole, { sizeMax: 512 }));
	assert.deepEqual([kept.answers, kept.authorities, kept.additionals], [[], [], []]);
});

test("more than the largest message is cut too", () => {
	const answers = Array.from({ length: 6_000 }, (_, i) => addresses(`h${i}.example.com.`, 1)).flat();
	const bytes = encodeDnsMessage(message({ answers }));
	assert.ok(bytes.length <= 65_535 && bytes.length > 65_000);
	assert.ok(decoded(bytes).isTruncated);
});

test("options that do not fit beside the question are left out, OPT stays", () => {
	const options = [{ kind: "unknown", code: 65_001, bytes: new Uint8Array(600) }] as const;
	const kept = decoded(encodeDnsMessage(message({ edns: { ...EDNS, options } }), { sizeMax: 512 }));
	assert.deepEqual(kept.edns, EDNS);
	assert.equal(kept.questions.length, 1);
});

test("padded to a multiple of the block, as far as the limit lets (RFC 8467)", () => {
	const query = message({ isResponse: false, edns: EDNS });
	assert.equal(encodeDnsMessage(query, { paddingBlock: PADDING_BLOCK.QUERY }).length, 128);
	for (let count = 0; count < 60; count++) {
		const answers = addresses("www.example.com.", count);
		const bytes = encodeDnsMessage(message({ answers, edns: EDNS }), {
			paddingBlock: PADDING_BLOCK.RESPONSE,
		});
		assert.equal(bytes.length % 468, 0);
		const { edns, ...rest } = decoded(bytes);
		assert.equal(edns?.options.at(-1)?.kind, "padding");
		assert.deepEqual(rest.answers, answers);
		const limited = encodeDnsMessage(message({ answers, edns: EDNS }), { paddingBlock: 468, sizeMax: 512 });
		assert.ok(limited.length === 468 || limited.length === 512);
	}
});

test("padding is not padded twice", () => {
	const padded = { ...EDNS, options: [{ kind: "padding", length: 300 }] } as const;
	const bytes = encodeDnsMessage(message({ edns: padded }), { paddingBlock: 128 });
	assert.equal(bytes.length, 128);
	assert.equal(decoded(bytes).edns?.options.length, 1);
});

test("bits of a client subnet beyond its prefix are not told", () => {
	const subnet = { family: "ipv4", sourcePrefix: 20, scopePrefix: 0, address: "192.0.255.255" } as const;
	const options = [{ kind: "client-subnet", subnet }] as const;
	const { edns } = decoded(encodeDnsMessage(message({ edns: { ...EDNS, options } })));
	assert.deepEqual(edns?.options, [{ kind: "client-subnet", subnet: { ...subnet, address: "192.0.240.0" } }]);
});

test("an RCODE of twelve bits is split between header and OPT", () => {
	assert.equal(decoded(encodeDnsMessage(message({ rcode: 16, edns: EDNS }))).rcode, 16);
	assert.throws(() => encodeDnsMessage(message({ rcode: 16 })), RangeError);
});

const record = (type: number, data: DnsRecord["data"], name = "www.example.com."): DnsRecord => ({
	...{ name, type, class: 1, ttl: 1, data },
});
const address = { kind: "address", address: "192.0.2.1" } as const;
const subnet = { family: "ipv6", sourcePrefix: 24, scopePrefix: 0, address: "192.0.2.0" } as const;
const MISTAKES: Readonly<Record<string, Partial<DnsMessage>>> = {
	"a name without its last dot": { answers: [record(1, address, "www.example.com")] },
	"an empty name": { answers: [record(1, address, "")] },
	"an empty label": { answers: [record(1, address, "www..example.com.")] },
	"a label of 64 octets": { answers: [record(1, address, `${"a".repeat(64)}.`)] },
	"a name of 256 octets": { answers: [record(1, address, `${`${"a".repeat(62)}.`.repeat(4)}bc.`)] },
	"a bad escape": { answers: [record(1, address, "a\\256.")] },
	"a letter beyond ASCII": { answers: [record(1, address, "b\u0171cher.")] },
	"IPv6 in A": { answers: [record(1, { kind: "address", address: "::1" })] },
	"no address": { answers: [record(28, { kind: "address", address: "localhost" })] },
	"TXT without a string": { answers: [record(16, { kind: "text", strings: [] })] },
	"a string of 256 octets": { answers: [record(16, { kind: "text", strings: [new Uint8Array(256)] })] },
	"OPT as a record": { additionals: [record(41, { kind: "opaque", bytes: new Uint8Array() })] },
	"an id of 17 bits": { id: 65_536 },
	"an opcode of 5 bits": { opcode: 16 },
	"a TTL below 0": { answers: [{ ...record(1, address), ttl: -1 }] },
	"a TTL that is no whole number": { answers: [{ ...record(1, address), ttl: 1.5 }] },
	"a subnet of the other family": {
		edns: { ...EDNS, options: [{ kind: "client-subnet", subnet }] },
	},
};

for (const [what, parts] of Object.entries(MISTAKES)) {
	test(`a mistake of the caller: ${what}`, () => {
		assert.throws(() => encodeDnsMessage(message(parts)), RangeError);
	});
}

test("mistakes in the limits", () => {
	assert.throws(() => encodeDnsMessage(message({}), { sizeMax: 511 }), RangeError);
	assert.throws(() => encodeDnsMessage(message({}), { paddingBlock: 128 }), RangeError);
});
