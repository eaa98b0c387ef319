/**
 * Answers of servers that lie, to a resolver: nothing is stored or answered for a name that was not asked, what nobody
 * vouches for never stands before what somebody did, and no time is outside of the rules. The model beside it is a map.
 */
import { ttlRules } from "@plumbline/policy/ttl-rules";
import { DNS_RCODE, DNS_TYPE, type DnsMessage } from "@plumbline/signals/dns-message";
import { decodeDnsMessage } from "@plumbline/signals/dns-message-decode";
import { encodeDnsMessage } from "@plumbline/signals/dns-message-encode";
import { canonicalDnsName, isBelow } from "@plumbline/signals/dns-name";
import type { Resolution } from "../../resolution.ts";
import { createResolver } from "../../resolver.ts";
import { composeQuery, identify, type Query, readAnswer, withId } from "../../transport-query.ts";
import type { Ask, Exchange, UpstreamServer } from "../../upstream.ts";
import { usableOnly } from "../../usable-answers.ts";
import { type Chance, wounded } from "./chance.ts";
import { forgedAnswer, NAMES, REAL_MESSAGES, TYPES, VICTIMS } from "./seed-messages.ts";
import type { Target } from "./target.ts";

const RULES = ttlRules();
const CACHE_BYTES = 256 << 10;
const CHAIN_MAX = 13;
const STEPS_MS = [0, 1, 500, 5_000, 40_000, 400_000];
/** A new resolver each so many inputs, and now and then one that lives long. */
const LIFE_INPUTS = 200;
const PLAIN: UpstreamServer = { protocol: "udp", address: "192.0.2.53", port: 53 };
const PROVEN: UpstreamServer = { protocol: "dot", address: "192.0.2.54", port: 853, tlsName: "dns.example" };
const TOOK_MS = 1;

interface Vouched {
	readonly untilMs: number;
	readonly group: string;
	readonly isForAllTypes: boolean;
}

type Answered = Extract<Resolution, { kind: "answered" }>;

export function answersTarget(): Target {
	let life = newLife();
	return {
		async run(chance) {
			if (chance.oneIn(LIFE_INPUTS)) {
				await life.close();
				life = newLife();
			}
			await life.run(chance);
		},
		close: () => life.close(),
	};
}

