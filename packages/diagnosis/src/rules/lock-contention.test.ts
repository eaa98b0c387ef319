import assert from "node:assert/strict";
import { test } from "node:test";
import type { Frame, GoroutineProfile, ProfileRecord } from "@plumbline/signals/goroutines";
import { lockTaker, ownerOf } from "../lock-taker.ts";
import { app, call } from "../testing/dump-text.ts";
import { type Doing, handler, requestReader } from "../testing/goroutines.ts";
import { DELAY, profileOf } from "../testing/profile.ts";
import { alarms, found, gist, times } from "../testing/verdict.ts";

const frame = (func: string, line = 0): Frame => ({ func, file: "rates.go", line });
/** Names of Go 1.24 and later, and those before. */
const NEW = [
	"internal/sync.runtime_SemacquireMutex",
	"internal/sync.(*Mutex).lockSlow",
	"internal/sync.(*Mutex).Lock",
	"sync.(*Mutex).Lock",
];
const OLD = ["sync.runtime_SemacquireMutex", "sync.(*Mutex).lockSlow", "sync.(*Mutex).Lock"];
const READER = ["sync.runtime_SemacquireRWMutexR", "sync.(*RWMutex).RLock"];

const RATE = "main.(*RateTable).Rate";
const served = [frame("main.serve", 9), frame("net/http.serverHandler.ServeHTTP")];

function record(count: number, ...frames: Frame[]): ProfileRecord {
	return { count, frames: [...frames, ...served], labels: {}, offset: 100 * count };
}

function waiting(count: number, lock = NEW, taker = frame(RATE, 31)): ProfileRecord {
	return record(count, ...lock.map((func) => frame(func)), taker);
}

/** Past the lock: what is called there, and from which line of the taker. */
function inside(line: number, func = RATE): ProfileRecord {
	return record(1, frame("time.Sleep"), frame("main.fetchRate", 50), frame(func, line));
}

function profiles(...samples: readonly ProfileRecord[][]): readonly GoroutineProfile[] {
	return samples.map((records) => ({ total: 100, records }));
}

const queue = (n: number) => times(20, () => [waiting(n), inside(36)]);

test("a queue in every sample: the type is named, and the line where the lock is held", () => {
	const service = { profiles: profiles(...queue(17)) };
	const { holder, ...rest } = gist(service, "lock-contention") ?? {};
	assert.deepEqual(rest, { count: 17, level: "suspected", severity: "warning", causes: [] });
	assert.equal(holder, `${RATE}:36`);
	const finding = found(service, "lock-contention");
	assert.match(finding?.title ?? "", /^17 goroutines at a time wait for a lock of main\.\(\*RateTable\)$/);
	assert.match(finding?.evidence[0]?.quote ?? "", /rates\.go:31/);
	assert.deepEqual(alarms(service), ["lock-contention"]);
});

test("under the names of older Go, and a reader of an RWMutex, too", () => {
	for (const lock of [OLD, READER]) {
		const samples = times(20, () => [waiting(9, lock), inside(36)]);
		assert.equal(found({ profiles: profiles(...samples) }, "lock-contention")?.count, 9);
	}
});

test("who holds it in another method of the type is named with less confidence, and by full dumps only", () => {
	const reload = "main.(*RateTable).Reload";
	const other = { profiles: profiles(...times(20, () => [waiting(9), inside(77, reload)])) };
	assert.equal(found(other, "lock-contention")?.candidates[0]?.func, reload);
	assert.equal(found(other, "lock-contention")?.holder, undefined);
	const request = (goid: number) => handler(goid, { state: "sleep", calls: [call("time.Sleep")] });
	const finding = found({ ...other, dumps: [[request(7)], [request(8)]] }, "lock-contention");
	assert.equal(finding?.holder?.func, reload);
	const same = found({ profiles: profiles(...queue(9)) }, "lock-contention");
	assert.ok((finding?.holder?.confidence ?? 1) < (same?.holder?.confidence ?? 0));
});

test("nobody caught with the lock: nobody is named, and the finding says so", () => {
	const finding = found({ profiles: profiles(...times(20, () => [waiting(9)])) }, "lock-contention");
	assert.equal(finding?.holder, undefined);
	assert.match(finding?.holderGap ?? "", /nobody was caught with the lock/);
});

