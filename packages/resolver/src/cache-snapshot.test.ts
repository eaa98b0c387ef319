import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import {
	chmodSync,
	mkdtempSync,
	readdirSync,
	readFileSync,
	rmSync,
	statSync,
	symlinkSync,
	writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { ttlRules } from "@plumbline/policy/ttl-rules";
import { DNS_CLASS, DNS_TYPE } from "@plumbline/signals/dns-message";
import { DnsCache } from "./cache.ts";
import { networkOf, type Scope } from "./cache-scope.ts";
import { readSnapshot, writeSnapshot } from "./cache-snapshot.ts";
import { storedAnswer } from "./stored-answer.ts";
import type { Ask } from "./upstream.ts";

const RULES = ttlRules();
const WALL_MS = 1_700_000_000_000;
const SUBNET = { family: "ipv4", sourcePrefix: 24, scopePrefix: 0, address: "198.51.100.0" } as const;

test("what was known is known again, as old as it is by now", async (t) => {
	const path = join(folder(t), "cache");
	const before = filled();
	assert.equal(await writeSnapshot(path, before, { nowMs: 10_000, wallMs: WALL_MS }), undefined);
	const after = emptyCache();
	// A minute passed while nobody ran; the monotonic clock began anew.
	const read = readSnapshot(path, after, RULES, { nowMs: 500, wallMs: WALL_MS + 60_000 });
	assert.deepEqual(read, { kind: "read", entries: 3 });
	assert.equal(ttlOf(after, asked("www.example."), 500), 300 - 10 - 60);
	assert.equal(ttlOf(after, { ...asked("near.example."), clientSubnet: SUBNET }, 500), 300 - 10 - 60);
	assert.equal(after.find(asked("near.example."), 500), undefined);
	assert.equal(after.find({ ...asked("near.example."), clientSubnet: SUBNET }, 500)?.authenticated, true);
	assert.equal(after.find(asked("doubtful.example."), 500)?.kind, "stale");
	assert.equal(after.find(asked("doubtful.example."), 500)?.authenticated, false);
	assert.equal(after.bytes, before.bytes);
});

test("what is too old to serve stays out", async (t) => {
	const path = join(folder(t), "cache");
	await writeSnapshot(path, filled(), { nowMs: 10_000, wallMs: WALL_MS });
	const after = emptyCache();
	const read = readSnapshot(path, after, RULES, { nowMs: 0, wallMs: WALL_MS + 2 * 86_400_000 });
	assert.deepEqual(read, { kind: "read", entries: 0 });
	assert.equal(after.find(asked("www.example."), 0), undefined);
	assert.equal(after.bytes, 0);
});

test("rules that would keep it longer do not make it fresher", async (t) => {
	const path = join(folder(t), "cache");
	await writeSnapshot(path, filled(), { nowMs: 10_000, wallMs: WALL_MS });
	const after = emptyCache();
	readSnapshot(path, after, ttlRules({ minS: 3_600, unauthenticatedMaxS: 3_600 }), {
		nowMs: 0,
		wallMs: WALL_MS,
	});
	assert.equal(after.find(asked("www.example."), 289_000)?.kind, "fresh");
	assert.equal(after.find(asked("www.example."), 290_000)?.kind, "stale");
});

test("the file is its owner's alone, and nothing is left beside it", async (t) => {
	const where = folder(t);
	const path = join(where, "cache");
	writeFileSync(path, "what was there before");
	await writeSnapshot(path, filled(), { nowMs: 0, wallMs: WALL_MS });
	assert.equal(statSync(path).mode & 0o777, 0o600);
	assert.deepEqual(readdirSync(where), ["cache"]);
});

test("a folder that is not there is an answer, not a crash", async (t) => {
	const why = await writeSnapshot(join(folder(t), "none", "cache"), filled(), { nowMs: 0, wallMs: WALL_MS });
	assert.match(why ?? "", /ENOENT/);
});

test("no file is no gap: a first start", (t) => {
	const read = readSnapshot(join(folder(t), "cache"), emptyCache(), RULES, { nowMs: 0, wallMs: WALL_MS });
	assert.deepEqual(read, { kind: "absent" });
});

test("cut at any place, or with any octet changed, it is a gap and the cache stays empty", async (t) => {
	const path = join(folder(t), "cache");
	await writeSnapshot(path, filled(), { nowMs: 10_000, wallMs: WALL_MS });
	const whole = readFileSync(path);
	for (let length = 0; length < whole.length; length++)
		isGap(path, whole.subarray(0, length), `cut at ${length}`);
	for (let at = 0; at < whole.length; at++) {
		const bent = Buffer.from(whole);
		bent[at] = (bent[at] ?? 0) ^ 0x41;
		isGap(path, bent, `octet ${at} changed`);
	}
});

test("hostile files with the right digest bring in nothing that an answer could not", async (t) => {
	const path = join(folder(t), "cache");
	await writeSnapshot(path, filled(), { nowMs: 10_000, wallMs: WALL_MS });
	const body = readFileSync(path).subarray(0, -32);
	for (let at = 16; at < body.length; at++) {
		const bent = Buffer.from(body);
		bent[at] = 0xff;
		writeFileSync(path, signed(bent), { mode: 0o600 });
		const cache = emptyCache();
		const read = readSnapshot(path, cache, RULES, { nowMs: 0, wallMs: WALL_MS });
		assert.equal(read.kind === "read" ? read.entries : 0, cache.entries, `octet ${at}`);
		for (const { ttlS, storedAtMs } of cache.raw())
			assert.ok(ttlS <= RULES.maxS && storedAtMs <= 0, `octet ${at}`);
	}
	writeFileSync(path, signed(Buffer.concat([body.subarray(0, 16), Buffer.alloc(36, 0xff)])));
	assert.equal(readSnapshot(path, emptyCache(), RULES, { nowMs: 0, wallMs: WALL_MS }).kind, "gap");
});

test("a clock that was set back leaves nothing", async (t) => {
	const path = join(folder(t), "cache");
	await writeSnapshot(path, filled(), { nowMs: 10_000, wallMs: WALL_MS });
	const read = readSnapshot(path, emptyCache(), RULES, { nowMs: 0, wallMs: WALL_MS - 1 });
	assert.match(read.kind === "gap" ? read.why : "", /later than it is now/);
});

test("a link, a folder, and a file that others may write to are not read", async (t) => {
	const where = folder(t);
	const path = join(where, "cache");
	await writeSnapshot(path, filled(), { nowMs: 10_000, wallMs: WALL_MS });
	const link = join(where, "link");
	symlinkSync(path, link);
	const times = { nowMs: 0, wallMs: WALL_MS };
	assert.equal(readSnapshot(link, emptyCache(), RULES, times).kind, "gap");
	assert.equal(readSnapshot(where, emptyCache(), RULES, times).kind, "gap");
	chmodSync(path, 0o666);
	assert.equal(readSnapshot(path, emptyCache(), RULES, times).kind, "gap");
});

function isGap(path: string, bytes: Uint8Array, what: string): void {
	writeFileSync(path, bytes, { mode: 0o600 });
	const cache = emptyCache();
	const read = readSnapshot(path, cache, RULES, { nowMs: 0, wallMs: WALL_MS });
	assert.equal(read.kind, "gap", what);
	assert.equal(cache.entries, 0, what);
}

function signed(body: Uint8Array): Buffer {
	return Buffer.concat([body, createHash("sha256").update(body).digest()]);
}

function emptyCache(): DnsCache {
	return new DnsCache({ rules: RULES });
}

/** Stored at 0 by the monotonic clock. */
function filled(): DnsCache {
	const cache = emptyCache();
	put(cache, asked("www.example."), { kind: "unasked" }, true);
	put(cache, { ...asked("near.example."), clientSubnet: SUBNET }, networkOf(SUBNET), true);
	put(cache, asked("doubtful.example."), { kind: "unasked" }, false);
	return cache;
}

function put(cache: DnsCache, ask: Ask, scope: Scope, authenticated: boolean): void {
	const record = { ...ask.question, ttl: 300, data: { kind: "address" as const, address: "192.0.2.1" } };
	const kept = { authorities: [], authenticData: false, aliases: 0 };
	const answer = storedAnswer(ask, { kind: "records", answers: [record], ...kept }, authenticated, RULES);
	assert.equal(cache.put({ ask, answer, scope, authenticated, storedAtMs: 0 }, 0), "kept");
}

function asked(name: string): Ask {
	return { question: { name, type: DNS_TYPE.A, class: DNS_CLASS.IN } };
}

function ttlOf(cache: DnsCache, ask: Ask, nowMs: number): number | undefined {
	return cache.find(ask, nowMs)?.resolution.message.answers[0]?.ttl;
}

function folder(t: TestContext): string {
	const path = mkdtempSync(join(tmpdir(), "plumbline-cache-"));
	t.after(() => rmSync(path, { recursive: true }));
	return path;
}