function newLife() {
	let nowMs = 0;
	let chance: Chance | undefined;
	let evicted = false;
	/** What a proven server said of an ask, and when that ceases to serve. */
	const vouched = new Map<string, Vouched>();
	const asked = new Set<string>();
	/** What was told is old: the answer came behind it. */
	const refreshed: Ask[] = [];
	const resolver = createResolver({
		rules: RULES,
		cacheBytesMax: CACHE_BYTES,
		now: () => nowMs,
		// Every answer is there at once, so nobody waits.
		timers: { after: () => () => undefined },
		observe: (event) => {
			if (event.kind === "evicted") evicted = true;
			if (event.kind === "refresh") refreshed.push(event.ask);
		},
		upstreams: {
			async ask(ask) {
				if (chance === undefined) throw new Error("asked of its own accord");
				const dice = chance;
				const server = dice.oneIn(2) ? PROVEN : PLAIN;
				const exchange = await usableOnly({
					server,
					exchange: async () => exchangeWith(ask, dice),
					close: async () => undefined,
				}).exchange(ask, new AbortController().signal);
				const tries = [{ server, exchange }];
				if (exchange.kind === "failed") return { kind: "failed", tries };
				return {
					kind: "answered",
					message: exchange.message,
					server,
					authenticated: server === PROVEN,
					tries,
				};
			},
			close: async () => undefined,
		},
	});

	function check(ask: Ask, resolution: Answered): void {
		checkRelevant(ask, resolution.message);
		checkTimes(resolution);
		const key = keyOf(ask);
		const { untilMs = 0 } = vouched.get(key) ?? {};
		if (!evicted && nowMs < untilMs && !resolution.authenticated)
			throw new Error(
				`an answer without proof stands before one with it: ${JSON.stringify([ask, resolution])}`,
			);
		// What is kept for a network is not followed here.
		if (resolution.authenticated && resolution.source === "upstream" && ask.clientSubnet === undefined)
			learn(ask);
	}

	/** What a proven server has just said of it. */
	function learn(ask: Ask): void {
		const key = keyOf(ask);
		const held = resolver.cached(ask);
		if (held?.kind !== "answered" || held.source !== "cache" || !held.authenticated) return;
		const { rcode, answers } = held.message;
		const isForAllTypes = rcode === DNS_RCODE.NXDOMAIN && answers.length === 0;
		// What says that the name does not exist, and what says that it does, take each other's place.
		for (const [other, { group, isForAllTypes: all }] of vouched)
			if (group === groupOf(ask) && (all || isForAllTypes)) vouched.delete(other);
		const ttlS = Math.min(...recordsOf(held.message).map(({ ttl }) => ttl));
		const endMs = nowMs + (ttlS + RULES.staleMaxS) * 1000 - 1;
		if (Number.isFinite(ttlS)) vouched.set(key, { untilMs: endMs, group: groupOf(ask), isForAllTypes });
	}

	return {
		async run(next: Chance) {
			chance = next;
			nowMs += chance.of(STEPS_MS);
			const ask = someAsk(chance);
			asked.add(canonicalDnsName(ask.question.name));
			const before = resolver.cacheSize().entries;
			const resolution = await resolver.resolve(ask);
			await new Promise((done) => setImmediate(done));
			const { entries, bytes } = resolver.cacheSize();
			if (entries > before + 1) throw new Error(`one answer made ${entries - before} entries`);
			if (bytes > CACHE_BYTES) throw new Error(`${bytes} octets in a cache for ${CACHE_BYTES}`);
			if (resolution.kind === "answered") check(ask, resolution);
			for (const each of refreshed.splice(0)) if (each.clientSubnet === undefined) learn(each);
			for (const name of [...VICTIMS, ...NAMES]) {
				if (asked.has(canonicalDnsName(name))) continue;
				const held = resolver.cached({ question: { ...ask.question, name } });
				if (held !== undefined)
					throw new Error(`${name} was never asked for, and is known: ${JSON.stringify(held)}`);
			}
			// To look at the cache may begin a refresh, which belongs to this input.
			await new Promise((done) => setImmediate(done));
			chance = undefined;
		},
		close: () => resolver.close(),
	};
}

function someAsk(chance: Chance): Ask {
	const type = chance.oneIn(3) ? chance.of(TYPES) : DNS_TYPE.A;
	return {
		question: { name: chance.of(NAMES), type, class: chance.oneIn(30) ? 3 : 1 },
		...(chance.oneIn(4) && { dnssecOk: true }),
		...(chance.oneIn(10) && { checkingDisabled: true }),
		...(chance.oneIn(10) && {
			clientSubnet: {
				family: "ipv4",
				sourcePrefix: 24,
				scopePrefix: 0,
				address: `198.51.${chance.below(4)}.0`,
			},
		}),
	};
}

/** Without the type. */
function groupOf({ question, dnssecOk, checkingDisabled, clientSubnet }: Ask): string {
	const name = canonicalDnsName(question.name);
	return [name, question.class, dnssecOk, checkingDisabled, clientSubnet?.address].join();
}

function keyOf(ask: Ask): string {
	return `${groupOf(ask)} ${ask.question.type}`;
}

/** As a transport over UDP would read it: octets, damaged or not, to this query or to another. */
function exchangeWith(ask: Ask, chance: Chance): Exchange {
	const query = composeQuery(ask, { mixCase: chance.oneIn(4) });
	const id = chance.below(0x1_0000);
	const answer = answerOctets(query, id, chance);
	const read = identify(query, id, answer) === "same" ? readAnswer(query, answer) : undefined;
	if (read?.kind === "answer")
		return { kind: "answered", message: read.message, protocol: "udp", tookMs: TOOK_MS };
	return { kind: "failed", why: "malformed", detail: "fuzzed", tookMs: TOOK_MS };
}

