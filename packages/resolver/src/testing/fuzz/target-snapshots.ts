/**
 * Snapshot files, damaged: read whole, in part, or not at all; what comes of one is no more than answers could have
 * brought, and no younger than it says.
 */
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ttlRules } from "@plumbline/policy/ttl-rules";
import { decodeDnsMessage } from "@plumbline/signals/dns-message-decode";
import { DnsCache } from "../../cache.ts";
import { networkOf } from "../../cache-scope.ts";
import { readSnapshot, writeSnapshot } from "../../cache-snapshot.ts";
import { relevantAnswer } from "../../relevant-answer.ts";
import { storedAnswer } from "../../stored-answer.ts";
import { Chance, wounded } from "./chance.ts";
import { forgedAnswer, NAMES, REAL_MESSAGES } from "./seed-messages.ts";
import type { Target } from "./target.ts";

const RULES = ttlRules();
const WALL_MS = 1_700_000_000_000;
const NOW_MS = 1_000;
/** Less than this a cache does not take. */
const CACHE_BYTES = 64 << 10;
const CACHE_INPUTS = 10;
const ENTRIES = 4;
const SEEDS = 8;
const DIGEST_OCTETS = 32;
const OWNER_ONLY = 0o600;

export async function snapshotsTarget(): Promise<Target> {
	const folder = mkdtempSync(join(tmpdir(), "plumbline-fuzz-"));
	const path = join(folder, "cache");
	const seeds: Uint8Array[] = [];
	for (let seed = 0; seed < SEEDS; seed++) {
		const fault = await writeSnapshot(path, filledCache(new Chance(seed, 0)), {
			nowMs: NOW_MS,
			wallMs: WALL_MS,
		});
		if (fault !== undefined) throw new Error(fault);
		seeds.push(new Uint8Array(readFileSync(path)));
	}
	let cache = emptyCache();
	return {
		run(chance) {
			// A cache takes a page of its own, so one serves for some inputs.
			if (chance.oneIn(CACHE_INPUTS)) cache = emptyCache();
			const before = cache.entries;
			const whole = wounded(chance.of(seeds), [...seeds, ...REAL_MESSAGES], chance);
			writeFileSync(path, chance.oneIn(10) ? whole : resealed(whole), { mode: OWNER_ONLY });
			const wallMs = WALL_MS + chance.of([0, 1_000, 60_000, 86_400_000, 1e12]);
			const read = readSnapshot(path, cache, RULES, { nowMs: NOW_MS, wallMs });
			if (read.kind === "absent") throw new Error("it is there");
			if (read.kind === "gap" && cache.entries !== before)
				throw new Error("nothing was read, and something is kept");
			check(cache);
		},
		close: () => rmSync(folder, { recursive: true }),
	};
}

/** With the digest that it should have, as one who damages on purpose would give it. */
function resealed(bytes: Uint8Array): Uint8Array {
	const body = bytes.subarray(0, Math.max(0, bytes.length - DIGEST_OCTETS));
	return Buffer.concat([body, createHash("sha256").update(body).digest()]);
}

const emptyCache = () => new DnsCache({ rules: RULES, bytesMax: CACHE_BYTES });

function filledCache(chance: Chance): DnsCache {
	const cache = emptyCache();
	for (let tries = 0; tries < 1_000 && cache.entries < ENTRIES; tries++) {
		const question = { name: chance.of(NAMES), type: chance.of([1, 28, 16]), class: 1 };
		const ask = { question, dnssecOk: chance.oneIn(3), checkingDisabled: chance.oneIn(5) };
		const answer = relevantAnswer(question, forgedAnswer(question, chance), ask.dnssecOk);
		if (answer.kind !== "records" && answer.kind !== "no-data" && answer.kind !== "nxdomain") continue;
		const authenticated = chance.oneIn(2);
		const scope = chance.oneIn(3)
			? networkOf({ family: "ipv4", sourcePrefix: 24, scopePrefix: 0, address: "198.51.100.0" })
			: { kind: "unasked" as const };
		const stored = storedAnswer(ask, answer, authenticated, RULES);
		cache.put({ ask, answer: stored, scope, authenticated, storedAtMs: chance.below(NOW_MS) }, NOW_MS);
	}
	return cache;
}

function check(cache: DnsCache): void {
	if (cache.bytes > CACHE_BYTES) throw new Error(`${cache.bytes} octets in a cache for ${CACHE_BYTES}`);
	for (const { ask, authenticated, storedAtMs, ttlS, octets } of cache.raw()) {
		if (!(storedAtMs <= NOW_MS)) throw new Error(`stored at ${storedAtMs}, read at ${NOW_MS}`);
		const most = authenticated ? RULES.maxS : RULES.unauthenticatedMaxS;
		if (!(ttlS >= 0 && ttlS <= most)) throw new Error(`kept for ${ttlS} s, where ${most} are the most`);
		const decoded = decodeDnsMessage(octets);
		if (decoded.kind !== "decoded") throw new Error(`kept, and ${decoded.kind}: ${decoded.why}`);
		const { message } = decoded;
		const answer = relevantAnswer(ask.question, message, ask.dnssecOk ?? false);
		if (!("answers" in answer) || answer.answers.length !== message.answers.length)
			throw new Error(`kept, and not relevant: ${JSON.stringify({ ask, message })}`);
	}
}
