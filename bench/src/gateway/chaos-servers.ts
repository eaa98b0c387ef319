/** Upstreams that die, hang, are slow, reset and flap; pools that are full; servers that close idle connections. */
import type { LoadRecord } from "@plumbline/gateway/testing/chaos-load";
import type { SessionEnd } from "@plumbline/gateway/testing/chaos-sessions";
import type { ChaosUpstream } from "@plumbline/gateway/testing/chaos-upstream";
import { mayHaveBeenDone, type Scenario, SEEN_MS_MAX, type Stage, wait, wasLost } from "./chaos-stage.ts";

/** Idle connections go soon, so that what is left over is seen soon. */
const POOL = "pool: { idle: 1s, linger: 1s }";
const UP_MS = 2_000;
const DOWN_MS = 1_500;
const HANG_MS = 4_000;
const HEAD_MS = 500;
const HEALTH_MS = 250;
/** Two checks that are not answered, and the turn of the checks. */
const NOTICED_MS = 4 * HEALTH_MS + SEEN_MS_MAX;

function group(upstreams: readonly ChaosUpstream[], more = "", route = ""): string {
	return `workers: 1
drain: 5s
upstreams: { all: { servers: [${upstreams.map(({ url }) => `"${url}"`)}], ${more === "" ? POOL : more} } }
routes: [{ path: /, to: all${route} }]`;
}

/** A session cannot outlive its server. */
function lostWith({ server }: SessionEnd, { outages }: Stage): boolean {
	return server === undefined || outages.some((outage) => outage.server === server);
}

function lostPost(record: LoadRecord, stage: Stage): boolean {
	return wasLost(record, stage) && (mayHaveBeenDone(record) || record.kind === "cut");
}

async function killAndRestart(stage: Stage, one: ChaosUpstream, downMs: number): Promise<void> {
	const outage = { server: one.id, fromMs: performance.now(), toMs: Infinity };
	stage.outages.push(outage);
	await one.kill();
	await wait(downMs);
	await one.start();
	outage.toMs = performance.now();
}

function at(upstreams: readonly ChaosUpstream[], index: number): ChaosUpstream {
	return upstreams[index % upstreams.length] as ChaosUpstream;
}

