import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { decodeGoroutinesDebug2 } from "@plumbline/signals/goroutines-debug2";
import type { Signals } from "@plumbline/signals/signals";
import { diagnose } from "../diagnose.ts";
import type { Finding } from "../finding.ts";
import { app, call, type Goroutine } from "../testing/dump-text.ts";
import { clientReader, txWatcher, worker } from "../testing/goroutines.ts";
import { parked, profilesOf, reader, record, SENDS, sender, withGoroutineCounts } from "../testing/parked.ts";
import { type Service, signalsOf } from "../testing/service.ts";
import { found, times } from "../testing/verdict.ts";

const OLD = times(11, (i) => sender(100 + i));
const NEW = times(7, (i) => sender(300 + i));
/** 11 at first, one more each time from the fourth sample on, and now and then somebody who passes through. */
const RISING = times(12, (i) => 11 + Math.max(0, Math.min(7, i - 3)) + (i % 5 === 2 ? 2 : 0));
const LEAK: Service = { dumps: [OLD, [...OLD, ...NEW]], profiles: profilesOf(SENDS, RISING) };

function leak(signals: Signals): Finding | undefined {
	return diagnose(signals).findings.find(({ id }) => id === "goroutine-leak");
}

test("senders that stay and more of them: counted, the line named, the go statement beside it", () => {
	const finding = found(LEAK, "goroutine-leak");
	assert.deepEqual([finding?.count, finding?.severity, finding?.level], [18, "warning", "suspected"]);
	assert.equal(
		finding?.title,
		"18 goroutines are stuck sending on a channel that nobody receives from, and more come",
	);
	assert.match(
		finding?.story ?? "",
		/^11 were there at the start .* 7 came in 10\.0 s and stayed; never fewer than 11 .* 12 samples, 16 in/,
	);
	assert.deepEqual([finding?.holder?.func, finding?.holder?.line], ["main.bestPrice.func1", 32]);
	assert.deepEqual(
		finding?.candidates.map(({ func, line }) => `${func}:${line}`),
		["main.Quote:30"],
	);
	assert.match(finding?.fix[0] ?? "", /make\(chan T, 1\)/);
});

test("the metrics page counts them too: confirmed", () => {
	const finding = leak(
		withGoroutineCounts(
			LEAK,
			RISING.map((n) => n + 20),
		),
	);
	assert.equal(finding?.level, "confirmed");
	assert.deepEqual(new Set(finding?.evidence.map(({ line }) => line)), new Set(["runtime", "pool"]));
	const level = leak(
		withGoroutineCounts(
			LEAK,
			RISING.map(() => 40),
		),
	)?.level;
	assert.equal(level, "suspected", "a count that stands still bears nothing out");
});

test("without samples between, two dumps have to do, and it is less sure", () => {
	const finding = found({ dumps: LEAK.dumps ?? [] }, "goroutine-leak");
	assert.deepEqual([finding?.count, finding?.confidence], [18, 0.6]);
});

test("one dump alone does not say that they stay", () => {
	assert.equal(found({ dumps: [[...OLD, ...NEW]] }, "goroutine-leak"), undefined);
});

test("who is only parked, who passes through, and a pool that filled once: silent", () => {
	const still = profilesOf(
		SENDS,
		times(12, () => 11),
	);
	const passing = times(12, (i) => [0, 4, 9, 2][i % 4] ?? 0);
	const filled = times(12, (i) => (i < 3 ? 11 : 18));
	for (const service of [
		{ dumps: [OLD, OLD], profiles: still },
		{ dumps: [OLD, NEW], profiles: profilesOf(SENDS, passing) },
		{ dumps: [OLD, [...OLD, ...NEW]], profiles: profilesOf(SENDS, filled) },
	]) {
		assert.equal(found(service, "goroutine-leak"), undefined);
	}
});

test("a queue that grows, but whose first are served first: silent", () => {
	const queue = (from: number, to: number) => times(to - from, (i) => sender(from + i));
	const dumps = [queue(100, 160), queue(120, 260)];
	const service: Service = {
		dumps,
		profiles: profilesOf(
			SENDS,
			times(12, (i) => 60 + 7 * i),
		),
	};
	assert.equal(found(service, "goroutine-leak"), undefined);
	assert.equal(
		found({ ...service, dumps: [queue(100, 160), queue(100, 260)] }, "goroutine-leak")?.count,
		137,
	);
});

