/**
 * Against dns-packet, for the types it knows right: what one writes the other reads. It writes SVCB and HTTPS as type
 * 0, knows no escapes in names, and is the reason why ours is written by hand.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import dnsPacket from "dns-packet";
import fc from "fast-check";
import { DNS_TYPE, type DnsData, type DnsRecord } from "./dns-message.ts";
import { decodeDnsMessage } from "./dns-message-decode.ts";
import { encodeDnsMessage } from "./dns-message-encode.ts";

const label = fc.constantFrom("www", "mail", "a", "b2", "MiXed", "_tcp", "x-y");
const host = fc
	.tuple(fc.array(label, { maxLength: 3 }), fc.constantFrom("example.com", "example.net", "test"))
	.map(([labels, end]) => [...labels, end].join("."));
const u16 = fc.nat({ max: 0xffff });
const u31 = fc.nat({ max: 0x7fff_ffff });
const octets = fc.uint8Array({ maxLength: 255 });

interface Pair {
	readonly theirs: Record<string, unknown>;
	readonly type: number;
	readonly data: DnsData;
}

const ipv4 = fc.array(fc.nat({ max: 255 }), { minLength: 4, maxLength: 4 }).map((four) => four.join("."));
const pairs: fc.Arbitrary<Pair> = fc.oneof(
	ipv4.map((address) => ({
		theirs: { type: "A", data: address },
		type: DNS_TYPE.A,
		data: { kind: "address" as const, address },
	})),
	fc.constantFrom("2001:db8::1", "fe80::1:0:0:2", "::", "::1", "1:2:3:4:5:6:7:8").map((address) => ({
		theirs: { type: "AAAA", data: address },
		type: DNS_TYPE.AAAA,
		data: { kind: "address" as const, address },
	})),
	fc.tuple(fc.constantFrom("NS", "CNAME", "PTR", "DNAME"), host).map(([type, name]) => ({
		theirs: { type, data: name },
		type: DNS_TYPE[type as "NS"],
		data: { kind: "name" as const, name: `${name}.` },
	})),
	fc.tuple(host, host, fc.array(u31, { minLength: 5, maxLength: 5 })).map(([mname, rname, numbers]) => {
		const [serial = 0, refresh = 0, retry = 0, expire = 0, minimum = 0] = numbers;
		return {
			theirs: { type: "SOA", data: { mname, rname, serial, refresh, retry, expire, minimum } },
			type: DNS_TYPE.SOA,
			data: {
				kind: "soa" as const,
				primary: `${mname}.`,
				mailbox: `${rname}.`,
				...{ serial, refresh, retry, expire, minimum },
			},
		};
	}),
	fc.tuple(u16, host).map(([preference, exchange]) => ({
		theirs: { type: "MX", data: { preference, exchange } },
		type: DNS_TYPE.MX,
		data: { kind: "mx" as const, preference, exchange: `${exchange}.` },
	})),
	fc.tuple(u16, u16, u16, host).map(([priority, weight, port, target]) => ({
		theirs: { type: "SRV", data: { priority, weight, port, target } },
		type: DNS_TYPE.SRV,
		data: { kind: "srv" as const, priority, weight, port, target: `${target}.` },
	})),
	fc.array(octets, { minLength: 1, maxLength: 3 }).map((strings) => ({
		theirs: { type: "TXT", data: strings.map((string) => Buffer.from(string)) },
		type: DNS_TYPE.TXT,
		data: { kind: "text" as const, strings },
	})),
	fc.tuple(fc.constantFrom(0, 128), fc.constantFrom("issue", "iodef"), host).map(([flags, tag, value]) => ({
		theirs: { type: "CAA", data: { flags, tag, value } },
		type: DNS_TYPE.CAA,
		data: { kind: "caa" as const, flags, tag, value: new TextEncoder().encode(value) },
	})),
);

const records = fc.array(fc.tuple(host, u31, pairs), { maxLength: 5 });

test("what dns-packet writes is read as it was meant", () => {
	fc.assert(
		fc.property(u16, host, records, (id, name, list) => {
			const bytes = dnsPacket.encode({
				type: "response",
				id,
				flags: dnsPacket.RECURSION_DESIRED | dnsPacket.AUTHENTIC_DATA,
				questions: [{ name, type: "A", class: "IN" }],
				answers: list.map(([name, ttl, { theirs }]) => ({ name, ttl, class: "IN", ...theirs })) as never,
			});
			const found = decodeDnsMessage(new Uint8Array(bytes));
			assert.ok(found.kind === "decoded");
			const { message } = found;
			assert.ok(message.isResponse && message.recursionDesired && message.authenticData);
			assert.deepEqual(message.questions, [{ name: `${name}.`, type: 1, class: 1 }]);
			assert.deepEqual(message.answers, list.map(ourRecord));
		}),
		{ numRuns: 400 },
	);
});

test("what is written is read by dns-packet as it was meant", () => {
	fc.assert(
		fc.property(u16, host, records, (id, name, list) => {
			const bytes = encodeDnsMessage({
				id,
				isResponse: true,
				opcode: 0,
				isAuthoritative: true,
				isTruncated: false,
				recursionDesired: false,
				recursionAvailable: true,
				authenticData: false,
				checkingDisabled: false,
				rcode: 3,
				questions: [{ name: `${name}.`, type: 28, class: 1 }],
				answers: list.map(ourRecord),
				authorities: [],
				additionals: [],
				edns: {
					udpSizeMax: 1232,
					version: 0,
					dnssecOk: true,
					options: [
						{
							kind: "client-subnet",
							subnet: { family: "ipv4", sourcePrefix: 24, scopePrefix: 20, address: "192.0.2.0" },
						},
					],
				},
			});
			const theirs = dnsPacket.decode(Buffer.from(bytes));
			assert.equal(theirs.id, id);
			assert.equal((theirs as { rcode?: string }).rcode, "NXDOMAIN");
			assert.ok(theirs.flag_aa && theirs.flag_ra && theirs.flag_qr && !theirs.flag_rd);
			assert.deepEqual(theirs.questions, [{ name, type: "AAAA", class: "IN" }]);
			for (const [i, [name, ttl, { theirs: expected }]] of list.entries()) {
				const answer = theirs.answers?.[i] as unknown as Record<string, unknown>;
				assert.equal(answer.name, name);
				assert.equal(answer.ttl, ttl);
				assert.equal(answer.type, expected.type);
				assert.deepEqual(plain(answer.data), plain(expected.data));
			}
			const opt = theirs.additionals?.[0] as unknown as Record<string, unknown>;
			assert.equal(opt.type, "OPT");
			assert.equal(opt.udpPayloadSize, 1232);
			const [subnet] = opt.options as {
				ip?: string;
				sourcePrefixLength?: number;
				scopePrefixLength?: number;
			}[];
			assert.equal(subnet?.ip, "192.0.2.0");
			assert.deepEqual([subnet?.sourcePrefixLength, subnet?.scopePrefixLength], [24, 20]);
		}),
		{ numRuns: 400 },
	);
});

function ourRecord([name, ttl, { type, data }]: readonly [string, number, Pair]): DnsRecord {
	return { name: `${name}.`, type, class: 1, ttl, data };
}

/** dns-packet adds fields on reading (`issuerCritical`), and gives octets as Buffers: what was put in is compared. */
function plain(data: unknown): unknown {
	if (Array.isArray(data)) return data.map((item: Uint8Array) => Array.from(item));
	if (typeof data !== "object" || data === null) return data;
	return Object.fromEntries(Object.entries(data).filter(([key]) => key !== "issuerCritical"));
}
