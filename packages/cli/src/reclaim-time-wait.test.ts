/** The whole command against a namespace whose ports have run out, until they have not. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { dumpSockets, TIME_WAIT_STATE } from "@plumbline/kernel/sock-diag";
import { MAKER, type Maker, startMaker } from "@plumbline/kernel/testing/time-wait-maker";
import { timeWaitRows } from "@plumbline/kernel/time-wait-rows";
import { type Run, type RunOptions, runPlumbline } from "./testing/run-plumbline.ts";

const LAUNCHER = join(import.meta.dirname, "..", "bin", "plumbline");
/** Five seconds, in the kernel's own count of what is left of 60. */
const OLD_ENOUGH_EXPIRES_MS = 55_000;
const HELD = 5;
const FILLED = MAKER.ports - HELD;

function hasNoRights(t: TestContext): boolean {
	if (process.geteuid?.() === 0 && spawnSync("unshare", ["--net", "true"]).status === 0) return false;
	t.skip("not possible here: no right to make a network namespace");
	return true;
}

async function rows(of: Maker) {
	const dump = await dumpSockets({
		namespaceOf: of.pid,
		states: TIME_WAIT_STATE,
		peerPort: MAKER.serverPort,
		rowsMax: 100_000,
	});
	assert.ok(dump.kind === "read");
	return timeWaitRows(dump.value.bytes).rows;
}

test("ports that ran out come back; every refusal is told; live connections stay", async (t) => {
	if (hasNoRights(t)) return;
	const folder = mkdtempSync(join(tmpdir(), "plumbline-reclaim-test-"));
	t.after(() => rmSync(folder, { recursive: true }));
	const child = await startMaker();
	t.after(() => child.end());
	const target = ["--peer", MAKER.private4, "--port", String(MAKER.serverPort), "--pid", String(child.pid)];
	const reclaim = (args: readonly string[], options?: RunOptions): Promise<Run> =>
		runPlumbline(["reclaim", "time-wait", ...target, ...args], options);

	for (let i = 0; i < HELD; i++) await child.ask(`hold ${MAKER.private4}`);
	assert.match(await child.ask(`fill ${MAKER.private4} 10000`), /^EADDRNOTAVAIL/);
	assert.equal(await child.ask(`hold ${MAKER.private4}`), "EADDRNOTAVAIL");

	const young = await reclaim(["--yes", "--older-than", "59s"]);
	assert.equal(young.code, 0);
	assert.match(young.stdout, new RegExp(`stay +${FILLED}, in TIME_WAIT for less than 59 s`));
	assert.match(young.stdout, /Nothing to do/);

	while ((await rows(child)).some(({ expiresMs }) => expiresMs > OLD_ENOUGH_EXPIRES_MS)) await pause(50);
	const dry = await reclaim(["--max", "1000"]);
	assert.equal(dry.code, 0);
	assert.match(dry.stdout, /would go +1000, /);
	assert.match(dry.stdout, new RegExp(`stay +${FILLED - 1000}, more than --max 1000`));
	assert.match(dry.stdout, /Nothing was done\. Say --yes/);
	assert.match(dry.stdout, new RegExp(`nsenter --target ${child.pid}\\s+--net\\s+sysctl -w`));

	const powerless = spawnSync(
		"setpriv",
		["--bounding-set=-net_admin", LAUNCHER, "reclaim", "time-wait", ...target, "--yes"],
		{ encoding: "utf8" },
	);
	assert.equal(powerless.status, 3);
	assert.match(powerless.stderr, /^plumbline: --yes needs CAP_NET_ADMIN[^\n]*\n$/);

	if (existsSync("/dev/full")) {
		const unlogged = await reclaim(["--yes", "--log", "/dev/full"]);
		assert.equal(unlogged.code, 3);
		assert.match(unlogged.stdout, /asked +0\n[\s\S]*the log \/dev\/full\s+cannot\s+be\s+written/);
	}
	assert.equal((await rows(child)).length, FILLED);

	const log = join(folder, "audit.jsonl");
	const stopped = await reclaim(["--yes", "--rate", "100/s", "--log", log], {
		interruptAfter: "Ctrl-C stops",
	});
	assert.equal(stopped.code, 130);
	assert.match(stopped.stdout, /recount +0 of them are still there/);
	const afterStop = (await rows(child)).length;
	assert.ok(afterStop > FILLED - 200, `${afterStop} left`);

	const done = await reclaim(["--yes", "--rate", "20000/s", "--json", "--log", log]);
	assert.equal(done.code, 0, done.stderr);
	const { outcome, dryRun, cure } = JSON.parse(done.stdout);
	assert.deepEqual(outcome, {
		asked: afterStop,
		destroyed: afterStop,
		gone: 0,
		failed: 0,
		interrupted: false,
		remaining: 0,
		why: [],
	});
	assert.equal(dryRun, false);
	assert.equal(cure.length, 3);
	assert.match(await child.ask(`hold ${MAKER.private4}`), /^held/);
	assert.equal(await child.ask("echo"), "alive 6 of 6");
	auditHolds(log);
});

/** Everything destroyed was asked for before, once; two runs, each with its plan and its recount. */
function auditHolds(path: string): void {
	assert.equal(statSync(path).mode & 0o777, 0o600);
	const lines = readFileSync(path, "utf8")
		.trimEnd()
		.split("\n")
		.map((line) => JSON.parse(line));
	assert.equal(lines.filter(({ event }) => event === "planned").length, 2);
	assert.equal(lines.filter(({ event }) => event === "recounted").length, 2);
	const asked = new Set<string>();
	let destroyed = 0;
	for (const { event, sockets, time } of lines) {
		assert.match(time, /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
		if (event !== "asked" && event !== "answered") continue;
		assert.ok(sockets.length <= 64);
		for (const { cookie, fate, ageMs, local } of sockets) {
			if (event === "asked") {
				assert.ok(!asked.has(cookie) && ageMs >= 5000 && local.startsWith(MAKER.private4));
				asked.add(cookie);
			} else {
				assert.ok(asked.has(cookie));
				assert.equal(fate, "destroyed");
				destroyed++;
			}
		}
	}
	assert.equal(destroyed, FILLED);
}
