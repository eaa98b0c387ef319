import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { DNS_RCODE, DNS_TYPE } from "./dns-message.ts";
import { type DnsComparison, judgeDnsAnswer } from "./dns-verdict.ts";
import type { DnsTold } from "./dns-verdict-answer.ts";
import { judgeDnsServer } from "./dns-verdict-server.ts";
import { ASKED_NAME, SILENT, said } from "./testing/dns-answers.ts";

const NXDOMAIN = DNS_RCODE.NXDOMAIN;
const asked = { name: ASKED_NAME, type: DNS_TYPE.A };
const asked6 = { name: ASKED_NAME, type: DNS_TYPE.AAAA };
const TRUE = said({ values: ["93.184.216.34"] });
const TRUE_CDN = said({ chain: ["shop.cdn.example."], values: ["93.184.216.34"] });
const FORGED = "45.77.12.9";
const tls = (address: string, result: "valid" | "other-name" | "untrusted" | "none", detail = "") => ({
	name: ASKED_NAME,
	address,
	result,
	detail,
});
const madeUp = (label: string, address: string) => ({
	asked: { name: `${label}.invalid.`, type: DNS_TYPE.A },
	suspect: said({ name: `${label}.invalid.`, values: [address] }),
	trusted: [said({ name: `${label}.invalid.`, rcode: NXDOMAIN })],
});
/** Another name with this address, which trusted servers know somewhere else. */
const elsewhere = (name: string, address: string, truth = "151.101.1.140") => ({
	asked: { name, type: DNS_TYPE.A },
	suspect: said({ name, values: [address] }),
	trusted: [said({ name, values: [truth] })],
});

type Case = Partial<DnsComparison> & { readonly suspect: DnsTold; readonly reason: string };

