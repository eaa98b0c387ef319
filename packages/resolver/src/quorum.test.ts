import assert from "node:assert/strict";
import { after, before, describe, type TestContext, test } from "node:test";
import { type DnsLiar, startDnsLiar } from "@plumbline/lab/dns-liar";
import type { EncryptedDnsServer } from "@plumbline/lab/dns-servers";
import { type DnsAuthority, startDnsAuthority } from "@plumbline/lab/dns-servers-authority";
import { missingDnsProgram } from "@plumbline/lab/dns-servers-program";
import { startUnbound } from "@plumbline/lab/dns-servers-unbound";
import { ttlRules } from "@plumbline/policy/ttl-rules";
import { DNS_CLASS, DNS_TYPE } from "@plumbline/signals/dns-message";
import type { DnsHijackPolicy } from "@plumbline/signals/dns-verdict-policy";
import { type Compared, type QuorumOptions, withQuorum } from "./quorum.ts";
import { createResolver } from "./resolver.ts";
import { realTimers } from "./timers.ts";
import { openTransport } from "./transport.ts";
import type { Ask, Asked, UpstreamServer } from "./upstream.ts";
import { createUpstreams } from "./upstreams.ts";

const NAME = "www.shop.test.";
const OWNERS = [
	["other.example", "198.35.26.96"],
	["third.example", "151.101.1.140"],
	["fourth.example", "140.82.121.4"],
] as const;
const askOf = (name: string): Ask => ({ question: { name, type: DNS_TYPE.A, class: DNS_CLASS.IN } });
const addresses = (asked: Asked): string[] =>
	asked.kind === "failed"
		? []
		: asked.message.answers.flatMap(({ data }) => (data.kind === "address" ? data.address : []));

describe("a plain server is used, trusted ones are its witnesses", {
	skip: missingDnsProgram("knotd", "unbound"),
}, () => {
	let authority: DnsAuthority;
	let trusted: readonly EncryptedDnsServer[] = [];
	let liar: DnsLiar;

	before(async () => {
		authority = await startDnsAuthority([
			{ origin: "shop.test", records: "www 60 A 93.184.216.34" },
			...OWNERS.map(([origin, address]) => ({ origin, records: `www 60 A ${address}` })),
		]);
		trusted = await Promise.all([1, 2].map(() => startUnbound({ forwardTo: authority })));
		liar = await startDnsLiar({ to: { address: "127.0.0.1", port: trusted[0]?.ports.udp ?? 0 } });
	});
	after(async () => {
		await liar?.close();
		await Promise.all(trusted.map((server) => server.stop()));
		await authority?.stop();
	});

	const witnesses = () =>
		trusted.map(({ ports, tlsName, certificateAuthority }): UpstreamServer => {
			return { protocol: "dot", address: "127.0.0.1", port: ports.dot, tlsName, certificateAuthority };
		});
	/** With what it was told of comparisons. */
	function quorum(t: TestContext, policy: DnsHijackPolicy, options: Partial<QuorumOptions> = {}) {
		const compared: Compared[] = [];
		const upstreams = createUpstreams({
			servers: [{ protocol: "udp", address: liar.address, port: liar.port }],
			open: (server) => openTransport(server),
			timers: realTimers,
			now: () => performance.now(),
			random: () => 0.5,
		});
		const guarded = withQuorum({
			upstreams,
			trusted: witnesses().map((server) => openTransport(server)),
			policy,
			quorumMs: 5_000,
			onCompared: (one) => compared.push(one),
			now: () => performance.now(),
			random: () => 0.5,
			...options,
		});
		t.after(() => guarded.close());
		const ask = (name = NAME) => guarded.ask(askOf(name), AbortSignal.timeout(30_000));
		return { guarded, compared, ask };
	}

	test("an honest server's answer is its own, whatever the policy", async (t) => {
		liar.lie({ kind: "honest" });
		for (const policy of ["report", "prefer-quorum", "refuse"] as const) {
			const { ask, compared } = quorum(t, policy);
			const asked = await ask();
			assert.deepEqual(addresses(asked), ["93.184.216.34"]);
			assert.ok(asked.kind === "answered" && !asked.authenticated);
			assert.deepEqual(
				compared.map(({ verdict, given }) => [verdict.kind, given]),
				[["agrees", "server"]],
			);
		}
	});

	test("a forged answer: told, replaced or refused", async (t) => {
		liar.lie({ kind: "told", addresses: ["0.0.0.0"] });
		assert.deepEqual(addresses(await quorum(t, "report").ask()), ["0.0.0.0"]);
		const preferred = await quorum(t, "prefer-quorum").ask();
		assert.deepEqual(addresses(preferred), ["93.184.216.34"]);
		assert.ok(
			preferred.kind === "answered" && preferred.authenticated && preferred.server.protocol === "dot",
		);
		const refused = await quorum(t, "refuse").ask();
		assert.ok(refused.kind === "failed");
		assert.match(refused.forged ?? "", /^0\.0\.0\.0 for www\.shop\.test\./);
	});

	test("the incident: the alias is named, the service keeps resolving, nobody is asked again and again", async (t) => {
		liar.forget();
		liar.lie({ kind: "endless-cname", zone: "tracker.example." });
		const { guarded, compared } = quorum(t, "prefer-quorum");
		const resolver = createResolver({ upstreams: guarded, rules: ttlRules() });
		t.after(() => resolver.close());
		const resolutions = await Promise.all(Array.from({ length: 50 }, () => resolver.resolve(askOf(NAME))));
		for (const resolution of resolutions) {
			assert.ok(resolution.kind === "answered" && resolution.authenticated);
			assert.deepEqual(
				resolution.message.answers.map(({ data }) => (data.kind === "address" ? data.address : data.kind)),
				["93.184.216.34"],
			);
		}
		assert.equal(liar.askedInAll, 1);
		assert.equal(compared.length, 1);
		assert.match(compared[0]?.verdict.reasons[0]?.says ?? "", /an alias of n\d+\.tracker\.example\./);
	});

	test("one address for names of many owners is known from the fourth on", async (t) => {
		liar.lie({ kind: "told", addresses: ["45.77.12.9"] });
		const { ask, compared } = quorum(t, "prefer-quorum");
		for (const [owner] of OWNERS) await ask(`www.${owner}.`);
		assert.deepEqual(addresses(await ask(NAME)), ["93.184.216.34"]);
		assert.deepEqual(
			compared.map(({ verdict }) => verdict.kind),
			["cannot-tell", "cannot-tell", "cannot-tell", "hijacked"],
		);
	});

	test("what only the inside knows stays its own", async (t) => {
		liar.lie({ kind: "told", addresses: ["10.0.0.7"] }, ["db.inside.test."]);
		assert.deepEqual(addresses(await quorum(t, "refuse").ask("db.inside.test.")), ["10.0.0.7"]);
	});

	test("witnesses that are gone are left alone for a while", async (t) => {
		liar.lie({ kind: "told", addresses: ["0.0.0.0"] });
		let nowMs = 0;
		const gone = openTransport({ protocol: "tcp", address: "127.0.0.1", port: 1 });
		const { ask, compared } = quorum(t, "refuse", { trusted: [gone], now: () => nowMs });
		for (const atMs of [0, 4_999, 5_000]) {
			nowMs = atMs;
			assert.deepEqual(addresses(await ask()), ["0.0.0.0"]);
		}
		assert.deepEqual(
			compared.map(({ verdict }) => verdict.reasons.at(-1)?.id),
			["no-quorum", "no-quorum"],
		);
	});
});
