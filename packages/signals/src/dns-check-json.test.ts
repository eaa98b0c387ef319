import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { DnsCheck } from "./dns-check.ts";
import { decodeDnsCheck, encodeDnsCheck } from "./dns-check-json.ts";
import { judgeDnsCheck } from "./dns-check-verdicts.ts";
import { DNS_RCODE, DNS_TYPE } from "./dns-message.ts";
import type { DnsTold } from "./dns-verdict-answer.ts";
import { ASKED_NAME, SILENT, said } from "./testing/dns-answers.ts";

const answer = (server: number, told: DnsTold) => ({ server, atMs: 2, tookMs: 11.5, told });
const madeUp = (name: string) =>
	({
		name,
		type: DNS_TYPE.A,
		purpose: "made-up",
		answers: [
			answer(0, said({ name, values: ["45.77.12.9"] })),
			answer(1, said({ name, rcode: DNS_RCODE.NXDOMAIN })),
		],
	}) as const;

const CHECK: DnsCheck = {
	servers: [
		{
			...{ label: "udp 10.0.0.2:53", address: "10.0.0.2", trusted: false, authenticated: false },
			stranger: true,
		},
		{ label: "dot 9.9.9.9:853 (dns.test)", address: "9.9.9.9", trusted: true, authenticated: true },
		{ label: "dot 1.1.1.1:853 (one.test)", address: "1.1.1.1", trusted: true, authenticated: true },
	],
	questions: [
		{
			name: ASKED_NAME,
			type: DNS_TYPE.A,
			purpose: "asked",
			answers: [
				answer(0, said({ chain: ["n1.tracker.test."] })),
				answer(1, said({ values: ["93.184.216.34"] })),
				answer(2, said({ values: ["93.184.216.34"] })),
			],
		},
		{
			name: ASKED_NAME,
			type: DNS_TYPE.AAAA,
			purpose: "asked",
			answers: [answer(0, SILENT), answer(1, said({})), answer(2, SILENT)],
		},
		madeUp("a1.invalid."),
		madeUp("b2.invalid."),
	],
	handshakes: [{ name: ASKED_NAME, address: "93.184.216.34", result: "valid", detail: "shop" }],
	clientSubnet: "192.0.2.0/24",
};

const kinds = (check: DnsCheck) => {
	const { names, servers } = judgeDnsCheck(check);
	return [...names.map(({ verdict }) => verdict?.kind), ...servers.map(({ verdict }) => verdict.kind)];
};
/** What a reading of the written form adds. */
const withoutOffsets = (check: DnsCheck): unknown =>
	JSON.parse(JSON.stringify(check, (key, value) => (key === "offset" ? undefined : value)));

test("a real check of the incident: the liar of the lab, beside unbound over TLS", () => {
	const bytes = readFileSync(join(import.meta.dirname, "..", "fixtures", "dns-check", "incident.json"));
	const decoded = decodeDnsCheck(bytes);
	assert.ok(decoded.kind === "decoded");
	assert.deepEqual(decoded.flaws, []);
	assert.equal(new TextDecoder().decode(encodeDnsCheck(decoded.value)), bytes.toString("utf8"));
	const [row] = judgeDnsCheck(decoded.value).names;
	assert.equal(row?.verdict?.kind, "hijacked");
	assert.match(
		row?.verdict?.reasons[0]?.says ?? "",
		/^www\.shop\.test\. is an alias of n\d+\.tracker\.example\./,
	);
});

test("a check comes back as it was, with where each answer stands", () => {
	const bytes = encodeDnsCheck(CHECK);
	const decoded = decodeDnsCheck(bytes);
	assert.ok(decoded.kind === "decoded");
	assert.deepEqual(decoded.flaws, []);
	assert.deepEqual(withoutOffsets(decoded.value), withoutOffsets(CHECK));
	const offset = decoded.value.questions[0]?.answers[0]?.offset ?? -1;
	const line = new TextDecoder().decode(bytes.subarray(offset)).split("\n")[0] ?? "";
	assert.match(
		line,
		/^\{"question":0,"server":0,.*"says":\["www\.shop\.example\. 300 IN CNAME n1\.tracker\.test\."\]/,
	);
	assert.deepEqual(kinds(decoded.value), kinds(CHECK));
});

test("each row has its verdict; trusted ones are not judged", () => {
	assert.deepEqual(kinds(CHECK), [
		"hijacked",
		undefined,
		undefined,
		"broken",
		undefined,
		undefined,
		"hijacked",
	]);
});

test("cut anywhere it is a part of it, or nothing of ours; never an accusation more", () => {
	const bytes = encodeDnsCheck(CHECK);
	for (let length = 0; length < bytes.length - 3; length += 7) {
		const decoded = decodeDnsCheck(bytes.subarray(0, length));
		if (decoded.kind === "foreign") continue;
		assert.equal(decoded.flaws.at(-1)?.kind, "truncated");
		const { names } = judgeDnsCheck(decoded.value);
		const forged = names.filter(({ verdict }) => verdict?.kind === "hijacked");
		// A trusted answer that is cut off leaves the other one as the quorum.
		assert.ok(forged.every(({ question }) => question.type === DNS_TYPE.A));
	}
});

const BROKEN: Readonly<Record<string, readonly [string, string]>> = {
	"a server that is none": ['"question":0,"server":0', '"question":0,"server":9'],
	"a question that is none": ['"question":0,"server":0', '"question":-1,"server":0'],
	"a message that is none": ['"wire":"00', '"wire":"zz'],
	"a message that is cut": ['"wire":"0007', '"wire":"07'],
	"a time before the check": ['"atMs":2', '"atMs":-2'],
};

for (const [name, [from, to]] of Object.entries(BROKEN)) {
	test(`left out with a flaw: ${name}`, () => {
		const text = new TextDecoder().decode(encodeDnsCheck(CHECK));
		assert.ok(text.includes(from));
		const decoded = decodeDnsCheck(new TextEncoder().encode(text.replace(from, to)));
		assert.ok(decoded.kind === "decoded");
		assert.equal(decoded.flaws.length, 1);
		assert.equal(decoded.flaws[0]?.kind, "malformed");
	});
}

test("rows nested deeper than anything can be written are left out with a flaw", () => {
	const deep = (open: string, close: string) => `${open.repeat(200_000)}1${close.repeat(200_000)}`;
	for (const row of [deep("[", "]"), deep('{"a":', "}"), `{"question":0,"wire":${deep("[", "]")}}`]) {
		const text = `{"schema":"plumbline.dns-check/1","servers":[],"questions":[],"handshakes":[],"answers":[\n${row}\n]}\n`;
		const decoded = decodeDnsCheck(new TextEncoder().encode(text));
		assert.ok(decoded.kind === "decoded");
		assert.deepEqual(
			decoded.flaws.map(({ kind }) => kind),
			["malformed"],
		);
	}
});

test("what is not ours is told so", () => {
	const wrong = ["", "{}", "[]", '{"schema":"plumbline.dns-check/1","answers":[]}', '{"schema":"x"}'];
	for (const text of wrong) assert.equal(decodeDnsCheck(new TextEncoder().encode(text)).kind, "foreign");
});
