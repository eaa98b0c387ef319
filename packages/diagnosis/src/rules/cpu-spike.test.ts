import assert from "node:assert/strict";
import { test } from "node:test";
import type { Profile, ProfileFrame } from "@plumbline/signals/profiles";
import { alarms, found } from "../testing/verdict.ts";

function frame(func: string, line = 1): ProfileFrame {
	return { func, file: `/srv/${func}.go`, line };
}

/** Seconds of CPU time on each stack. */
function profile(...stacks: readonly (readonly [seconds: number, ...frames: ProfileFrame[]])[]): Profile {
	const frames = stacks.map(([, ...rest]) => rest);
	return {
		types: [
			{ type: "samples", unit: "count" },
			{ type: "cpu", unit: "nanoseconds" },
		],
		count: stacks.length,
		values: BigInt64Array.from(stacks.flatMap(([s]) => [BigInt(s * 100), BigInt(s * 1e9)])),
		stacks: { length: frames.length, at: (i) => frames[i] },
		stackOf: Uint32Array.from(stacks.keys()),
		labels: { length: 0, at: () => undefined },
		labelsOf: new Uint32Array(stacks.length),
		comments: [],
	};
}

const hashing = [
	[6, frame("crypto/sha256.block"), frame("main.stretch", 22), frame("main.login", 9)],
	[1, frame("main.stretch", 22), frame("main.login", 9)],
	[2, frame("main.render", 40)],
	[0.5, frame("runtime.scanobject"), frame("runtime.gcBgMarkWorker")],
	[0.5, frame("runtime.mallocgc"), frame("runtime.gcAssistAlloc"), frame("main.render", 44)],
] as const;

/** Ten seconds on two processors. */
function using(cpuMs: number, waitingMs = 0) {
	return {
		process: [0, 1].map((i) => ({
			pid: 4711,
			cpuMs: 1000 + i * cpuMs,
			runMs: 900 + i * cpuMs,
			runDelayMs: i * waitingMs,
			ageMs: 60_000 + i * 10_000,
		})),
		go: [{ go_sched_gomaxprocs_threads: 2 }],
	};
}

test("a busy service with a profile: a note that names the line and what the collector has", () => {
	const service = { ...using(19_000), cpu: profile(...hashing) };
	const finding = found(service, "cpu-spike");
	assert.equal(finding?.severity, "note");
	assert.equal(finding?.count, 95);
	assert.equal(`${finding?.holder?.func}:${finding?.holder?.line}`, "main.stretch:22");
	assert.match(finding?.holder?.how ?? "", /^70 % of the CPU profile/);
	assert.equal(finding?.candidates[0]?.func, "main.render");
	assert.match(
		finding?.title ?? "",
		/^The service uses 1\.9 of the 2 processors it may use, 70 % of it in main\.stretch$/,
	);
	assert.match(finding?.story ?? "", /garbage collection is 10 % of the profile/);
	assert.match(finding?.evidence[0]?.quote ?? "", /^6\.00s 60 % crypto\/sha256\.block/);
	assert.deepEqual(alarms(service), []);
});

test("what it waits for counts: a busy host hides no spike", () => {
	const finding = found({ ...using(9_000, 8_000), cpu: profile(...hashing) }, "cpu-spike");
	assert.match(finding?.title ?? "", /uses 0\.9 of the 2 processors it may use and waits for 0\.8 more/);
});

test("what it may use is the lower of the container's limit and GOMAXPROCS; none of both is zero", () => {
	const limited = (cpuLimit: number) => {
		const { process, go } = using(9_000);
		const service = { process: process.map((facts) => ({ ...facts, cpuLimit })), go };
		return found({ ...service, cpu: profile(...hashing) }, "cpu-spike")?.title;
	};
	assert.match(limited(1) ?? "", /uses 0\.9 of the 1 processor it may use/);
	assert.equal(limited(64), undefined);
	assert.equal(limited(0), undefined);
});

test("silent: no profile, a calm service, a profile of another type", () => {
	assert.equal(found(using(19_000), "cpu-spike"), undefined);
	assert.equal(found({ ...using(3_000), cpu: profile(...hashing) }, "cpu-spike"), undefined);
	const heap = { ...profile(...hashing), types: [{ type: "alloc_space", unit: "bytes" }] };
	assert.equal(found({ ...using(19_000), cpu: heap }, "cpu-spike"), undefined);
});

test("many small places: nobody is named", () => {
	const spread = Array.from({ length: 20 }, (_, i) => [1, frame(`main.f${i}`)] as const);
	const finding = found({ ...using(19_000), cpu: profile(...spread) }, "cpu-spike");
	assert.equal(finding?.holder, undefined);
	assert.match(finding?.holderGap ?? "", /no single line/);
});