test("sleepers end by themselves: a note", () => {
	const calls = [call("time.Sleep", "0x2540be400"), app("main.later", 8)];
	const asleep = (from: number, n: number) => times(n, (i) => parked(from + i, "sleep", calls));
	const dumps = [asleep(100, 9), [...asleep(100, 9), ...asleep(300, 8)]];
	const finding = found(
		{
			dumps,
			profiles: profilesOf(
				calls,
				times(12, (i) => 9 + i),
			),
		},
		"goroutine-leak",
	);
	assert.deepEqual([finding?.severity, finding?.holder?.line], ["note", 8]);
});

test("goroutines of databases and of the HTTP client are told by their own rules", () => {
	const theirs = (from: number) =>
		times(9, (i) => [txWatcher(from + i, 9), clientReader(from + 50 + i, "body")]).flat();
	const signals = signalsOf({ dumps: [theirs(100), [...theirs(100), ...theirs(400)]] });
	assert.equal(leak(signals), undefined);
});

test("they leave their place for moments and come back: a loop that wakes up", () => {
	const calls = [app("main.watch", 27)];
	const at = (goid: number) => parked(goid, "chan receive", calls);
	const dumps = [
		times(9, (i) => at(100 + i)),
		[...times(9, (i) => at(100 + i)), ...times(7, (i) => at(300 + i))],
	];
	const counts = times(12, (i) => (i === 4 ? 2 : 9 + Math.max(0, Math.min(7, i - 3))));
	const profiles = counts.map((count, i) => ({
		total: 30,
		records: [
			record(calls, count),
			record([call("time.Sleep"), app("main.ask", 9), ...calls], i === 4 ? 8 : 0),
		],
	}));
	const finding = found({ dumps, profiles }, "goroutine-leak");
	assert.match(finding?.title ?? "", /^16 goroutines wake up again and again and never end, and more come$/);
	assert.equal(finding?.confidence, 0.7);
});

test("a nil channel: certain by itself, but for how a program waits for its end", () => {
	const state = "chan receive (nil chan)";
	const forever = { goid: 1, state, calls: [app("main.main", 9)], createdBy: app("x", 1), creator: 0 };
	const waits = times(3, (i) => parked(200 + i, state, [app("main.notify", 41)]));
	const finding = found({ dumps: [waits, waits] }, "goroutine-leak");
	assert.deepEqual([finding?.count, finding?.severity, finding?.confidence], [3, "warning", 0.95]);
	assert.equal(finding?.title, "3 goroutines wait on a nil channel, which never happens");
	assert.equal(found({ dumps: [waits] }, "goroutine-leak")?.count, 3);
	assert.equal(found({ dumps: [[forever], [forever]] }, "goroutine-leak"), undefined);
});

