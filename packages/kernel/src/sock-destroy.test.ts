/** Against the running kernel: thousands of sockets in TIME_WAIT in a namespace of the test's own. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { type TestContext, test } from "node:test";
import { planReclaim, type ReclaimPlan } from "./reclaim-plan.ts";
import { type DestroyOutcome, type DestroyWish, destroySockets } from "./sock-destroy.ts";
import { dumpSockets, TIME_WAIT_STATE } from "./sock-diag.ts";
import { MAKER, type Maker, startMaker } from "./testing/time-wait-maker.ts";
import { type TimeWaitRow, timeWaitRows } from "./time-wait-rows.ts";

const FAST = 1_000_000;

async function maker(t: TestContext): Promise<Maker | undefined> {
	if (process.geteuid?.() !== 0) {
		t.skip("not possible here: not root, so no network namespace of its own");
		return undefined;
	}
	if (spawnSync("unshare", ["--net", "true"]).status !== 0) {
		t.skip("not possible here: no right to make a network namespace");
		return undefined;
	}
	const started = await startMaker();
	t.after(() => started.end());
	return started;
}

async function dump(of: Maker): Promise<readonly TimeWaitRow[]> {
	const reading = await dumpSockets({
		namespaceOf: of.pid,
		states: TIME_WAIT_STATE,
		peerPort: MAKER.serverPort,
		rowsMax: 100_000,
	});
	assert.ok(reading.kind === "read", reading.kind === "refused" ? reading.why : "");
	const { rows, flaws } = timeWaitRows(reading.value.bytes);
	assert.deepEqual(flaws, []);
	return rows;
}

function plan(rows: readonly TimeWaitRow[], peerIp: string, olderThanMs = 0): ReclaimPlan {
	return planReclaim(rows, { peerIp, peerPort: MAKER.serverPort, olderThanMs, max: 1_000_000 });
}

async function destroy(
	of: Maker,
	rows: readonly TimeWaitRow[],
	wish: Partial<DestroyWish> = {},
): Promise<DestroyOutcome> {
	const reading = await destroySockets(rows, { namespaceOf: of.pid, ratePerSecond: FAST, ...wish });
	assert.ok(reading.kind === "read", reading.kind === "refused" ? reading.why : "");
	return reading.value;
}

test("a peer whose ports ran out can be reached again; live connections to it notice nothing", async (t) => {
	const child = await maker(t);
	if (child === undefined) return;
	for (let i = 0; i < 5; i++) assert.match(await child.ask(`hold ${MAKER.private4}`), /^held/);
	const free = MAKER.ports - 5;
	assert.equal(await child.ask(`fill ${MAKER.private4} 10000`), `EADDRNOTAVAIL after ${free}`);
	assert.equal(await child.ask(`hold ${MAKER.private4}`), "EADDRNOTAVAIL");

	const { taken, spared } = plan(await dump(child), MAKER.private4);
	assert.deepEqual(spared, []);
	assert.equal(taken.length, free);
	const outcome = await destroy(child, taken);
	assert.deepEqual(outcome, {
		asked: taken.length,
		destroyed: taken.length,
		gone: 0,
		failed: 0,
		interrupted: false,
	});

	assert.deepEqual(await dump(child), []);
	assert.match(await child.ask(`hold ${MAKER.private4}`), /^held/);
	assert.equal(await child.ask("echo"), "alive 6 of 6");
	assert.match(await child.ask(`fill ${MAKER.private4} 3000`), /^made 3000$/);
});

test("a live connection that has taken over the ports since the dump is left alone, by its cookie", async (t) => {
	const child = await maker(t);
	if (child === undefined) return;
	await child.ask(`fill ${MAKER.private4} 7`);
	const stale = plan(await dump(child), MAKER.private4).taken;
	assert.equal(stale.length, 7);
	assert.equal((await destroy(child, stale)).destroyed, 7);
	for (const { localPort } of stale) {
		assert.equal(await child.ask(`hold ${MAKER.private4} ${localPort}`), `held ${localPort}`);
	}
	const { destroyed, gone, failed } = await destroy(child, stale);
	assert.deepEqual({ destroyed, gone, failed }, { destroyed: 0, gone: 7, failed: 0 });
	assert.equal(await child.ask("echo"), "alive 7 of 7");

	// That it is the cookie that protects: without one, the same request kills.
	const [first] = stale;
	assert.ok(first !== undefined);
	const id = first.id.slice().fill(0xff, 40);
	assert.equal((await destroy(child, [{ ...first, id }])).destroyed, 1);
	assert.equal(await child.ask("echo"), "alive 6 of 7");
});

test("so is one that the kernel itself let reuse a socket in TIME_WAIT", async (t) => {
	const child = await maker(t);
	if (child === undefined) return;
	await child.ask(`fill ${MAKER.private4} 1`);
	const stale = plan(await dump(child), MAKER.private4).taken;
	const port = stale[0]?.localPort;
	const settings = ["net.ipv4.tcp_tw_reuse=1", `net.ipv4.ip_local_port_range=${port} ${port}`];
	const enter = ["--target", String(child.pid), "--net", "sysctl", "-q", "-w"];
	assert.equal(spawnSync("nsenter", [...enter, ...settings]).status, 0);
	// The only port there is; the kernel gives it a second after the close at the earliest.
	let said = "";
	while (said !== `held ${port}`) {
		said = await child.ask(`hold ${MAKER.private4}`);
		assert.ok(said === `held ${port}` || said === "EADDRNOTAVAIL", said);
	}
	assert.equal((await destroy(child, stale)).gone, 1);
	assert.equal(await child.ask("echo"), "alive 1 of 1");
});

test("IPv6 and IPv4-mapped sockets go too; young and public ones never get that far", async (t) => {
	const child = await maker(t);
	if (child === undefined) return;
	for (const host of [MAKER.private6, `::ffff:${MAKER.private4}`, MAKER.public4]) {
		assert.equal(await child.ask(`fill ${host} 11`), "made 11");
	}
	const rows = await dump(child);
	assert.equal(rows.length, 33);
	const counts = (made: ReclaimPlan) => made.spared.map(({ code, count }) => `${count} ${code}`);
	assert.deepEqual(counts(plan(rows, MAKER.public4)), ["22 other-peer", "11 public-address"]);
	assert.deepEqual(counts(plan(rows, MAKER.private6, 59_000)), ["22 other-peer", "11 too-young"]);
	const mapped = plan(rows, MAKER.private4).taken;
	assert.deepEqual(new Set(mapped.map(({ family }) => family)), new Set([10]));
	assert.equal((await destroy(child, mapped)).destroyed, 11);
	assert.equal((await destroy(child, plan(rows, MAKER.private6).taken)).destroyed, 11);
	assert.equal((await dump(child)).length, 11);
});

test("batches are small, asked before they are answered, and an abort stops between two", async (t) => {
	const child = await maker(t);
	if (child === undefined) return;
	await child.ask(`fill ${MAKER.private4} 500`);
	const { taken } = plan(await dump(child), MAKER.private4);
	const stop = new AbortController();
	const seen: string[] = [];
	const outcome = await destroy(child, taken, {
		signal: stop.signal,
		onAsk: (rows) => seen.push(`ask ${rows.length}`),
		onAnswer: (answers) => {
			seen.push(`${answers[0]?.fate} ${answers.length}`);
			if (seen.length === 4) stop.abort();
		},
	});
	assert.deepEqual(seen, ["ask 64", "destroyed 64", "ask 64", "destroyed 64"]);
	assert.deepEqual([outcome.asked, outcome.interrupted], [128, true]);
	assert.equal((await dump(child)).length, 500 - 128);
});

test("without CAP_NET_ADMIN the first batch is the last, and the refusal names the right", async (t) => {
	const child = await maker(t);
	if (child === undefined) return;
	await child.ask(`fill ${MAKER.private4} 200`);
	const { taken } = plan(await dump(child), MAKER.private4);
	const rows = taken.map((row) => ({ ...row, cookie: String(row.cookie), id: [...row.id] }));
	const script = `
		const { destroySockets } = await import(${JSON.stringify(import.meta.resolve("./sock-destroy.ts"))});
		const rows = JSON.parse(require("fs").readFileSync(0)).map((row) => ({ ...row, id: Uint8Array.from(row.id) }));
		console.log(JSON.stringify(await destroySockets(rows, { ratePerSecond: 1e6 })));
	`;
	const inside = ["--target", String(child.pid), "--net", "setpriv", "--bounding-set=-net_admin"];
	const { stdout, stderr } = spawnSync(
		"nsenter",
		[...inside, process.execPath, "-e", `(async () => { ${script} })()`],
		{ input: JSON.stringify(rows), encoding: "utf8" },
	);
	const { value } = JSON.parse(stdout || stderr);
	assert.deepEqual([value.asked, value.destroyed, value.failed], [64, 0, 64]);
	assert.equal(value.stopped.code, "denied");
	assert.match(value.stopped.why, /CAP_NET_ADMIN/);
	assert.equal((await dump(child)).length, 200);
});
