/** The cache beside a naive one, over a hundred thousand random steps. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ttlRules } from "@plumbline/policy/ttl-rules";
import { DNS_CLASS, DNS_TYPE, type DnsRecord } from "@plumbline/signals/dns-message";
import { DnsCache } from "./cache.ts";
import { networkOf, type Scope } from "./cache-scope.ts";
import { CACHE_BYTES_MIN } from "./cache-size.ts";
import { storedAnswer, type WholeAnswer } from "./stored-answer.ts";
import { type NaiveAsk, NaiveCache } from "./testing/naive-cache.ts";
import { recordText } from "./testing/scenario-text.ts";
import type { Ask } from "./upstream.ts";

const STEPS = 100_000;
const NAMES = 150;
const RULES = ttlRules({ staleMaxS: 120, maxS: 400, minS: 10 });
const TYPES = [DNS_TYPE.A, DNS_TYPE.TXT, DNS_TYPE.CNAME];

test("a cache agrees with a naive one over 100,000 random steps", () => {
	const random = seeded(20_251_122);
	const below = (n: number) => Math.floor(random() * n);
	let evicted = 0;
	const cache = new DnsCache({
		rules: RULES,
		bytesMax: CACHE_BYTES_MIN,
		onEvicted: (entries) => {
			evicted += entries;
		},
	});
	const naive = new NaiveCache(RULES, CACHE_BYTES_MIN);
	let nowMs = 5_000;
	const seen = { put: 0, outranked: 0, found: 0, stale: 0, absent: 0 };
	for (let step = 0; step < STEPS; step++) {
		const { ask, naiveAsk } = anyAsk(below);
		const dice = below(100);
		if (dice < 3) nowMs += below(20_000);
		else if (dice < 40) {
			const stored = storedAnswer(ask, anyAnswer(ask, below), below(3) > 0, RULES);
			const authenticated = below(3) > 0;
			const { scope, text } = anyScope(naiveAsk, ask, below);
			const entry = { ask, answer: stored, scope, authenticated, storedAtMs: nowMs };
			const outcome = cache.put(entry, nowMs);
			assert.equal(outcome, naive.put(naiveAsk, text, entry, nowMs), `step ${step}`);
			if (outcome === "kept") seen.put++;
			else if (outcome === "outranked") seen.outranked++;
		} else if (dice < 44) {
			assert.equal(cache.refreshFailed(ask, nowMs), naive.refreshFailed(naiveAsk, nowMs), `step ${step}`);
		} else {
			const held = cache.find(ask, nowMs);
			const expected = naive.find(naiveAsk, nowMs);
			let found: string | undefined;
			if (held !== undefined) {
				const { answers, authorities, rcode, questions } = held.resolution.message;
				assert.deepEqual(questions, [ask.question]);
				const ttls = [...answers, ...authorities].map(({ ttl }) => ttl);
				const text = answers.map((each) => recordText({ ...each, ttl: 0 })).join(";");
				found = `${held.kind} ${Math.min(...ttls)} ${held.authenticated} ${cache.timesAsked(held)} ${rcode} ${text}`;
				seen.found++;
				if (held.kind === "stale") seen.stale++;
			} else seen.absent++;
			assert.equal(found, expected, `step ${step}`);
		}
		if (step % 100 > 0) continue;
		assert.equal(cache.entries, naive.list.length, `step ${step}`);
		assert.equal(cache.bytes, naive.bytes, `step ${step}`);
		assert.ok(cache.bytes <= CACHE_BYTES_MIN);
	}
	assert.ok(evicted > 1_000, `${evicted} evicted`);
	for (const [kind, times] of Object.entries(seen)) assert.ok(times > 1_000, `${kind} ${times} times`);
});

type Below = (n: number) => number;

function anyAsk(below: Below): { ask: Ask; naiveAsk: NaiveAsk } {
	// Some names are wanted more than others.
	const at = Math.floor(below(NAMES * NAMES) / (1 + below(NAMES)));
	const name = `host${at % NAMES}.a-zone-with-a-name.example.`;
	const type = TYPES[below(TYPES.length)] ?? DNS_TYPE.A;
	const dnssecOk = below(5) === 0;
	const question = { name, type, class: DNS_CLASS.IN };
	if (below(4) > 0)
		return { ask: { question, dnssecOk }, naiveAsk: { name, type, dnssecOk, network: "none" } };
	const third = below(8) * 32;
	const subnet = {
		family: "ipv4" as const,
		sourcePrefix: 16 + below(9),
		scopePrefix: 0,
		address: `10.1.${third}.0`,
	};
	const bits = [10, 1, third, 0].map((octet) => octet.toString(2).padStart(8, "0")).join("");
	const network = bits.slice(0, subnet.sourcePrefix);
	return { ask: { question, dnssecOk, clientSubnet: subnet }, naiveAsk: { name, type, dnssecOk, network } };
}

function anyScope(
	{ network }: NaiveAsk,
	{ clientSubnet }: Ask,
	below: Below,
): { scope: Scope; text: string } {
	if (clientSubnet === undefined) return { scope: { kind: "unasked" }, text: "none" };
	if (below(3) === 0) return { scope: { kind: "everybody" }, text: "any" };
	const prefix = 1 + below(clientSubnet.sourcePrefix);
	return {
		scope: networkOf({ ...clientSubnet, sourcePrefix: prefix }),
		text: network.slice(0, prefix),
	};
}

function anyAnswer({ question }: Ask, below: Below): WholeAnswer {
	const { name } = question;
	const ttl = below(600);
	const kept = { authorities: [], authenticData: false, aliases: 0 };
	const record = (data: DnsRecord["data"]): DnsRecord => ({ ...question, ttl, data });
	const soaData = {
		...{ kind: "soa" as const, primary: name, mailbox: name, serial: below(9) },
		...{ refresh: 1, retry: 1, expire: 1, minimum: below(600) },
	};
	const soa: DnsRecord = { name, type: DNS_TYPE.SOA, class: DNS_CLASS.IN, ttl, data: soaData };
	const times = { soaTtlS: ttl, soaMinimumS: soaData.minimum };
	const dice = below(10);
	if (dice < 2) return { kind: "nxdomain", ...kept, answers: [], authorities: [soa], soa: times };
	if (dice < 4) return { kind: "no-data", ...kept, answers: [], authorities: [soa], soa: times };
	if (question.type === DNS_TYPE.A)
		return {
			kind: "records",
			...kept,
			answers: [record({ kind: "address", address: `192.0.2.${below(250)}` })],
		};
	if (question.type === DNS_TYPE.CNAME)
		return {
			kind: "records",
			...kept,
			answers: [record({ kind: "name", name: `host${below(NAMES)}.example.` })],
		};
	const strings = [new Uint8Array(below(200)).fill(97 + below(26))];
	return { kind: "records", ...kept, answers: [record({ kind: "text", strings })] };
}

/** Mulberry32. */
function seeded(seed: number): () => number {
	let state = seed;
	return () => {
		state = (state + 0x6d2b79f5) | 0;
		let t = Math.imul(state ^ (state >>> 15), 1 | state);
		t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
		return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
	};
}
