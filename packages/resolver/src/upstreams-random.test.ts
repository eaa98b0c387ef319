/** Random lives of servers: whatever they do, an ask stays within its bounds and finds a server that is within reach. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { fakeTime } from "./testing/fake-time.ts";
import { type Behaviour, scriptedServers } from "./testing/scripted-transport.ts";
import type { Ask, Asked, Protocol, UpstreamServer } from "./upstream.ts";
import { createUpstreams } from "./upstreams.ts";

const TRY_MS = 2000;
const WAIT_FOR_RETRY_MS_MAX = 500;

const behaviour = fc.constantFrom<Behaviour>(
	...([
		"well",
		"well",
		"nxdomain",
		"silent",
		"servfail",
		"refused",
		"refused-connection",
		"connection-lost",
	] as const),
	...(["tls", "http", "malformed", "spoofed", "too-many-waiting", "server-failure"] as const),
);

const step = fc.oneof(
	fc.record({ kind: fc.constant("becomes" as const), server: fc.nat(4), behaviour }),
	fc.record({ kind: fc.constant("passes" as const), ms: fc.integer({ min: 1, max: 90_000 }) }),
	fc.record({ kind: fc.constant("asks" as const), asks: fc.integer({ min: 1, max: 7 }) }),
);

const life = fc.record({
	protocols: fc.array(fc.constantFrom<Protocol>("doh", "dot", "tcp", "udp"), { minLength: 1, maxLength: 5 }),
	retriesMax: fc.integer({ min: 0, max: 4 }),
	steps: fc.array(step, { maxLength: 23 }),
});

function serversOf(protocols: readonly Protocol[]): readonly UpstreamServer[] {
	return protocols.map((protocol, index) => ({
		...{ protocol, address: `192.0.2.${index + 1}`, port: 53, tlsName: "dns.example" },
	}));
}

test("tries stay within bounds, and an answer is found if a healthy server is within reach", async () => {
	await fc.assert(
		fc.asyncProperty(life, async ({ protocols, retriesMax, steps }) => {
			const time = fakeTime();
			const scripted = scriptedServers(time);
			const servers = serversOf(protocols);
			const upstreams = createUpstreams({
				...{
					servers,
					retriesMax,
					open: scripted.open,
					now: time.now,
					timers: time.timers,
					random: Math.random,
				},
			});
			const healthy = new Set(servers);
			const ended: Asked[] = [];
			let asks = 0;
			for (const one of steps) {
				if (one.kind === "passes") await time.pass(one.ms);
				else if (one.kind === "becomes") {
					const server = servers[one.server % servers.length];
					if (server === undefined) continue;
					scripted.set(server, one.behaviour);
					if (one.behaviour === "well" || one.behaviour === "nxdomain") healthy.add(server);
					else healthy.delete(server);
				} else {
					asks += one.asks;
					await askAll(one.asks);
				}
			}
			await upstreams.close();
			await time.pass(0);
			assert.equal(time.waiting(), 0);
			assert.equal(ended.length, asks);

			async function askAll(count: number): Promise<void> {
				const before = upstreams.standings();
				const sure = before.slice(0, retriesMax + 1).some(({ server }) => healthy.has(server));
				const anyUp = before.some(({ server, standing }) => healthy.has(server) && standing !== "down");
				const ups = before.filter(({ standing }) => standing !== "down").length;
				const question: Ask = { question: { name: "www.example.", type: 1, class: 1 } };
				const begun = ended.length;
				for (let each = 0; each < count; each++)
					void upstreams.ask(question, new AbortController().signal).then((asked) => {
						assert.ok(asked.tries.length <= 1 + retriesMax);
						for (const { server } of asked.tries)
							assert.ok(asked.tries.filter((one) => one.server === server).length <= 3);
						if (asked.kind === "answered") {
							assert.ok(healthy.has(asked.server));
							const { protocol } = asked.server;
							assert.equal(asked.authenticated, protocol === "doh" || protocol === "dot");
						}
						ended.push(asked);
					});
				await time.pass((1 + retriesMax) * (TRY_MS + WAIT_FOR_RETRY_MS_MAX));
				assert.equal(ended.length, begun + count, "every ask ends in time");
				const answered = ended.slice(begun).every(({ kind }) => kind === "answered");
				// Within reach: one that is up and comes before the tries are used up on others that are up.
				if (anyUp && ups <= 1 + retriesMax)
					assert.ok(answered, "a server that is well was up, and not found");
				// All are up: the order alone says who is reached.
				if (sure && ups === servers.length)
					assert.ok(answered, "a healthy server was among the first, and not found");
			}
		}),
		{ numRuns: 500 },
	);
});