/** Of each, `cdn-variance`, `agrees`, `broken` or `cannot-tell`: never an accusation. */
const INNOCENT: Readonly<Record<string, Case>> = {
	"the same address": { suspect: TRUE, reason: "same-values" },
	"round robin: some of them": {
		suspect: said({ values: ["93.184.216.34"] }),
		trusted: [said({ values: ["93.184.216.34", "93.184.216.35"] })],
		reason: "some-of-theirs",
	},
	"round robin over a larger set": {
		suspect: said({ values: ["93.184.216.34", "8.8.8.8"] }),
		reason: "shared-value",
	},
	"anycast and geography: other addresses of the same alias": {
		suspect: said({ chain: ["shop.cdn.example."], values: ["8.8.8.8"] }),
		trusted: [TRUE_CDN, TRUE_CDN],
		reason: "same-alias",
	},
	"another edge of the same network": {
		suspect: said({ chain: ["e7.edge.akamai.example."], values: ["8.8.8.8"] }),
		trusted: [said({ chain: ["e1.edge.akamai.example."], values: ["9.9.9.9"] })],
		reason: "same-alias-zone",
	},
	"another host of the same network": {
		suspect: said({ values: ["93.184.7.1"] }),
		reason: "same-network",
	},
	"another content network, with a certificate": {
		suspect: said({ chain: ["x.othercdn.test."], values: [FORGED] }),
		trusted: [TRUE_CDN],
		handshakes: [tls(FORGED, "valid"), tls("93.184.216.34", "valid")],
		reason: "certificate-valid",
	},
	"another content network, unproven": {
		suspect: said({ chain: ["x.othercdn.test."], values: [FORGED] }),
		trusted: [TRUE_CDN, TRUE_CDN],
		reason: "other-values",
	},
	"another content network, and port 443 behind a firewall": {
		suspect: said({ chain: ["x.othercdn.test."], values: [FORGED] }),
		trusted: [TRUE_CDN],
		handshakes: [tls(FORGED, "none"), tls("93.184.216.34", "valid")],
		reason: "other-values",
	},
	"another content network that lacks IPv6": {
		asked: asked6,
		suspect: said({ chain: ["x.othercdn.test."] }),
		trusted: [said({ values: ["2a00::1"] }), said({ values: ["2a00::1"] })],
		reason: "alias-without-end",
	},
	"a trusted server that leaves aliases out": {
		suspect: said({ chain: ["shop.cdn.example."], values: [FORGED] }),
		reason: "other-values",
	},
	"split horizon: a private address inside": {
		suspect: said({ values: ["10.0.0.7"] }),
		trusted: [TRUE, TRUE],
		reason: "other-values",
	},
	"split horizon: an alias to the inside": {
		suspect: said({ chain: ["web.corp.internal."], values: ["10.0.0.7"] }),
		trusted: [TRUE, TRUE],
		reason: "other-values",
	},
	"split horizon: an alias of the inside, of another zone": {
		suspect: said({ chain: ["lb-1.cloud.test."], values: ["172.16.3.1"] }),
		trusted: [TRUE, TRUE],
		reason: "other-values",
	},
	"split horizon: private everywhere": {
		suspect: said({ values: ["10.0.0.8"] }),
		trusted: [said({ values: ["10.1.0.7"] })],
		reason: "other-values",
	},
	"split horizon: only the inside knows it": {
		suspect: said({ values: ["10.0.0.7"] }),
		trusted: [said({ rcode: NXDOMAIN }), said({ rcode: NXDOMAIN })],
		reason: "only-here",
	},
	"split horizon: the inside does not know it": {
		suspect: said({ rcode: NXDOMAIN, deniedBy: "shop.example." }),
		reason: "denied-here",
	},
	"an old denial without its SOA": { suspect: said({ rcode: NXDOMAIN }), reason: "denied-here" },
	"a proxy of the inside for all domains of a company": {
		suspect: said({ values: ["10.0.0.7"] }),
		controls: ["shop.de.", "shop.fr.", "shop.it.", "shop.es."].map((name) => elsewhere(name, "10.0.0.7")),
		reason: "other-values",
	},
	"the origin for three domains of a company, which the world knows behind a content network": {
		suspect: said({ values: [FORGED] }),
		controls: ["shop.de.", "shop.fr."].map((name) => elsewhere(name, FORGED)),
		reason: "other-values",
	},
	"a content network's address for many customers, elsewhere for all of them": {
		suspect: said({ values: ["13.224.7.9"] }),
		trusted: [said({ values: ["18.64.1.1"] })],
		controls: ["a.de.", "b.fr.", "c.it.", "d.es."].map((name) => {
			return { ...elsewhere(name, "13.224.7.9", "18.64.3.3"), foreign: true };
		}),
		reason: "other-values",
	},
	"another edge of a network that many customers share": {
		suspect: said({ values: ["93.184.99.1"] }),
		controls: [{ ...elsewhere("www.other.test.", "93.184.99.1"), foreign: true }],
		reason: "same-network",
	},
	"a filter that the client asked for": {
		suspect: said({ rcode: NXDOMAIN, extendedError: 17 }),
		reason: "denied-here",
	},
	"DNS64, the known prefix": {
		asked: asked6,
		suspect: said({ values: ["64:ff9b::5db8:d822"] }),
		trusted: [said({})],
		reason: "dns64",
	},
	"DNS64, a prefix of the network's own": {
		asked: asked6,
		suspect: said({ values: ["2a00:1:2:3:4:5:5db8:d822"] }),
		trusted: [said({})],
		ipv4: ["93.184.216.34"],
		reason: "dns64",
	},
	"IPv6 is left out": {
		asked: asked6,
		suspect: said({}),
		trusted: [said({ values: ["2a00::1"] })],
		reason: "empty-here",
	},
	"a short TTL, from a cache": {
		suspect: said({ values: ["93.184.216.34"], ttl: 1 }),
		reason: "same-values",
	},
	"a long TTL, but the same address": {
		suspect: said({ values: ["93.184.216.34"], ttl: 604_800 }),
		reason: "same-values",
	},
	"no such name": {
		suspect: said({ rcode: NXDOMAIN }),
		trusted: [said({ rcode: NXDOMAIN })],
		reason: "same-denial",
	},
	"a denial with the alias that leads to it": {
		suspect: said({ rcode: NXDOMAIN, chain: ["gone.cdn.example."] }),
		trusted: [said({ rcode: NXDOMAIN })],
		reason: "same-denial",
	},
	"it cannot answer": { suspect: said({ rcode: DNS_RCODE.SERVFAIL }), reason: "server-failure" },
	"it refuses, as the trusted one does": {
		suspect: said({ rcode: DNS_RCODE.REFUSED }),
		trusted: [said({ rcode: DNS_RCODE.SERVFAIL })],
		reason: "same-failure",
	},
	"it is silent": { suspect: SILENT, reason: "no-answer" },
	"all are silent": { suspect: SILENT, trusted: [SILENT, SILENT], reason: "no-answer" },
	"only half of the trusted ones answered": {
		suspect: said({ values: ["0.0.0.0"] }),
		trusted: [TRUE, SILENT],
		reason: "no-quorum",
	},
	"the trusted ones disagree": {
		suspect: said({ values: ["0.0.0.0"] }),
		trusted: [TRUE, said({ rcode: NXDOMAIN })],
		reason: "trusted-disagree",
	},
	"an interceptor on the way to everywhere": {
		suspect: said({ values: [FORGED] }),
		handshakes: [tls(FORGED, "other-name", "proxy.corp"), tls("93.184.216.34", "other-name", "proxy.corp")],
		reason: "other-values",
	},
	"an old address, where somebody else answers by now": {
		suspect: said({ values: [FORGED] }),
		handshakes: [tls(FORGED, "other-name", "next.test"), tls("93.184.216.34", "valid")],
		reason: "certificate-foreign",
	},
	"an answer that stops in the middle of the common chain": {
		suspect: said({ chain: ["shop.cdn.example."] }),
		trusted: [TRUE_CDN],
		reason: "alias-without-end",
	},
};

