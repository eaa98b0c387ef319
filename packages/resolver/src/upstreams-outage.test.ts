import assert from "node:assert/strict";
import { test } from "node:test";
import { fakeTime } from "./testing/fake-time.ts";
import { type Behaviour, scriptedServers } from "./testing/scripted-transport.ts";
import type { Ask, UpstreamServer } from "./upstream.ts";
import { createUpstreams } from "./upstreams.ts";

const SERVERS: readonly UpstreamServer[] = [
	{ protocol: "doh", address: "192.0.2.1", port: 443, tlsName: "doh.example" },
	{ protocol: "dot", address: "192.0.2.2", port: 853, tlsName: "dot.example" },
	{ protocol: "udp", address: "192.0.2.3", port: 53 },
];
const ASKS = 10_007;
const WWW: Ask = { question: { name: "www.example.", type: 1, class: 1 } };

/** Sends the asks, `asksPerMs` at a time, and counts what came of them and what went out. */
async function flood(behaviours: readonly Behaviour[], asksPerMs: number) {
	const time = fakeTime();
	const scripted = scriptedServers(time);
	const upstreams = createUpstreams({
		...{ servers: SERVERS, open: scripted.open, now: time.now, timers: time.timers, random: () => 0.5 },
	});
	for (const [index, server] of SERVERS.entries()) scripted.set(server, behaviours[index] ?? "well");
	let answered = 0;
	let failed = 0;
	let longestMs = 0;
	for (let begun = 0; begun < ASKS; ) {
		for (let turn = 0; turn < asksPerMs && begun < ASKS; turn++, begun++) {
			const beganMs = time.now();
			void upstreams.ask(WWW, new AbortController().signal).then(({ kind }) => {
				if (kind === "answered") answered++;
				else failed++;
				longestMs = Math.max(longestMs, time.now() - beganMs);
			});
		}
		await time.pass(1);
	}
	for (let steps = 0; answered + failed < ASKS && steps < 100; steps++) await time.pass(100);
	const sent = SERVERS.flatMap((server) => scripted.asked(server).filter((name) => name !== ".")).length;
	await upstreams.close();
	return { answered, failed, sent, longestMs };
}

/** Default budget: a fifth of the asks in its window, at least 10 a second over 10 s. */
const RETRIES_MAX = Math.ceil(ASKS / 5);

for (const how of ["silent", "servfail"] as const)
	test(`all servers ${how}, all asks in one moment: retries stay inside the budget`, async () => {
		const { failed, sent } = await flood([how, how, how], ASKS);
		assert.equal(failed, ASKS);
		assert.ok(sent <= ASKS + RETRIES_MAX, `${sent} questions went out for ${ASKS} asks`);
	});

test("all servers silent, 10 asks a millisecond: those who come after the first time limit send next to nothing", async () => {
	const { failed, sent, longestMs } = await flood(["silent", "silent", "silent"], 10);
	assert.equal(failed, ASKS);
	assert.ok(sent <= ASKS + RETRIES_MAX, `${sent} questions went out for ${ASKS} asks`);
	assert.ok(longestMs <= 6600, `${longestMs} ms: three tries and the waits for a retry`);
});

test("all connections refused, 10 asks a millisecond: a dead set is left alone", async () => {
	const { failed, sent } = await flood(
		["refused-connection", "refused-connection", "refused-connection"],
		10,
	);
	assert.equal(failed, ASKS);
	assert.ok(sent <= ASKS / 5, `${sent} questions went out for ${ASKS} asks`);
});

const FIRST_FAILS = [
	["silent", ASKS],
	["silent", 10],
	["refused-connection", 10],
	["servfail", 10],
] as const;
for (const [how, asksPerMs] of FIRST_FAILS)
	test(`the first server ${how}, ${asksPerMs} asks a millisecond: every ask is answered by the next one`, async () => {
		const { answered, sent, longestMs } = await flood([how, "well", "well"], asksPerMs);
		assert.equal(answered, ASKS);
		assert.ok(sent <= 2 * ASKS, `${sent} questions went out for ${ASKS} asks`);
		assert.ok(longestMs <= 2600, `${longestMs} ms`);
	});
