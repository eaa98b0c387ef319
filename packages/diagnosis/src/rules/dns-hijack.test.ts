/** dns-hijack, and what dns-slow takes from the same check. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { DnsCheck } from "@plumbline/signals/dns-check";
import { DNS_RCODE, DNS_TYPE } from "@plumbline/signals/dns-message";
import type { DnsTold } from "@plumbline/signals/dns-verdict-answer";
import { ASKED_NAME, SILENT, said } from "@plumbline/signals/testing/dns-answers";
import { diagnose } from "../diagnose.ts";
import { dbSocket } from "../testing/lines.ts";
import { type Service, signalsOf } from "../testing/service.ts";
import { alarms, found, gist } from "../testing/verdict.ts";

const TRUE = said({ values: ["93.184.216.34"] });
const FORGED = "45.77.12.9";

/** One server of the service and two trusted ones. */
function checked(suspect: DnsTold, trusted: DnsTold = TRUE, { invents = false, tookMs = 3 } = {}): DnsCheck {
	const answers = (own: DnsTold, others: DnsTold) =>
		[own, others, others].map((told, server) => ({ server, atMs: 1, tookMs, told, offset: 900 + server }));
	const madeUp = ["a1.invalid.", "b2.invalid."].map((name) => ({
		...{ name, type: DNS_TYPE.A, purpose: "made-up" as const },
		answers: answers(
			invents
				? said({ name, values: [FORGED] })
				: suspect.kind === "failed"
					? suspect
					: said({ rcode: DNS_RCODE.NXDOMAIN }),
			said({ rcode: DNS_RCODE.NXDOMAIN }),
		),
	}));
	return {
		servers: ["udp 10.96.0.10:53", "dot 9.9.9.9:853", "dot 1.1.1.1:853"].map((label, at) => {
			return { label, address: label, trusted: at > 0, authenticated: at > 0 };
		}),
		questions: [
			{ name: ASKED_NAME, type: DNS_TYPE.A, purpose: "asked", answers: answers(suspect, trusted) },
			...madeUp,
		],
		handshakes: [],
	};
}

const incident = checked(said({ chain: ["n1.tracker.test."] }));
const service = (dnsCheck: DnsCheck, more: Partial<Service> = {}): Service => ({ dnsCheck, ...more });

test("the incident: the server and the alias are named, with the trusted answer beside it", () => {
	const finding = found(service(incident), "dns-hijack");
	assert.equal(finding?.title, `udp 10.96.0.10:53 gives forged answers for ${ASKED_NAME}`);
	assert.match(finding?.story ?? "", /alias of n1\.tracker\.test\./);
	assert.match(finding?.story ?? "", /2 trusted servers were asked the same/);
	assert.deepEqual(
		finding?.evidence.map(({ quote, offset }) => [quote, offset]),
		[
			[`${ASKED_NAME} CNAME n1.tracker.test.`, 900],
			[`${ASKED_NAME} 93.184.216.34`, 901],
		],
	);
	assert.equal(finding?.severity, "critical");
	assert.deepEqual(alarms(service(incident)), ["dns-hijack"]);
});

test("the check alone is one line: suspected; a connection to the forged address confirms it", () => {
	const forged = checked(said({ chain: ["a.tracker.test."], values: [FORGED] }));
	assert.equal(gist(service(forged), "dns-hijack")?.level, "suspected");
	const elsewhere = [dbSocket(40_001, 100, { peerIp: "93.184.216.34", peerPort: 443 })];
	assert.equal(gist(service(forged, { sockets: [elsewhere, elsewhere] }), "dns-hijack")?.level, "suspected");
	const there = [dbSocket(40_001, 100, { peerIp: FORGED, peerPort: 443 })];
	const confirmed = found(service(forged, { sockets: [there, there] }), "dns-hijack");
	assert.equal(confirmed?.level, "confirmed");
	assert.match(confirmed?.evidence.at(-1)?.quote ?? "", / -> 45\.77\.12\.9:443 /);
});

test("lookups that hang while the server leads in circles confirm it", () => {
	const frame = (func: string) => ({ func, file: "net.go", line: 1 });
	const record = {
		count: 9,
		frames: [frame("net.dnsPacketRoundTrip"), frame("main.call")],
		labels: {},
		offset: 7,
	};
	const profiles = Array.from({ length: 10 }, () => ({ total: 20, records: [record] }));
	const confirmed = found(service(incident, { profiles }), "dns-hijack");
	assert.equal(confirmed?.level, "confirmed");
	assert.match(confirmed?.evidence.at(-1)?.says ?? "", /in 10 of 10 samples/);
});

test("addresses for names that nobody has are a warning of their own", () => {
	const finding = found(service(checked(TRUE, TRUE, { invents: true })), "dns-hijack");
	assert.equal(finding?.severity, "warning");
	assert.match(finding?.title ?? "", /makes up addresses for names that nobody has/);
	assert.match(finding?.story ?? "", /45\.77\.12\.9 for a1\.invalid\., b2\.invalid\./);
});

test("honest, different, denied: silence", () => {
	for (const told of [TRUE, said({ values: ["10.0.0.7"] }), said({ rcode: DNS_RCODE.NXDOMAIN })]) {
		assert.deepEqual(alarms(service(checked(told))), []);
	}
	assert.deepEqual(alarms({}), []);
});

test("trusted servers that are silent leave it unexamined, never well", () => {
	const { gaps, findings } = diagnose(signalsOf(service(checked(said({ values: ["0.0.0.0"] }), SILENT))));
	assert.deepEqual(findings, []);
	const gap = gaps.find(({ what }) => what === "forged DNS answers");
	assert.equal(gap?.weight, "loss");
	assert.match(gap?.why ?? "", /0 of 2 trusted servers answered: timeout/);
});

test("dns-slow names the server that is silent or slow", () => {
	const silent = found(service(checked(SILENT)), "dns-slow");
	assert.match(silent?.title ?? "", /udp 10\.96\.0\.10:53 answered none of 3 questions/);
	assert.equal(silent?.level, "suspected");
	const slow = found(service(checked(TRUE, TRUE, { tookMs: 900 })), "dns-slow");
	assert.match(slow?.title ?? "", /udp 10\.96\.0\.10:53 took 0\.9 s/);
});