for (const [name, { reason, ...comparison }] of Object.entries(INNOCENT)) {
	test(`no accusation: ${name}`, () => {
		const verdict = judgeDnsAnswer({ asked, trusted: [TRUE], ...comparison });
		assert.notEqual(verdict.kind, "hijacked");
		assert.ok(
			verdict.reasons.some(({ id }) => id === reason),
			JSON.stringify(verdict),
		);
	});
}

const FORGERIES: Readonly<Record<string, Case>> = {
	"the incident: an alias into another zone, without end": {
		suspect: said({ chain: ["n1.tracker.test."] }),
		trusted: [TRUE_CDN],
		reason: "foreign-alias",
	},
	"an alias into another zone that comes back to itself": {
		asked: asked6,
		suspect: said({ chain: ["a.tracker.test.", "b.tracker.test.", "a.tracker.test."] }),
		trusted: [said({ values: ["2a00::1"] })],
		reason: "foreign-alias",
	},
	"an alias into another zone for a name without any": {
		suspect: said({ chain: ["a.tracker.test."], values: [FORGED] }),
		trusted: [TRUE, TRUE],
		reason: "foreign-alias",
	},
	"an address that nobody has": { suspect: said({ values: ["0.0.0.0"] }), reason: "nowhere-address" },
	"such an address at the end of the true alias": {
		suspect: said({ chain: ["shop.cdn.example."], values: ["127.0.0.1"] }),
		trusted: [TRUE_CDN],
		reason: "nowhere-address",
	},
	"one address for a name of somebody else": {
		suspect: said({ values: [FORGED] }),
		controls: [{ ...elsewhere("www.other.test.", FORGED), foreign: true }],
		reason: "one-address",
	},
	"one address for names of four owners": {
		suspect: said({ values: [FORGED] }),
		controls: ["a.de.", "b.fr.", "c.it."].map((name) => elsewhere(name, FORGED)),
		reason: "one-address",
	},
	"one address, private, for all names and those made up": {
		suspect: said({ values: ["10.9.9.9"] }),
		controls: [madeUp("kq3v9", "10.9.9.9")],
		reason: "one-address",
	},
	"the same at the end of the true alias": {
		suspect: said({ chain: ["shop.cdn.example."], values: [FORGED] }),
		trusted: [TRUE_CDN],
		controls: [madeUp("kq3v9", FORGED)],
		reason: "one-address",
	},
	"an address for what does not exist": {
		suspect: said({ values: [FORGED] }),
		trusted: [said({ rcode: NXDOMAIN })],
		controls: [madeUp("kq3v9", FORGED)],
		reason: "denial-rewritten",
	},
	"two hints: another zone, and a certificate of somebody else": {
		suspect: said({ chain: ["a.tracker.test."], values: [FORGED] }),
		trusted: [TRUE_CDN],
		handshakes: [tls(FORGED, "other-name", "ads.test"), tls("93.184.216.34", "valid")],
		reason: "certificate-foreign",
	},
	"a denial in the name of a list": {
		suspect: said({ rcode: NXDOMAIN, deniedBy: "rpz.filter.test." }),
		reason: "denial-from-elsewhere",
	},
	"a denial that says it blocks": {
		suspect: said({ rcode: NXDOMAIN, extendedError: 15 }),
		reason: "says-blocked",
	},
	"two hints: another zone, and a TTL of a week": {
		suspect: said({ chain: ["a.tracker.test."], values: [FORGED], ttl: 604_800 }),
		trusted: [TRUE_CDN],
		reason: "ttl-outlier",
	},
};

