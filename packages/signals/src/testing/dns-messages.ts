/** Random DNS messages of every kind of data, for fast-check. Names share their ends, so that they compress. */
import fc from "fast-check";
import { DNS_TYPE, type DnsData, type DnsMessage, type DnsOption, type DnsRecord } from "../dns-message.ts";
import { OCTET_TEXTS, wireFromDnsName } from "../dns-name.ts";

/** With a prototype, as objects of the decoder have one. */
function record<T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> {
	return fc.record<T>(model, { noNullPrototype: true });
}

const u8 = fc.integer({ min: 0, max: 0xff });
const u16 = fc.integer({ min: 0, max: 0xffff });
const u32 = fc.integer({ min: 0, max: 0xffff_ffff });
const octets = (maxLength: number) => fc.uint8Array({ maxLength });

const anyLabel = fc
	.uint8Array({ minLength: 1, maxLength: 63 })
	.map((label) => Array.from(label, (octet) => OCTET_TEXTS[octet]).join(""));
const plainLabel = fc.constantFrom("www", "mail", "a", "b", "WWW", "_dns", "xn--bcher-kva", "a\\.b");
const END = fc.constantFrom("", "example.com.", "Example.com.", "sub.example.com.", "example.net.", "test.");

/** Fully qualified, of any octets. */
export const dnsNames: fc.Arbitrary<string> = fc
	.tuple(fc.array(fc.oneof({ weight: 4, arbitrary: plainLabel }, anyLabel), { maxLength: 4 }), END)
	.map(([labels, end]) => labels.map((label) => `${label}.`).join("") + end || ".")
	.filter((name) => wireFromDnsName(name) !== undefined);

const ipv4 = fc.tuple(u8, u8, u8, u8).map((four) => four.join("."));
const ipv6 = fc
	.tuple(fc.array(fc.constantFrom(0, 0, 1, 0xffff, 0xdb8), { minLength: 8, maxLength: 8 }))
	.map(([groups]) => canonicalIpv6(groups));

/** By the host's own URL parser, which keeps to RFC 5952 but for IPv4-mapped addresses. */
function canonicalIpv6(groups: readonly number[]): string {
	const url = new URL(`http://[${groups.map((group) => group.toString(16)).join(":")}]/`);
	const text = url.hostname.slice(1, -1);
	const mapped = /^::ffff:([0-9a-f]+):([0-9a-f]+)$/.exec(text);
	if (mapped === null) return text;
	const [high, low] = [Number.parseInt(mapped[1] ?? "", 16), Number.parseInt(mapped[2] ?? "", 16)];
	return `::ffff:${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`;
}

const names = dnsNames.map((name) => ({ kind: "name", name }) as const);
const addresses = (of: fc.Arbitrary<string>) => of.map((address) => ({ kind: "address", address }) as const);
const service = fc
	.record({
		priority: u16,
		target: dnsNames,
		parameters: fc.uniqueArray(record({ key: u16, value: octets(40) }), {
			selector: ({ key }) => key,
			maxLength: 5,
		}),
	})
	.map(({ parameters, ...rest }) => ({
		kind: "service" as const,
		...rest,
		parameters: parameters.toSorted((a, b) => a.key - b.key),
	}));

