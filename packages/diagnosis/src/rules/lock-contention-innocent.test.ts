/** Who is not to be accused: of contention, or of having the lock. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Frame, GoroutineProfile, ProfileRecord } from "@plumbline/signals/goroutines";
import { app, call, type Goroutine } from "../testing/dump-text.ts";
import { worker } from "../testing/goroutines.ts";
import { alarms, found, times } from "../testing/verdict.ts";

const frame = (func: string, line = 0): Frame => ({ func, file: "app.go", line });
const LOCK = [
	"internal/sync.runtime_SemacquireMutex",
	"internal/sync.(*Mutex).lockSlow",
	"sync.(*Mutex).Lock",
];
const HANDLE = "main.handle";

function record(count: number, ...frames: Frame[]): ProfileRecord {
	return { count, frames: [...frames, frame("net/http.serverHandler.ServeHTTP")], labels: {}, offset: 0 };
}

const waits = (count: number, ...below: Frame[]) => record(count, ...LOCK.map((f) => frame(f)), ...below);

function profiles(...samples: readonly ProfileRecord[][]): readonly GoroutineProfile[] {
	return samples.map((records) => ({ total: 100, records }));
}

const always = (...records: ProfileRecord[]) => profiles(...times(20, () => records));

test("a lock of a library is the library's: who calls it and does something else is no holder", () => {
	const output = frame("log.(*Logger).output", 240);
	const service = {
		profiles: always(
			waits(9, output, frame("log.Printf"), frame(HANDLE, 31)),
			waits(8, output, frame("log.Printf"), frame("main.other", 77)),
			record(1, frame("internal/poll.(*FD).Write"), frame("log.(*Logger).output", 247), frame(HANDLE, 31)),
			record(30, frame("database/sql.(*DB).Query"), frame(HANDLE, 40)),
		),
	};
	const finding = found(service, "lock-contention");
	assert.equal(finding?.title, "17 goroutines at a time wait for a lock of log.(*Logger)");
	assert.equal(`${finding?.holder?.func}:${finding?.holder?.line}`, "log.(*Logger).output:247");
	assert.match(finding?.story ?? "", /called from main\.handle:31, main\.other:77/);
});

test("what lies above the lock in its function is not past it; many at once do not have it", () => {
	const taker = frame("main.(*Cache).Get", 31);
	const before = record(1, frame("time.Sleep"), frame("main.(*Cache).Get", 20));
	const after = record(6, frame("time.Sleep"), frame("main.(*Cache).Get", 44));
	const finding = found({ profiles: always(waits(9, taker), before, after) }, "lock-contention");
	assert.equal(finding?.holder, undefined);
	assert.deepEqual(finding?.candidates, []);
	const readers = ["sync.runtime_SemacquireRWMutexR", "sync.(*RWMutex).RLock"].map((f) => frame(f));
	const shared = found({ profiles: always(record(9, ...readers, taker), after) }, "lock-contention");
	assert.equal(shared?.holder, undefined);
	assert.equal(shared?.candidates[0]?.line, 44);
});

const blocked = (lock: string) => ({
	state: "sync.Mutex.Lock",
	calls: LOCK.map((func) => call(func, lock)),
});

test("one lock for each connection is many locks, not one that is wanted by many", () => {
	const taker = "main.(*Conn).Write";
	const dump = (from: number): Goroutine[] =>
		times(17, (i) => worker(from + i, blocked(`0xc0000fa${100 + i}`), app(taker, 31)));
	const samples = profiles(...times(20, (i) => [waits(16 + (i % 2), frame(taker, 31))]));
	assert.deepEqual(alarms({ dumps: [dump(100), dump(200)], profiles: samples }), []);
	const one = (from: number): Goroutine[] =>
		times(17, (i) => worker(from + i, blocked("0xc0000fa100"), app(taker, 31)));
	assert.deepEqual(alarms({ dumps: [one(100), one(200)], profiles: samples }), ["lock-contention"]);
	// What the registers of a reader hold is no address, as Go says itself.
	const reads = (i: number) => ({
		state: "sync.RWMutex.RLock",
		calls: [
			call("sync.runtime_SemacquireRWMutexR", `0xc0000${100 + i}928?`),
			call("sync.(*RWMutex).RLock", "..."),
		],
	});
	const readers = (from: number): Goroutine[] => times(17, (i) => worker(from + i, reads(i), app(taker, 31)));
	assert.deepEqual(alarms({ dumps: [readers(100), readers(200)], profiles: samples }), ["lock-contention"]);
});

test("the main loop of a type, in one call all the time, does not have the lock that others get", () => {
	const loop = worker(50, { state: "select", calls: [] }, app("main.(*Hub).Run", 90));
	const waiter = (goid: number) => worker(goid, blocked("0xc0000fa100"), app("main.(*Hub).Send", 31));
	const dumps = [
		[loop, ...times(7, (i) => waiter(100 + i))],
		[loop, ...times(7, (i) => waiter(200 + i))],
	];
	const run = record(1, frame("main.(*Hub).Run", 90));
	const samples = profiles(...times(20, (i) => [run, waits(7 + (i % 3), frame("main.(*Hub).Send", 31))]));
	const finding = found({ dumps, profiles: samples }, "lock-contention");
	assert.equal(finding?.count, 8);
	assert.equal(finding?.holder, undefined);
	assert.match(finding?.holderGap ?? "", /nobody was caught with the lock/);
});

test("a short sleep in the same call at both ends is one of a loop: it may be with the lock", () => {
	const sleeps = (ns: string) => {
		const reload = worker(
			50,
			{ state: "sleep", calls: [call("time.Sleep", ns)] },
			app("main.(*Hub).Reload", 90),
		);
		const waiter = (goid: number) => worker(goid, blocked("0xc0000fa100"), app("main.(*Hub).Send", 31));
		const dumps = [100, 200].map((from) => [reload, ...times(7, (i) => waiter(from + i))]);
		const inside = record(1, frame("time.Sleep"), frame("main.(*Hub).Reload", 90));
		const samples = times(20, (i) => [inside, waits(7 + (i % 3), frame("main.(*Hub).Send", 31))]);
		return found({ dumps, profiles: profiles(...samples) }, "lock-contention")?.holder?.func;
	};
	assert.equal(sleeps("0x11e1a300"), "main.(*Hub).Reload");
	assert.equal(sleeps("0xdf8475800"), undefined);
});

test("silent: a window of a second. A note: few of those at the same work", () => {
	const queue = always(waits(9, frame("main.(*Cache).Get", 31), frame(HANDLE, 9)));
	assert.deepEqual(alarms({ profiles: queue }), ["lock-contention"]);
	assert.deepEqual(alarms({ profiles: queue, windowMs: 1_000 }), []);
	const others = record(400, frame("database/sql.(*DB).Query"), frame(HANDLE, 40));
	const busy = { profiles: queue.map((p) => ({ ...p, records: [...p.records, others] })) };
	assert.equal(found(busy, "lock-contention")?.severity, "note");
});

test("sync.Once and sync.Map take a lock for their caller: its name is told", () => {
	const once = waits(9, frame("sync.(*Once).doSlow"), frame("sync.(*Once).Do"), frame("main.config", 12));
	assert.match(found({ profiles: always(once) }, "lock-contention")?.title ?? "", /a lock of main\.config$/);
});