function answerOctets(query: Query, id: number, chance: Chance): Uint8Array {
	const { ask, bytes, questionEnd } = query;
	const real = chance.oneIn(4);
	const answer = real ? chance.of(REAL_MESSAGES) : encodeDnsMessage(forgedAnswer(ask.question, chance));
	const hurt = chance.oneIn(3) ? wounded(answer, REAL_MESSAGES, chance) : answer;
	if (chance.oneIn(20)) return hurt;
	// Whoever forges in earnest has id and question right.
	const head = withId(query, id).slice(0, questionEnd);
	head[2] = 0x81;
	head[3] = hurt[3] ?? 0;
	head.set(hurt.subarray(6, 12), 6);
	return Uint8Array.from([...head, ...hurt.subarray(bytes.length > 0 ? questionEndOf(hurt) : 0)]);
}

function questionEndOf(message: Uint8Array): number {
	let end = 12;
	while (message[end] && end < message.length) end += 1 + (message[end] ?? 0);
	return end + 5;
}

function recordsOf({ answers, authorities, additionals }: DnsMessage) {
	return [...answers, ...authorities, ...additionals];
}

/** By a walk of its own: from the name asked along aliases; what renames a zone lies above one of them. */
function checkRelevant({ question, dnssecOk }: Ask, message: DnsMessage): void {
	const fail = (what: string): never => {
		throw new Error(`${what}: asked for ${JSON.stringify(question)}, told ${JSON.stringify(message)}`);
	};
	if (message.additionals.length > 0) fail("additional records");
	const [told] = message.questions;
	if (told?.name !== canonicalDnsName(question.name) || told.type !== question.type) fail("another question");
	const reached = new Set([canonicalDnsName(question.name)]);
	for (const { name, data, type } of message.answers) {
		if (type === DNS_TYPE.CNAME && reached.has(canonicalDnsName(name)) && data.kind === "name")
			reached.add(canonicalDnsName(data.name));
	}
	if (reached.size > CHAIN_MAX + 1) fail(`a chain of ${reached.size}`);
	for (const record of message.answers) {
		const isReached = reached.has(canonicalDnsName(record.name));
		const isRenaming = [DNS_TYPE.DNAME, DNS_TYPE.RRSIG].some((type) => type === record.type);
		if (!isReached && !(isRenaming && [...reached].some((name) => isBelow(name, record.name))))
			fail(`a record of ${record.name}`);
		if (record.class !== question.class) fail("another class");
	}
	for (const { name, type } of message.authorities) {
		const isOfChain = [...reached].some((each) => isBelow(each, name));
		const isProof = dnssecOk === true && [46, 47, 50].includes(type);
		if (type === DNS_TYPE.SOA ? !isOfChain : !isProof) fail(`an authority record of ${name}`);
	}
	const decoded = decodeDnsMessage(encodeDnsMessage(message));
	if (decoded.kind !== "decoded") fail("it cannot be sent on");
}

function checkTimes({ message, authenticated, source }: Answered): void {
	for (const { ttl } of recordsOf(message)) {
		const most =
			source === "stale" ? RULES.staleAnswerS : authenticated ? RULES.maxS : RULES.unauthenticatedMaxS;
		if (!(ttl >= 0 && ttl <= most))
			throw new Error(`a TTL of ${ttl} s, ${source}, where ${most} s are the most`);
		if (source === "stale" && ttl !== RULES.staleAnswerS) throw new Error(`stale with a TTL of ${ttl} s`);
	}
	if (source === "cache" && message.answers.some(({ ttl }) => ttl === 0))
		throw new Error("0 s left, and served");
}
