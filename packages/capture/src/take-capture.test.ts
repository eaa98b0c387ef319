import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { type TestContext, test } from "node:test";
import type { Capture } from "@plumbline/signals/capture";
import { systemClock } from "./clock.ts";
import { type CaptureRequest, takeCapture } from "./take-capture.ts";
import { dumpOf, profileOf, servePprof } from "./testing/pprof-server.ts";

interface Hooks {
	readonly signal?: AbortSignal;
	readonly progress?: (text: string) => void;
}

function take(
	request: Partial<CaptureRequest>,
	{ signal, progress = () => {} }: Hooks = {},
): Promise<Capture> {
	const context = {
		clock: systemClock,
		signal: signal ?? new AbortController().signal,
		progress,
		takenBy: "test",
	};
	return takeCapture({ windowMs: 700, ...request }, context);
}

function healthy(t: TestContext, goroutines: number): Promise<string> {
	return servePprof(t, (debug, response) =>
		response.end(debug === "1" ? profileOf(goroutines) : dumpOf(goroutines)),
	);
}

function why({ gaps }: Capture, what: string): string {
	return gaps
		.filter((gap) => gap.what === what)
		.map((gap) => gap.why)
		.join("; ");
}

test("every line has its first sample 0 and its last the same number; profiles lie in between", async (t) => {
	const { parts, target } = await take({ pprof: await healthy(t, 7) });
	assert.equal(target.pid, process.pid, "the listener's owner is found");
	const names = parts.map(({ name }) => name);
	assert.equal(new Set(names).size, names.length);
	const last = Math.max(...parts.map(({ sample }) => sample));
	for (const format of ["go-debug2", "fd-table", "process"]) {
		const samples = parts.filter((part) => part.format === format).map(({ sample }) => sample);
		assert.deepEqual(samples, [0, last], format);
	}
	const witnesses = parts.filter(({ format }) => format === "go-debug1").map(({ sample }) => sample);
	assert.deepEqual(
		witnesses,
		Array.from({ length: last + 1 }, (_, i) => i),
	);
});

test("more goroutines than the bound: no full dump, and the gap says what it would cost", async (t) => {
	const pprof = await healthy(t, 90);
	const capture = await take({ pprof, goroutinesMax: 80 });
	assert.ok(capture.parts.every(({ format }) => format !== "go-debug2"));
	assert.match(
		why(capture, "goroutine dump"),
		/^90 goroutines are more than the 80 .* about 4 ms; allow it with --goroutines-max 108$/,
	);
});

test("what is no goroutine dump is a gap that quotes it", async (t) => {
	const answers: [RegExp, string | Buffer][] = [
		[/answered with an empty body/, ""],
		[/something else than a goroutine profile: "<html>"/, "<html>"],
		[/something else than a goroutine profile: /, Buffer.from([0, 255, 27, 91, 50, 74, 10, 200])],
	];
	for (const [expected, body] of answers) {
		const pprof = await servePprof(t, (_, response) => response.end(body));
		const capture = await take({ pprof, windowMs: 50 });
		assert.match(why(capture, "goroutines"), expected);
		assert.ok(!why(capture, "goroutines").includes("\x1b"), "a terminal is not steered");
		assert.ok(capture.parts.every(({ format }) => !format.startsWith("go-debug")));
	}
	const empty = await servePprof(t, (debug, response) => response.end(debug === "1" ? profileOf(3) : ""));
	assert.match(why(await take({ pprof: empty, windowMs: 50 }), "goroutine dump"), /empty body/);
});

test("an answer cut before it can be told is not called something else", async (t) => {
	const pprof = await servePprof(t, (_, response) => {
		response.writeHead(200, { "content-length": "99999" });
		response.write("gor", () => response.destroy());
	});
	const capture = await take({ pprof, windowMs: 50 });
	assert.match(why(capture, "goroutines"), /ended too early: the connection broke after 3 bytes: "gor"$/);
});

test("a dump whose connection breaks is kept and marked", async (t) => {
	const pprof = await servePprof(t, (debug, response) => {
		if (debug === "1") return response.end(profileOf(40));
		response.writeHead(200, { "content-length": "99999" });
		response.write(dumpOf(40), () => response.destroy());
	});
	const { parts } = await take({ pprof, windowMs: 50 });
	const dump = parts.find(({ format }) => format === "go-debug2");
	assert.match(dump?.truncated ?? "", /the connection broke after \d+ bytes/);
	assert.equal(Buffer.from(dump?.bytes ?? []).toString(), dumpOf(40));
});

test("an endpoint that hangs costs its gap, not the other lines", async (t) => {
	const capture = await take({ pprof: await servePprof(t, () => {}), windowMs: 50 });
	assert.match(why(capture, "goroutines"), /did not answer within \d+ ms/);
	assert.deepEqual(
		capture.parts.filter(({ format }) => format === "process").map(({ sample }) => sample),
		[0, 1],
	);
});

test("secrets in labels never reach the capture", async (t) => {
	const labels = '# labels: {"handler":"/orders", "token":"s3cr3t-value"}\n';
	const profile = profileOf(3).replace("#\t", `${labels}#\t`);
	const pprof = await servePprof(t, (_, response) => response.end(profile));
	const { parts } = await take({ pprof, windowMs: 50 });
	const text = Buffer.from(parts.find(({ format }) => format === "go-debug1")?.bytes ?? []).toString();
	assert.match(text, /"handler":"\/orders", "token":"\*\*\*"/);
});

test("a process that ends in the middle leaves what was read and the reason for the rest", async () => {
	const child = spawn("sleep", ["600"]);
	const exited = once(child, "exit");
	const progress = (text: string) => void (text.startsWith("watching") && child.kill());
	const capture = await take({ pid: child.pid ?? 0 }, { progress });
	await exited;
	assert.equal(why(capture, "target"), `process ${child.pid} ended during the window`);
	const samples = capture.parts.map(({ sample }) => sample);
	assert.ok(samples.length > 0 && samples.every((sample) => sample === 0));
});

test("a process that never was is no target", async () => {
	await assert.rejects(take({ pid: 4_194_304 }), {
		name: "TargetError",
		message: "no process with id 4194304 runs on this host",
	});
});

test("an interrupt ends a capture in any phase", async (t) => {
	const pprof = await healthy(t, 7);
	for (const phase of ["looking", "first", "watching", "last"]) {
		const stop = new AbortController();
		const progress = (text: string) => void (text.startsWith(phase) && stop.abort());
		await assert.rejects(take({ pprof }, { signal: stop.signal, progress }), { name: "AbortError" }, phase);
	}
	await assert.rejects(take({ pprof }, { signal: AbortSignal.abort() }), { name: "AbortError" });
});