const DATA: readonly (readonly [readonly number[], fc.Arbitrary<DnsData>])[] = [
	[[DNS_TYPE.A], addresses(ipv4)],
	[[DNS_TYPE.AAAA], addresses(ipv6)],
	[[DNS_TYPE.NS, DNS_TYPE.CNAME, DNS_TYPE.PTR, DNS_TYPE.DNAME], names],
	[
		[DNS_TYPE.SOA],
		record({
			kind: fc.constant("soa" as const),
			primary: dnsNames,
			mailbox: dnsNames,
			serial: u32,
			refresh: u32,
			retry: u32,
			expire: u32,
			minimum: u32,
		}),
	],
	[[DNS_TYPE.MX], record({ kind: fc.constant("mx" as const), preference: u16, exchange: dnsNames })],
	[
		[DNS_TYPE.SRV],
		record({ kind: fc.constant("srv" as const), priority: u16, weight: u16, port: u16, target: dnsNames }),
	],
	[
		[DNS_TYPE.TXT],
		record({
			kind: fc.constant("text" as const),
			strings: fc.array(octets(255), { minLength: 1, maxLength: 3 }),
		}),
	],
	[[DNS_TYPE.SVCB, DNS_TYPE.HTTPS], service],
	[
		[DNS_TYPE.CAA],
		record({
			kind: fc.constant("caa" as const),
			flags: u8,
			tag: fc.constantFrom("issue", "issuewild", "iodef", "Tag9"),
			value: octets(60),
		}),
	],
	[
		[DNS_TYPE.DS, DNS_TYPE.RRSIG, DNS_TYPE.TLSA, 99, 65280],
		record({ kind: fc.constant("opaque" as const), bytes: octets(80) }),
	],
];

const typedData = fc
	.constantFrom(...DATA)
	.chain(([types, data]) => record({ type: fc.constantFrom(...types), data }));

const dnsRecords: fc.Arbitrary<DnsRecord> = fc
	.tuple(dnsNames, typedData, fc.integer({ min: 0, max: 0x7fff_ffff }))
	.map(([name, { type, data }, ttl]) => ({ name, type, class: 1, ttl, data }));

const subnets = fc.oneof(
	fc
		.constantFrom([0, "0.0.0.0"], [24, "192.0.2.0"], [17, "10.128.128.0"], [32, "192.0.2.1"])
		.map(([sourcePrefix, address]) => ({
			family: "ipv4" as const,
			sourcePrefix: Number(sourcePrefix),
			scopePrefix: 24,
			address: String(address),
		})),
	fc
		.constantFrom([56, "2001:db8:1:100::"], [47, "2001:db8:fffe::"], [128, "2001:db8::1"])
		.map(([sourcePrefix, address]) => ({
			family: "ipv6" as const,
			sourcePrefix: Number(sourcePrefix),
			scopePrefix: 0,
			address: String(address),
		})),
);
const options: fc.Arbitrary<DnsOption> = fc.oneof(
	subnets.map((subnet) => ({ kind: "client-subnet" as const, subnet })),
	record({ kind: fc.constant("extended-error" as const), code: u16, text: fc.string({ maxLength: 30 }) }),
	record({ kind: fc.constant("padding" as const), length: fc.integer({ min: 0, max: 300 }) }),
	record({
		kind: fc.constant("unknown" as const),
		code: fc.constantFrom(3, 10, 65001),
		bytes: octets(24),
	}),
);

const sections = fc.array(dnsRecords, { maxLength: 6 });
const bare = record({
	id: u16,
	isResponse: fc.boolean(),
	opcode: fc.integer({ min: 0, max: 15 }),
	isAuthoritative: fc.boolean(),
	isTruncated: fc.boolean(),
	recursionDesired: fc.boolean(),
	recursionAvailable: fc.boolean(),
	authenticData: fc.boolean(),
	checkingDisabled: fc.boolean(),
	rcode: fc.integer({ min: 0, max: 15 }),
	questions: fc.array(record({ name: dnsNames, type: u16, class: u16 }), { maxLength: 2 }),
	answers: sections,
	authorities: sections,
	additionals: sections,
});
const edns = record({
	udpSizeMax: u16,
	version: u8,
	dnssecOk: fc.boolean(),
	options: fc.array(options, { maxLength: 3 }),
});

export const dnsMessages: fc.Arbitrary<DnsMessage> = fc.oneof(
	bare,
	fc
		.tuple(bare, edns, fc.integer({ min: 0, max: 0xfff }))
		.map(([message, edns, rcode]) => ({ ...message, edns, rcode })),
);
