/** A service whose leaked goroutines show nothing of it: who made them has ended, and only the trace saw it. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { readCapture } from "@plumbline/capture/file";
import type { Diagnosis } from "@plumbline/diagnosis/finding";
import { buildService } from "@plumbline/lab/build-service";
import { leakLine } from "@plumbline/lab/leak-marker";
import { startTied } from "@plumbline/lab/tied-process";
import { decodeCapture } from "@plumbline/signals/decode";
import { runPlumbline } from "./testing/run-plumbline.ts";

async function startVanished(t: TestContext): Promise<string | undefined> {
	const build = await buildService({ program: "vanished" });
	if (build.kind === "no-go") {
		t.skip("missing tool: go");
		return undefined;
	}
	assert.ok(build.kind === "built", build.kind === "failed" ? build.why : "");
	const listening = Promise.withResolvers<string>();
	const service = await startTied(build.path, ["127.0.0.1:0"], {
		onLine: (line) => listening.resolve(/^listening on (\S+)$/.exec(line)?.[1] ?? ""),
	});
	t.after(() => service.stop());
	return listening.promise;
}

const PACE = ["--window", "8s", "--json"];

test("--trace-seconds names who made them, and the verdict can be had again from the capture", async (t) => {
	const address = await startVanished(t);
	if (address === undefined) return;
	const folder = mkdtempSync(join(tmpdir(), "trace-seconds-"));
	t.after(() => rmSync(folder, { recursive: true }));
	const file = join(folder, "leak.plumb");
	const flags = [...PACE, "--trace-seconds", "3", "--save", file];
	const [traced, untraced] = [
		await runPlumbline(["diagnose", "--pprof", address, ...flags]),
		await runPlumbline(["diagnose", "--pprof", address, ...PACE]),
	];
	const finding = findingOf(traced.stdout);
	assert.equal(finding?.holder?.func, "main.renew");
	assert.match(finding?.holder?.file ?? "", /cmd\/vanished\/main\.go$/);
	assert.equal(finding?.holder?.line, leakLine("cmd/vanished/main.go"));
	assert.match(
		traced.stderr,
		/^--trace-seconds 3: for 3 s the service writes down every step of its scheduler/m,
	);
	assert.equal(
		findingOf((await runPlumbline(["diagnose", "--from", file, "--json"])).stdout)?.holder?.line,
		finding?.holder?.line,
	);

	const { traces } = decodeCapture(await readCapture(file));
	const [trace] = traces;
	assert.ok(trace !== undefined && trace.value.durationNs > 2.9e9 && trace.value.durationNs < 4e9);
	const renewed = trace.value.sites.find((site) =>
		trace.value.stacks[site.stack]?.some(({ func }) => func === "main.renew"),
	);
	assert.ok(renewed !== undefined && renewed.born >= 12 && renewed.ended === 0);

	const unnamed = findingOf(untraced.stdout);
	assert.ok(unnamed !== undefined);
	assert.equal(unnamed.holder, undefined);
	assert.doesNotMatch(untraced.stderr, /--trace-seconds/);
});

function findingOf(json: string) {
	return (JSON.parse(json) as Diagnosis).findings.find(({ id }) => id === "goroutine-leak");
}

test("longer than the window, or of a service without pprof", async () => {
	const long = await runPlumbline(["diagnose", "--pid", "1", "--window", "5s", "--trace-seconds", "6"]);
	assert.equal(long.code, 2);
	assert.match(long.stderr, /--trace-seconds 6 is longer than the window of 5 s/);
	const none = await runPlumbline(["diagnose", "--pid", "1", "--trace-seconds", "x"]);
	assert.equal(none.code, 2);
	assert.match(none.stderr, /--trace-seconds wants a whole number of seconds such as 3, not "x"/);
	const blind = ["diagnose", "--pid", String(process.pid), "--window", "1s", "--trace-seconds", "1"];
	assert.match(
		(await runPlumbline(blind)).stdout,
		/execution trace \(--trace-seconds needs net\/http\/pprof/,
	);
});