export const SERVER_SCENARIOS: readonly Scenario[] = [
	{
		name: "killed",
		mayFail: "a POST, or a begun answer, under way when its server was killed; sessions of that server",
		upstreams: 3,
		config: (upstreams) => group(upstreams),
		async play(stage, untilMs) {
			for (let round = 0; performance.now() < untilMs; round++) {
				await wait(UP_MS);
				await killAndRestart(stage, at(stage.upstreams, round), DOWN_MS);
			}
		},
		allows: lostPost,
		allowsEnd: lostWith,
	},
	{
		name: "flapping",
		mayFail: "as killed; one server of three, every second",
		upstreams: 3,
		config: (upstreams) => group(upstreams),
		async play(stage, untilMs) {
			while (performance.now() < untilMs) {
				await killAndRestart(stage, at(stage.upstreams, 0), 400);
				await wait(600);
			}
		},
		allows: lostPost,
		allowsEnd: lostWith,
	},
	{
		name: "hung",
		mayFail: `a POST that was sent to the hung server before ${NOTICED_MS} ms had passed; its sessions`,
		upstreams: 3,
		config: (upstreams) =>
			group(
				upstreams,
				`${POOL}, health: { path: /, every: ${HEALTH_MS}ms, timeout: ${HEALTH_MS}ms, unhealthyAfter: 2, healthyAfter: 1 }`,
				`, timeouts: { head: ${HEAD_MS}ms, idle: 2s }`,
			),
		async play(stage, untilMs) {
			for (let round = 0; performance.now() < untilMs; round++) {
				await wait(UP_MS);
				const one = at(stage.upstreams, round);
				const outage = { server: one.id, fromMs: performance.now(), toMs: Infinity };
				stage.outages.push(outage);
				one.hang();
				await wait(HANG_MS);
				one.wake();
				outage.toMs = performance.now();
			}
		},
		allows: (record, { outages }) =>
			mayHaveBeenDone(record) &&
			outages.some(
				({ fromMs }) =>
					record.beganMs <= fromMs + NOTICED_MS && record.endedMs >= fromMs && record.status === 504,
			),
		allowsEnd: lostWith,
	},
	{
		name: "slow",
		mayFail: "nothing; one server of three takes 400 ms",
		upstreams: 3,
		config: (upstreams) => group(upstreams),
		async play({ upstreams }, untilMs) {
			for (let round = 0; performance.now() < untilMs; round++) {
				const one = at(upstreams, round);
				await one.behave({ delayMs: 400 });
				await wait(UP_MS);
				await one.behave({});
			}
		},
		allows: () => false,
		check({ load, told }) {
			told.push(`p90 ${load.percentile(0.9).toFixed(1)} ms`);
		},
	},
	{
		name: "resetting before the head",
		mayFail: "a POST; every tenth answer of one server of three is a reset",
		upstreams: 3,
		config: (upstreams) => group(upstreams),
		async play({ upstreams }, untilMs) {
			await at(upstreams, 0).behave({ resetEvery: 10, resetAt: "head" });
			await wait(untilMs - performance.now());
			await at(upstreams, 0).behave({});
		},
		allows: mayHaveBeenDone,
	},
	{
		name: "resetting in the body",
		mayFail: "an answer of that server, and it is seen to be cut",
		upstreams: 3,
		config: (upstreams) => group(upstreams),
		async play({ upstreams }, untilMs) {
			await at(upstreams, 0).behave({ resetEvery: 10, resetAt: "body" });
			await wait(untilMs - performance.now());
			await at(upstreams, 0).behave({});
		},
		allows: ({ kind, server }) => kind === "cut" && server === "u0",
	},
	{
		name: "all down",
		mayFail: "what was begun while no server was there; served again within 2 s of their return",
		upstreams: 2,
		config: (upstreams) => group(upstreams, `${POOL}, breaker: { waitMax: 1s }`),
		async play(stage, untilMs) {
			while (performance.now() < untilMs) {
				await wait(3_000);
				await Promise.all(stage.upstreams.map((one) => killAndRestart(stage, one, DOWN_MS)));
			}
			await wait(2_500);
		},
		allows: ({ beganMs, endedMs }, { outages }) =>
			outages.some(({ fromMs, toMs }) => endedMs >= fromMs && beganMs <= toMs + 2_000),
		allowsEnd: () => true,
	},
	{
		name: "full queue",
		mayFail: "503 beyond what 4 connections with 50 ms an answer can carry: 80/s, of which 90 % are reached",
		upstreams: 1,
		sessions: 0,
		config: (upstreams) =>
			group(upstreams, "pool: { idle: 1s, linger: 1s, max: 4, queue: 8, queueTime: 500ms }"),
		async play({ upstreams, load, violations, told }, untilMs) {
			await at(upstreams, 0).behave({ delayMs: 50 });
			const before = load.answered;
			const beganMs = performance.now();
			await wait(untilMs - performance.now());
			const perSecond = ((load.answered - before) * 1_000) / (performance.now() - beganMs);
			told.push(`${perSecond.toFixed(1)} answered a second`);
			if (perSecond < 0.9 * 80) violations.push(`only ${perSecond.toFixed(1)} answered a second`);
			load.perSecond = 40;
			await load.settled();
			const failed = load.failures.length;
			await load.more(100);
			await load.settled();
			if (load.failures.length > failed)
				violations.push(`${load.failures.length - failed} failed when there was room again`);
			await at(upstreams, 0).behave({});
		},
		allows: ({ kind, status }) => kind === "answered" && status === 503,
	},
	{
		name: "idle connections closed",
		mayFail: "a POST on a kept connection; servers close after 20 ms, as requests come",
		upstreams: 3,
		config: (upstreams) => group(upstreams),
		async play({ upstreams }, untilMs) {
			for (const one of upstreams) await one.behave({ idleMs: 20 });
			await wait(untilMs - performance.now());
			for (const one of upstreams) await one.behave({});
		},
		allows: mayHaveBeenDone,
	},
	{
		name: "ten requests a connection",
		mayFail: "nothing; servers say that they close",
		upstreams: 3,
		config: (upstreams) => group(upstreams),
		async play({ upstreams }, untilMs) {
			for (const one of upstreams) await one.behave({ requestsMax: 10 });
			await wait(untilMs - performance.now());
			for (const one of upstreams) await one.behave({});
		},
		allows: () => false,
	},
];
