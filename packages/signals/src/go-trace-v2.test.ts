/**
 * Traces of a real program by every release that changed the format: against what the program knows of itself, and
 * against `go tool trace`, event by event.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { GoTrace, TracedGoroutine } from "./go-trace.ts";
import { decodeGoTrace, encodeGoTrace } from "./go-trace-json.ts";
import { decodeGoTraceV2 } from "./go-trace-v2.ts";
import { lineOf, parsedByGo, runTraced, type TracedRun } from "./testing/go-traced.ts";

const TOOLCHAINS = [undefined, "go1.22.12", "go1.23.12", "go1.24.9", "go1.25.3", "go1.27.1"];
/** Programs run beside each other. */
const CONCURRENCY = 2;

test("what a program knows of its goroutines, and go tool trace", { concurrency: CONCURRENCY }, async (t) => {
	await Promise.all(
		TOOLCHAINS.map((toolchain) =>
			t.test(toolchain ?? "the installed Go", async (t) => {
				const ran = await runTraced(t, toolchain);
				if (ran === undefined) return;
				const trace = decodeWhole(ran.bytes);
				checkAgainstProgram(trace, ran);
				checkAgainstGo(trace, await parsedByGo(ran.path));
				checkSecrets(trace, ran.bytes);
			}),
		),
	);
});

test("a trace of Go 1.21 is another format, and is named", async (t) => {
	const ran = await runTraced(t, "go1.21.13");
	if (ran === undefined) return;
	const decoded = decodeGoTraceV2(ran.bytes);
	assert.ok(decoded.kind === "foreign");
	assert.match(
		decoded.found,
		/^an execution trace in the old format, of Go 1\.21; with .* Go 1\.22 or later/,
	);
});

function decodeWhole(bytes: Uint8Array): GoTrace {
	const decoded = decodeGoTraceV2(bytes);
	assert.ok(decoded.kind === "decoded");
	assert.deepEqual(decoded.flaws, []);
	return decoded.value;
}

interface Expected {
	readonly count: number;
	readonly entry?: string;
	/** Function and marked line of the go statement. */
	readonly made?: readonly [func: string, line: number];
	readonly ended?: true;
	readonly reason?: string;
	/** On the blocking stack. */
	readonly blockedIn?: readonly [func: string, line?: number];
}

function expectations({ goVersion }: TracedRun): Record<string, Expected> {
	const made = (func: string, marker: string) => [`main.${func}`, lineOf(marker)] as const;
	const hasCoroutines = !goVersion.startsWith("go1.22");
	return {
		before: { count: 2, reason: "waiting", ...(hasCoroutines ? { blockedIn: ["runtime.chanrecv1"] } : {}) },
		"before-ended": { count: 5, ended: true },
		maker: { count: 11, entry: "main.makeAndGo.func1", made: made("makeAndGo", "MAKER"), ended: true },
		leak: {
			count: 11,
			entry: "main.leak.func1",
			made: made("leak", "LEAK"),
			reason: "chan receive",
			blockedIn: ["main.receiveForEver", lineOf("RECEIVE")],
		},
		mutex: {
			count: 7,
			entry: "main.blockOnMutex.func1",
			made: made("blockOnMutex", "MUTEX"),
			reason: "sync",
			blockedIn: ["sync.(*Mutex).Lock"],
		},
		select: {
			count: 3,
			entry: "main.blockInSelect.func1",
			made: made("blockInSelect", "SELECT"),
			reason: "select",
		},
		ends: { count: 114, entry: "main.endAtOnce.func1", made: made("endAtOnce", "ENDS"), ended: true },
		kernel: {
			count: 1,
			entry: "main.blockInKernel.func1",
			made: made("blockInKernel", "KERNEL"),
			reason: "syscall",
			blockedIn: ["syscall.Read"],
		},
		ping: { count: 1, entry: "main.pingPong.func1", made: made("pingPong", "PING"), ended: true },
		pong: { count: 1, entry: "main.pingPong.func2", made: made("pingPong", "PONG"), ended: true },
		...(hasCoroutines ? { coroutine: { count: 5, reason: "coroutine" } } : {}),
	};
}

function checkAgainstProgram(trace: GoTrace, ran: TracedRun): void {
	const expected = expectations(ran);
	assert.deepEqual(Object.keys(ran.ids).toSorted(), Object.keys(expected).toSorted());
	const byId = new Map(trace.goroutines.map((goroutine) => [goroutine.goid, goroutine]));
	assert.equal(byId.size, trace.goroutines.length);
	for (const [name, wanted] of Object.entries(expected)) {
		const ids = ran.ids[name] ?? [];
		assert.equal(ids.length, wanted.count, name);
		for (const id of ids) checkOne(trace, byId.get(id), wanted, `${name}, goroutine ${id}`);
	}
	for (const id of ran.ids.leak ?? []) {
		assert.ok(ran.ids.maker?.includes(byId.get(id)?.creatorGoid ?? 0), "a leak's creator is a maker");
	}
	const site = trace.sites.find(({ entry }) => entry === "main.leak.func1");
	assert.deepEqual([site?.born, site?.ended], [11, 0]);
	const ends = trace.sites.filter(({ entry }) => entry === "main.endAtOnce.func1");
	assert.deepEqual(ends.map(({ born, ended }) => [born, ended]).toSorted(), [
		[101, 101],
		[13, 13],
	]);
	assert.ok(trace.durationNs > 2.2e9 && trace.durationNs < 20e9, `${trace.durationNs} ns`);
}

