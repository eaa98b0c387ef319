/** Bounds of the resolver, its end, its file, and what it tells those who watch. What it answers: resolver-*.test.ts. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { ttlRules } from "@plumbline/policy/ttl-rules";
import { DNS_CLASS, DNS_TYPE, type DnsMessage } from "@plumbline/signals/dns-message";
import type { ResolverEvent } from "./observer.ts";
import { createResolver, type ResolverOptions } from "./resolver.ts";
import { fakeTime } from "./testing/fake-time.ts";
import { ScriptedUpstreams } from "./testing/scripted-upstreams.ts";
import type { Ask, Upstreams } from "./upstream.ts";

test("too many different questions are refused, not queued", async () => {
	const { resolver, servers } = stage();
	const all = Array.from({ length: 3_000 }, (_, i) => resolver.resolve(asked(`host${i}.example.`)));
	await turn();
	assert.equal(servers.pending.length, 2_048);
	const refused = await Promise.race([all[2_999], turn()]);
	assert.equal(refused?.kind === "failed" ? refused.why : "waits", "too-many-waiting");
	await resolver.close();
	for (const each of await Promise.all(all)) assert.equal(each.kind, "failed");
	assert.equal(servers.pending.length, 0);
});

test("too many who wait for one name are refused", async () => {
	const { resolver, servers } = stage();
	const all = Array.from({ length: 10_001 }, () => resolver.resolve(asked("www.example.")));
	await turn();
	assert.equal(servers.asks, 1);
	servers.pending[0]?.answer(message(asked("www.example.")), true);
	const kinds = (await Promise.all(all)).map((each) => (each.kind === "failed" ? each.why : each.source));
	assert.equal(kinds.filter((kind) => kind === "upstream").length, 10_000);
	assert.equal(kinds.filter((kind) => kind === "too-many-waiting").length, 1);
	await resolver.close();
});

test("refreshes behind are bounded: the rest stay stale and are not asked", async () => {
	const { resolver, servers, time } = stage({ staleMode: "immediate" });
	const asks = Array.from({ length: 400 }, (_, i) => asked(`host${i}.example.`));
	for (const ask of asks) {
		const answer = resolver.resolve(ask);
		servers.pending[0]?.answer(message(ask), true);
		await answer;
	}
	await time.pass(301_000);
	const told = await Promise.all(asks.map((ask) => resolver.resolve(ask)));
	assert.ok(told.every((each) => each.kind === "answered" && each.source === "stale"));
	assert.equal(servers.pending.length, 256);
	await resolver.close();
});

test("one ask of somebody who holds the answer too fetches it ahead of its end", async () => {
	const { resolver, servers, time } = stage();
	const names = ["once.example.", "hot.example."];
	for (const name of names) {
		const first = resolver.resolve(asked(name));
		servers.pending[0]?.answer(message(asked(name)), true);
		await first;
	}
	await time.pass(280_000);
	await resolver.resolve(asked("once.example."));
	assert.equal(servers.pending.length, 0);
	await resolver.resolve(asked("hot.example."), { isHot: true });
	assert.equal(servers.pending.length, 1);
	await resolver.close();
});

test("a watcher hears of every resolution once, and of refreshes", async () => {
	const events: ResolverEvent[] = [];
	const { resolver, servers, time } = stage({ observe: (event) => events.push(event) });
	const kinds = () =>
		events.splice(0).map((event) => {
			if (event.kind === "resolved")
				return `${event.kind} ${event.resolution.kind === "answered" ? event.resolution.source : event.resolution.why} ${event.tookMs}`;
			return event.kind === "refresh" ? `${event.kind} ${event.why}` : event.kind;
		});
	const first = resolver.resolve(asked("www.example."));
	await time.pass(40);
	servers.pending[0]?.answer(message(asked("www.example.")), true);
	await first;
	assert.deepEqual(kinds(), ["resolved upstream 40"]);
	assert.equal(resolver.cached(asked("none.example.")), undefined);
	assert.deepEqual(kinds(), []);
	await resolver.resolve(asked("www.example."));
	assert.deepEqual(kinds(), ["resolved cache 0"]);
	await time.pass(280_000);
	resolver.cached(asked("www.example."));
	assert.deepEqual(kinds(), ["refresh prefetch", "resolved cache 0"]);
	servers.pending[0]?.fail("timeout");
	await time.pass(120_000);
	const late = resolver.resolve(asked("www.example."));
	await time.pass(1_800);
	await late;
	assert.deepEqual(kinds(), ["refresh stale", "resolved stale 1800"]);
	await resolver.close();
});

test("a watcher hears of what had to go for room", async () => {
	let entries = 0;
	const { resolver, servers } = stage({
		cacheBytesMax: 64 * 1024,
		observe: (event) => {
			if (event.kind === "evicted") entries += event.entries;
		},
	});
	for (let i = 0; i < 500; i++) {
		const ask = asked(`host${i}.example.`);
		const answer = resolver.resolve(ask);
		servers.pending[0]?.answer(message(ask), true);
		await answer;
	}
	assert.equal(resolver.cacheSize().entries + entries, 500);
	assert.ok(resolver.cacheSize().bytes <= 64 * 1024);
	await resolver.close();
});

test("servers that throw are servers that failed", async () => {
	const upstreams: Upstreams = {
		ask: () => Promise.reject(new Error("a fault of ours")),
		close: async () => {},
	};
	const resolver = createResolver({ upstreams, rules: ttlRules() });
	const told = await resolver.resolve(asked("www.example."));
	assert.match(told.kind === "failed" ? told.detail : "", /a fault of ours/);
	await resolver.close();
});

test("what has ended before it was asked is not asked", async () => {
	const { resolver, servers } = stage();
	const told = await resolver.resolve(asked("www.example."), { signal: AbortSignal.abort() });
	assert.equal(told.kind === "failed" ? told.why : "", "aborted");
	assert.equal(servers.asks, 0);
	await resolver.close();
	const after = await resolver.resolve(asked("www.example."));
	assert.equal(after.kind === "failed" ? after.detail : "", "the resolver is closed");
	assert.equal(resolver.cached(asked("localhost.")), undefined);
	await resolver.close();
});

test("a resolver that starts again knows what the one before it knew", async (t) => {
	const folder = mkdtempSync(join(tmpdir(), "plumbline-resolver-"));
	t.after(() => rmSync(folder, { recursive: true }));
	const snapshotPath = join(folder, "cache");
	const first = stage({ snapshotPath, wallNow: () => 1_000_000 });
	assert.deepEqual(first.resolver.warmStart, { kind: "absent" });
	const answer = first.resolver.resolve(asked("www.example."));
	first.servers.pending[0]?.answer(message(asked("www.example.")), true);
	await answer;
	await first.resolver.close();
	const second = stage({ snapshotPath, wallNow: () => 1_100_000 });
	assert.deepEqual(second.resolver.warmStart, { kind: "read", entries: 1 });
	const told = second.resolver.cached(asked("www.example."));
	assert.deepEqual(
		told?.kind === "answered" && [told.source, told.message.answers[0]?.ttl, told.authenticated],
		["cache", 200, true],
	);
	assert.equal(second.servers.asks, 0);
	assert.equal(await second.resolver.save(), undefined);
	await second.resolver.close();
});

function stage(options: Partial<ResolverOptions> = {}) {
	const time = fakeTime();
	const servers = new ScriptedUpstreams();
	const resolver = createResolver({
		upstreams: servers,
		rules: ttlRules(),
		now: time.now,
		timers: time.timers,
		...options,
	});
	return { resolver, servers, time };
}

function asked(name: string): Ask {
	return { question: { name, type: DNS_TYPE.A, class: DNS_CLASS.IN } };
}

function message({ question }: Ask): DnsMessage {
	const address = { kind: "address", address: "192.0.2.1" } as const;
	return {
		...{ id: 1, isResponse: true, opcode: 0, isAuthoritative: false, isTruncated: false },
		...{ recursionDesired: true, recursionAvailable: true, authenticData: false, checkingDisabled: false },
		...{ rcode: 0, questions: [question], answers: [{ ...question, ttl: 300, data: address }] },
		...{ authorities: [], additionals: [] },
	};
}

/** One turn of the loop: what waits for a server still waits. */
function turn(): Promise<undefined> {
	return new Promise((done) => setImmediate(done, undefined));
}
