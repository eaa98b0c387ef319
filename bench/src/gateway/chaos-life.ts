/** The gateway itself is reloaded, restarted, replaced and ended under load. */

import type { SessionEnd } from "@plumbline/gateway/testing/chaos-sessions";
import type { ChaosUpstream } from "@plumbline/gateway/testing/chaos-upstream";
import { type Scenario, SEEN_MS_MAX, type Stage, wait } from "./chaos-stage.ts";

const RELOAD_MS = 1_000;
const ROLL_MS = 6_000;
const DRAIN_MS = 3_000;
const BROKEN_EVERY = 10;
const END_MS_MAX = DRAIN_MS + 5_000;

function serversOf(upstreams: readonly ChaosUpstream[]): string {
	return `servers: [${upstreams.map(({ url }) => `"${url}"`)}], pool: { idle: 1s, linger: 1s }`;
}

/** Sessions go by routes that never change, requests by one that always does. */
function reloaded(upstreams: readonly ChaosUpstream[], round: number): string {
	return `workers: 1
drain: 5s
upstreams:
  all: { ${serversOf(upstreams)} }
  other: { ${serversOf(upstreams)}, retryBudget: { least: ${3 + (round % 7)} } }
routes:
  - { path: /session, to: all }
  - { path: /stream, to: all }
  - { path: /round${round % 5}, to: other }
  - { path: /, to: ${round % 2 === 0 ? "all" : "other"}, response: { set: { x-round: "${round}" } } }`;
}

function many(upstreams: readonly ChaosUpstream[]): string {
	return `workers: 2
drain: ${DRAIN_MS / 1_000}s
upstreams: { all: { ${serversOf(upstreams)} } }
routes: [{ path: /, to: all }]`;
}

/** Whoever does not end by himself is cut off when the drain is over, not before. */
function drained({ endedMs }: SessionEnd, { outages }: Stage): boolean {
	return outages.some(({ fromMs }) => endedMs >= fromMs + DRAIN_MS - SEEN_MS_MAX);
}

export const LIFE_SCENARIOS: readonly Scenario[] = [
	{
		name: "reload",
		mayFail: "nothing; every second another configuration, every tenth of them broken",
		upstreams: 3,
		config: (upstreams) => reloaded(upstreams, 0),
		async play({ gateway, upstreams, violations, told }, untilMs) {
			let round = 0;
			let refused = 0;
			for (let dueMs = performance.now(); dueMs < untilMs; dueMs += RELOAD_MS) {
				round++;
				const isBroken = round % BROKEN_EVERY === 0;
				const text = reloaded(upstreams, round);
				gateway.configure(isBroken ? text.replace("drain:", "drian:") : text);
				const line = await gateway.said(/configuration read again: |the old one stays/);
				if (/read again/.test(line) === isBroken) violations.push(`round ${round}: ${line}`);
				if (isBroken) refused++;
				await wait(dueMs + RELOAD_MS - performance.now());
			}
			told.push(`${round} configurations, ${refused} of them refused`);
		},
		allows: () => false,
	},
	{
		name: "rolling restart",
		mayFail: `sessions, ${DRAIN_MS / 1_000} s after their worker was told to go; SIGUSR1 every ${ROLL_MS / 1_000} s`,
		upstreams: 3,
		workers: 2,
		config: many,
		async play({ gateway, outages, told }, untilMs) {
			let rolls = 0;
			for (; performance.now() < untilMs; rolls++) {
				await wait(ROLL_MS / 2);
				outages.push({ server: undefined, fromMs: performance.now(), toMs: Infinity });
				gateway.signal("SIGUSR1");
				await gateway.said(/new workers serve/);
				await wait(ROLL_MS / 2);
			}
			told.push(`${rolls} times`);
		},
		allows: () => false,
		allowsEnd: drained,
	},
	{
		name: "new program",
		mayFail: "sessions, as in a rolling restart; SIGUSR2",
		upstreams: 3,
		workers: 2,
		config: many,
		async play({ gateway, outages, told }, untilMs) {
			let times = 0;
			for (; performance.now() < untilMs; times++) {
				await wait(ROLL_MS / 2);
				outages.push({ server: undefined, fromMs: performance.now(), toMs: Infinity });
				await gateway.handOver();
				await wait(ROLL_MS);
			}
			told.push(`${times} times`);
		},
		allows: () => false,
		allowsEnd: drained,
	},
	{
		name: "drain",
		mayFail: "connections refused after SIGTERM; sessions when the drain is over",
		upstreams: 3,
		ends: true,
		config: (upstreams) => many(upstreams).replace("workers: 2", "workers: 1"),
		async play({ gateway, load, outages, violations, sessions }, untilMs) {
			await wait(untilMs - performance.now());
			sessions.reopens = false;
			const fromMs = performance.now();
			outages.push({ server: undefined, fromMs, toMs: Infinity });
			gateway.signal("SIGTERM");
			const ended = await Promise.race([gateway.ended, wait(END_MS_MAX)]);
			if (ended === undefined) violations.push(`has not ended ${END_MS_MAX / 1_000} s after SIGTERM`);
			else if (ended.code !== 0) violations.push(`ended with ${ended.code ?? ended.signal}`);
			await load.settled();
		},
		allows: ({ kind, beganMs }, { outages }) =>
			kind === "refused" && beganMs >= (outages[0]?.fromMs ?? Infinity),
		allowsEnd: drained,
	},
];