for (const [name, { reason, ...comparison }] of Object.entries(FORGERIES)) {
	test(`hijacked: ${name}`, () => {
		const verdict = judgeDnsAnswer({ asked, trusted: [TRUE], ...comparison });
		assert.equal(verdict.kind, "hijacked", JSON.stringify(verdict));
		assert.ok(
			verdict.reasons.some(({ id }) => id === reason),
			JSON.stringify(verdict),
		);
	});
}

test("a server that makes up names is told apart from one that does so once, and from a silent one", () => {
	const verdict = judgeDnsServer([madeUp("a1", FORGED), madeUp("b2", FORGED)]);
	assert.equal(verdict.kind, "hijacked");
	assert.match(verdict.reasons[0]?.says ?? "", /45\.77\.12\.9 for a1\.invalid\., b2\.invalid\.,/);
	assert.equal(judgeDnsServer([madeUp("a1", FORGED)]).kind, "cannot-tell");
	const denied = { ...madeUp("a1", FORGED), suspect: said({ name: "a1.invalid.", rcode: NXDOMAIN }) };
	assert.equal(judgeDnsServer([denied]).kind, "agrees");
	assert.equal(judgeDnsServer([{ ...denied, suspect: SILENT }]).kind, "cannot-tell");
});

const address = fc.ipV4();
const told = fc.oneof(
	fc.constant(SILENT),
	fc
		.record({
			rcode: fc.constantFrom(0, 0, 0, 2, 3, 5),
			chain: fc.uniqueArray(fc.constantFrom("a.cdn.test.", "b.cdn.test.", "x.tracker.test.", "in.corp."), {
				maxLength: 4,
			}),
			values: fc.array(address, { maxLength: 3 }),
			ttl: fc.nat({ max: 2 ** 31 - 1 }),
		})
		.map(({ values, rcode, ...rest }) => said({ rcode, ...rest, values: rcode === 0 ? values : [] })),
);

test("what a trusted server says too is never an accusation, and none is made without a quorum", () => {
	fc.assert(
		fc.property(told, fc.array(told, { maxLength: 3 }), fc.nat({ max: 3 }), (suspect, others, at) => {
			const trusted = others.toSpliced(at, 0, suspect);
			assert.notEqual(judgeDnsAnswer({ asked, suspect, trusted }).kind, "hijacked");
			const silent = others.map(() => SILENT);
			assert.notEqual(judgeDnsAnswer({ asked, suspect, trusted: silent }).kind, "hijacked");
		}),
		{ numRuns: 2_000 },
	);
});

test("a valid certificate for every other address clears it, and the order of trusted ones does not matter", () => {
	fc.assert(
		fc.property(told, fc.array(told, { minLength: 1, maxLength: 3 }), (suspect, trusted) => {
			const first = judgeDnsAnswer({ asked, suspect, trusted });
			assert.ok(first.reasons.length > 0);
			assert.equal(judgeDnsAnswer({ asked, suspect, trusted: trusted.toReversed() }).kind, first.kind);
			const own =
				suspect.kind === "answered"
					? suspect.message.answers.flatMap(({ data }) => (data.kind === "address" ? data.address : []))
					: [];
			if (own.length === 0) return;
			const handshakes = own.map((one) => tls(one, "valid"));
			const cleared = judgeDnsAnswer({ asked, suspect, trusted, handshakes });
			if (first.kind === "hijacked" && own.length > 0)
				assert.notEqual(cleared.kind, "hijacked", JSON.stringify(first));
		}),
		{ numRuns: 2_000 },
	);
});