test("the runtime's leak profile is proof without growth; the fuller of two readings counts", () => {
	const waits = times(7, (i) =>
		parked(100 + i, "sync.WaitGroup.Wait", [call("sync.(*WaitGroup).Wait"), app("main.print", 50)]),
	);
	const calls = [call("sync.(*WaitGroup).Wait"), app("main.print", 50)];
	const signals = signalsOf({ dumps: [waits, waits], profiles: profilesOf(calls, [7, 7]) });
	const readings = [2, 7].map((count) => ({ total: count, records: [record(calls, count)] }));
	const leakProfiles = signals.goroutineProfiles.map(({ part }, i) => ({
		part: { ...part, name: `goroutineleak.${i}.debug1.txt` },
		value: readings[i] ?? { total: 0, records: [] },
	}));
	const finding = leak({ ...signals, leakProfiles });
	assert.deepEqual([finding?.count, finding?.severity, finding?.holder?.line], [7, "warning", 50]);
	assert.match(finding?.story ?? "", /^the runtime's leak profile has 7 of them/);
	assert.equal(leak(signals), undefined);
	const alone = leak({ ...signals, goroutines: [], goroutineProfiles: [], leakProfiles });
	assert.deepEqual([alone?.count, alone?.holder?.func], [7, "main.print"]);
});

test("the runtime's mark in a dump is proof, also of one", () => {
	const marked = [parked(100, "chan receive (leaked)", [app("main.wait", 12)])];
	const finding = found(
		{ dumps: [[...marked, worker(7, { state: "chan receive", calls: [] }, app("main.wait", 12))]] },
		"goroutine-leak",
	);
	assert.deepEqual([finding?.count, finding?.holder?.line], [1, 12]);
});

test("gRPC streams that nobody reads: their watchers, and the only code seen at work with one", () => {
	const maker = call("google.golang.org/grpc.newClientStreamWithParams");
	const watcher = (goid: number) =>
		parked(goid, "select", [call("google.golang.org/grpc.newClientStreamWithParams.func4")], maker);
	const old = times(5, (i) => watcher(100 + i));
	const more = times(4, (i) => watcher(300 + i));
	const reads = [
		call("google.golang.org/grpc/internal/transport.(*recvBufferReader).readClient"),
		call("google.golang.org/grpc.(*clientStream).RecvMsg"),
		{ ...app("shop/pb.(*followClient).Recv", 80), file: "/srv/app/pb/follow_grpc.pb.go" },
		app("main.track", 40),
	];
	const busy = parked(900, "select", reads);
	const finding = found({ dumps: [[...old], [...old, ...more, busy]] }, "goroutine-leak");
	assert.deepEqual([finding?.count, finding?.holder?.func], [8, "main.track"]);
	assert.match(finding?.title ?? "", /watch gRPC streams that nobody reads or cancels/);
	// As many readers as streams: nothing is lost.
	const readers = (from: number, n: number) => times(n, (i) => parked(from + i, "select", reads));
	const read = {
		dumps: [
			[...old, ...readers(600, 5)],
			[...old, ...more, ...readers(600, 9)],
		],
	};
	assert.equal(found(read, "goroutine-leak"), undefined);
});

test("one dump: many came to one line over a long time, each after thousands of others", () => {
	const over = (n: number, state: string, apart: number) =>
		times(n, (i) => parked(100 + i * apart, `${state}, ${i % 40} minutes`, SENDS));
	const verdict = (dump: readonly Goroutine[]) => {
		const finding = found({ dumps: [dump] }, "goroutine-leak");
		return finding && [finding.severity, finding.count, finding.level];
	};
	assert.deepEqual(verdict(over(30, "chan send", 900)), ["note", 30, "suspected"]);
	assert.deepEqual(verdict(over(400, "chan send", 900)), ["warning", 400, "suspected"]);
	assert.deepEqual(verdict(over(400, "select", 900)), ["note", 400, "suspected"]);
	assert.equal(verdict(over(30, "select", 900)), undefined);
	assert.equal(verdict(over(400, "chan receive", 1)), undefined, "a pool, made at once");
	const burst = times(30, (i) => parked(100 + i * 900, "chan send, 9 minutes", SENDS));
	assert.equal(verdict(burst), undefined);
});

test("a test that timed out has many parked goroutines, and no leak", () => {
	const path = join(import.meta.dirname, "..", "..", "fixtures", "parked", "go-test-timeout.txt");
	const dump = decodeGoroutinesDebug2(readFileSync(path));
	assert.equal(dump.kind, "decoded");
	if (dump.kind !== "decoded") return;
	assert.equal(dump.value.count, 57);
	const { goroutines, ...signals } = signalsOf({ dumps: [OLD] });
	const [sampled] = goroutines;
	assert.ok(sampled);
	assert.equal(leak({ ...signals, goroutines: [{ ...sampled, value: dump.value }] }), undefined);
});

test("clients with goroutines of their own: more of both is no leak", () => {
	const maker = app("main.serve", 20);
	const client = (n: number) => [
		reader(n * 10, maker, 7000 + n),
		...times(3, (i) => parked(n * 10 + 1 + i, "select", [app("main.(*Client).pump", 70)], maker, 7000 + n)),
	];
	const old = times(20, (i) => client(10 + i)).flat();
	const dumps = [old, [...old, ...times(8, (i) => client(50 + i)).flat()]];
	const calls = [app("main.(*Client).pump", 70)];
	const service: Service = {
		dumps,
		profiles: profilesOf(
			calls,
			times(12, (i) => 62 + 2 * i),
		),
	};
	assert.equal(found(service, "goroutine-leak"), undefined);
	assert.equal(found({ ...service, style: { creators: false } }, "goroutine-leak"), undefined);
	const orphans = dumps.map((dump) => dump.filter(({ state }) => state !== "IO wait"));
	assert.equal(found({ ...service, dumps: orphans }, "goroutine-leak")?.count, 84);
});