test("the mutex profile of the window: how long they waited, and who gave it back", () => {
	const unlock = ["internal/sync.(*Mutex).Unlock", "sync.(*Mutex).Unlock"];
	const mutex = [
		profileOf(
			DELAY,
			[500e9, ...unlock, "main.(*RateTable).Rate:38"],
			[900e9, ...unlock, "main.(*Other).Do:9"],
		),
		profileOf(
			DELAY,
			[650e9, ...unlock, "main.(*RateTable).Rate:38"],
			[10e9, ...unlock, "main.(*RateTable).Reload:80"],
			[990e9, ...unlock, "main.(*Other).Do:9"],
		),
	];
	const unseen = { profiles: profiles(...times(20, () => [waiting(16)])), counted: { mutex } };
	const finding = found(unseen, "lock-contention");
	assert.equal(`${finding?.holder?.func}:${finding?.holder?.line}`, `${RATE}:38`);
	assert.match(
		finding?.holder?.how ?? "",
		/^94 % of the time waited ended when this line gave the lock back/,
	);
	assert.match(finding?.story ?? "", /by the mutex profile they waited 3 min in all, within 10\.0 s/);
	assert.match(finding?.evidence[1]?.quote ?? "", /^3 min main\.\(\*RateTable\)\.Rate .*:38\n10\.0 s main/);
	assert.equal(finding?.level, "suspected");
	// Seen with it, and its function gave it back: the line where the time goes is the better one.
	const seen = found({ ...unseen, profiles: profiles(...queue(16)) }, "lock-contention");
	assert.equal(seen?.holder?.line, 36);
	// The same totals as before: nobody waited in the window; and a process that began anew.
	for (const ends of [[mutex[1], mutex[1]], [...mutex].reverse()]) {
		const still = { ...unseen, counted: { mutex: ends.flatMap((each) => each ?? []) } };
		assert.equal(found(still, "lock-contention")?.holder, undefined);
	}
});

test("silent: a busy lock with one or two waiting, a burst, too few samples", () => {
	assert.deepEqual(alarms({ profiles: profiles(...queue(2)) }), []);
	const burst = times(20, (i) => (i < 8 ? [waiting(40)] : [inside(36)]));
	assert.deepEqual(alarms({ profiles: profiles(...burst) }), []);
	assert.deepEqual(alarms({ profiles: profiles([waiting(17)], [waiting(17)]) }), []);
});

test("silent where nobody gets the lock any more: that is a deadlock, and another finding", () => {
	const blocked: Doing = {
		state: "sync.Mutex.Lock",
		calls: NEW.map((func) => call(func, "0xc0000fa1c8")),
	};
	const stuck = times(17, (i) => [
		handler(100 + 2 * i, blocked, app(RATE, 31)),
		requestReader(101 + 2 * i, 100 + 2 * i),
	]);
	const dumps = [stuck.flat(), stuck.flat()];
	assert.equal(found({ dumps, profiles: profiles(...queue(17)) }, "lock-contention"), undefined);
	const moved = times(17, (i) => [
		handler(200 + 2 * i, blocked, app(RATE, 31)),
		requestReader(201 + 2 * i, 200 + 2 * i),
	]);
	const moving = { dumps: [stuck.flat(), moved.flat()], profiles: profiles(...queue(17)) };
	assert.equal(found(moving, "lock-contention")?.count, 17);
});

test("the caller of Lock is found past the runtime's own frames; a WaitGroup is no lock", () => {
	const parked = ["runtime.gopark", "runtime.goparkunlock", "runtime.semacquire1", ...NEW].map((f) =>
		frame(f),
	);
	assert.equal(lockTaker([...parked, frame(RATE, 31)]), parked.length);
	assert.equal(
		lockTaker([frame("sync.runtime_Semacquire"), frame("sync.(*WaitGroup).Wait"), frame(RATE)]),
		undefined,
	);
	assert.equal(lockTaker([]), undefined);
});

test("a lock belongs to a type, or to a function without its closures", () => {
	assert.equal(
		ownerOf("plumbline.dev/lab/burden.(*RateTable).Rate.func1"),
		"plumbline.dev/lab/burden.(*RateTable)",
	);
	assert.equal(ownerOf("main.Rates.Get"), "main.Rates");
	assert.equal(ownerOf("main.load.func2.1"), "main.load");
	assert.equal(ownerOf("odd"), "odd");
});