function checkOne(trace: GoTrace, found: TracedGoroutine | undefined, wanted: Expected, which: string): void {
	assert.ok(found !== undefined, which);
	const framesOf = (stack: number | undefined) => (stack === undefined ? [] : (trace.stacks[stack] ?? []));
	if (wanted.entry !== undefined) assert.equal(found.entry, wanted.entry, which);
	if (wanted.made !== undefined) {
		const [frame] = framesOf(found.creatorStack);
		assert.deepEqual([frame?.func, frame?.line], wanted.made, which);
		assert.match(frame?.file ?? "", /main\.go$/);
		assert.equal(framesOf(found.creatorStack).at(-1)?.func.startsWith("main."), true, which);
	}
	assert.equal(found.endedNs !== undefined, wanted.ended ?? false, which);
	assert.equal(found.blocked?.reason, wanted.reason, which);
	if (wanted.blockedIn !== undefined) {
		const [func, line] = wanted.blockedIn;
		const frames = framesOf(found.blocked?.stack);
		assert.ok(
			frames.some((frame) => frame.func === func && (line === undefined || frame.line === line)),
			which,
		);
	}
	const { bornNs = 0, endedNs, blocked } = found;
	assert.ok((endedNs ?? blocked?.sinceNs ?? bornNs) >= bornNs, which);
}

interface Reference {
	state: string;
	reason: string;
	made: string | undefined;
}

/** Each transition of a goroutine's state, in the order in which Go's own reader puts them. */
function checkAgainstGo(trace: GoTrace, text: string): void {
	const goroutines = new Map<number, Reference>();
	const counts = { born: 0, ended: 0 };
	for (const event of text.split(/\n(?=M=)/)) {
		const match = /GoID=(\d+) (\w+)->(\w+) Reason="(.*)"/.exec(event);
		if (match === null) continue;
		const [, id, from, to = "", reason = ""] = match;
		const known = goroutines.get(Number(id));
		const stack = /^Stack=\n((?:\t.*\n?)*)/m.exec(event)?.[1];
		if (from === "NotExist") counts.born++;
		if (to === "NotExist") counts.ended++;
		goroutines.set(Number(id), {
			state: to,
			reason: from === to ? (known?.reason ?? "") : reason,
			made: from === "NotExist" ? firstFrameOf(stack) : known?.made,
		});
	}
	assert.deepEqual({ born: trace.born, ended: trace.ended }, counts);
	assert.deepEqual(trace.goroutines.map(({ goid }) => goid).toSorted(), [...goroutines.keys()].toSorted());
	for (const found of trace.goroutines) {
		const wanted = goroutines.get(found.goid);
		const which = `goroutine ${found.goid}`;
		const state = found.endedNs !== undefined ? "NotExist" : found.blocked ? "blocked" : "runs";
		assert.equal(state, STATES[wanted?.state ?? ""], which);
		const [frame] = found.creatorStack === undefined ? [] : (trace.stacks[found.creatorStack] ?? []);
		assert.equal(frame && `${frame.func} ${frame.file}:${frame.line}`, wanted?.made, which);
		if (wanted?.state === "Waiting" && wanted.reason !== "") {
			assert.equal(found.blocked?.reason, wanted.reason, which);
		}
	}
}

const STATES: Readonly<Record<string, string>> = {
	NotExist: "NotExist",
	Waiting: "blocked",
	Syscall: "blocked",
	Runnable: "runs",
	Running: "runs",
};

function firstFrameOf(stack: string | undefined): string | undefined {
	const match = /^\t(\S+) @ 0x[0-9a-f]+\n\t\t(\S+)$/m.exec(stack ?? "");
	return match === null ? undefined : `${match[1]} ${match[2]}`;
}

/** The program's own texts are in the trace, and in nothing that is made of it. */
function checkSecrets(trace: GoTrace, bytes: Uint8Array): void {
	const secret = /of-secret|4711-secret/;
	assert.match(new TextDecoder("latin1").decode(bytes), secret);
	const encoded = encodeGoTrace(trace);
	assert.doesNotMatch(new TextDecoder().decode(encoded), secret);
	const decoded = decodeGoTrace(encoded);
	assert.ok(decoded.kind === "decoded");
	assert.deepEqual(decoded.flaws, []);
	const withoutOffsets = ({ sites, goroutines, ...rest }: GoTrace) => ({
		...rest,
		sites: sites.map(({ offset: _, ...site }) => site),
		goroutines: goroutines.map(({ offset: _, ...goroutine }) => goroutine),
	});
	assert.deepEqual(withoutOffsets(decoded.value), withoutOffsets(trace));
	for (const { goid, offset } of decoded.value.goroutines) {
		const row = new TextDecoder().decode(encoded.subarray(offset, offset + `{"goid":${goid}`.length));
		assert.equal(row, `{"goid":${goid}`);
	}
}
