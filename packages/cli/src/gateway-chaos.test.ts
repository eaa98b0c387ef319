/** The real gateway, as a process, is reloaded, restarted and replaced under load: a short slice of bench/src/gateway/chaos.ts. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { ChaosGateway } from "@plumbline/gateway/testing/chaos-gateway";
import { ChaosLoad } from "@plumbline/gateway/testing/chaos-load";
import { ChaosSession, type SessionEnd } from "@plumbline/gateway/testing/chaos-sessions";
import { type ChaosUpstream, startChaosUpstreams } from "@plumbline/gateway/testing/chaos-upstream";
import { loadLibc } from "@plumbline/kernel/libc";
import { dumpSockets, TIME_WAIT_STATE } from "@plumbline/kernel/sock-diag";

const PER_SECOND = 300;
const RELOADS = 15;
const SESSIONS = 8;
const OURS_MAX = 100;
const ROWS_MAX = 100_000;

interface Run {
	readonly gateway: ChaosGateway;
	readonly upstreams: readonly ChaosUpstream[];
	readonly load: ChaosLoad;
	/** Sessions that were not ended by us. */
	readonly ends: readonly SessionEnd[];
	end(): Promise<void>;
}

async function run(t: TestContext, config: (upstreams: readonly ChaosUpstream[]) => string): Promise<Run> {
	const upstreams = await startChaosUpstreams(2);
	const gateway = new ChaosGateway();
	t.after(async () => {
		await gateway.stop();
		for (const each of upstreams) await each.kill();
	});
	await gateway.start(config(upstreams));
	const { port } = gateway;
	const ends: SessionEnd[] = [];
	const sessions = Array.from({ length: SESSIONS }, (_, at) => {
		const kind = at % 2 === 0 ? "websocket" : "stream";
		return new ChaosSession({
			...{ port, kind, path: at % 2 === 0 ? "/session" : "/stream" },
			broken: (end) => ends.push(end),
		});
	});
	await Promise.all(sessions.map(({ opened }) => opened));
	const load = new ChaosLoad({ port, perSecond: PER_SECOND });
	return {
		...{ gateway, upstreams, load, ends },
		async end() {
			await load.stop();
			for (const session of sessions) session.end();
		},
	};
}

function group(upstreams: readonly ChaosUpstream[]): string {
	return `upstreams: { all: { servers: [${upstreams.map(({ url }) => `"${url}"`)}] } }`;
}

function untouched({ load, ends, upstreams }: Run): void {
	assert.deepEqual(load.failures, []);
	assert.deepEqual(ends, []);
	const posts = upstreams.flatMap((each) => each.posts);
	assert.equal(new Set(posts).size, posts.length, "a POST was worked on twice");
}

test("reloads, one after another, under load: no request fails, sessions on unchanged routes live", async (t) => {
	const config = (upstreams: readonly ChaosUpstream[], round: number) =>
		[
			"workers: 1",
			group(upstreams),
			"routes:",
			"  - { path: /session, to: all }",
			"  - { path: /stream, to: all }",
			`  - { path: /r${round % 3}, to: all }`,
			`  - { path: /, to: all, response: { set: { x-round: "${round}" } } }`,
		].join("\n");
	const chaos = await run(t, (upstreams) => config(upstreams, 0));
	for (let round = 1; round <= RELOADS; round++) {
		const text = config(chaos.upstreams, round);
		const isBroken = round % 5 === 0;
		chaos.gateway.configure(isBroken ? text.replace("workers", "wrokers") : text);
		await chaos.gateway.said(isBroken ? /the old one stays/ : /configuration read again: route/);
		await chaos.load.more(20);
	}
	await chaos.end();
	untouched(chaos);
});

test("new workers, and then a new program, take over under load: no request fails, sessions live on", async (t) => {
	const libc = await loadLibc();
	if (libc.kind === "refused") return t.skip(`missing tool: koffi (${libc.why})`);
	const chaos = await run(t, (upstreams) => `workers: 2\n${group(upstreams)}\nroutes: [{ to: all }]`);
	await chaos.load.more(50);
	for (let round = 0; round < 2; round++) {
		chaos.gateway.signal("SIGUSR1");
		await chaos.gateway.said(/new workers serve/);
		await chaos.load.more(50);
	}
	const before = chaos.gateway.pid;
	await chaos.gateway.handOver();
	assert.notEqual(chaos.gateway.pid, before);
	await chaos.load.more(100);
	await chaos.end();
	untouched(chaos);
});

test("an upstream that closes after every ten requests has the TIME_WAIT, and not the gateway", async (t) => {
	const chaos = await run(t, (upstreams) => `workers: 1\n${group(upstreams)}\nroutes: [{ to: all }]`);
	for (const each of chaos.upstreams) await each.behave({ requestsMax: 10 });
	await chaos.load.more(1_000);
	await chaos.end();
	untouched(chaos);
	for (const { port } of chaos.upstreams) {
		const dump = await dumpSockets({ states: TIME_WAIT_STATE, peerPort: port, rowsMax: ROWS_MAX });
		if (dump.kind === "refused") return t.skip(`not possible here: ${dump.why}`);
		assert.ok(dump.value.rows < OURS_MAX, `${dump.value.rows} on our side`);
	}
});
