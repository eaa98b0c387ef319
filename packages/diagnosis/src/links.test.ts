import assert from "node:assert/strict";
import { test } from "node:test";
import { diagnose } from "./diagnose.ts";
import { opener } from "./testing/goroutines.ts";
import { dbSocket, idleInTx, pool } from "./testing/lines.ts";
import { type Service, signalsOf } from "./testing/service.ts";
import { found, times } from "./testing/verdict.ts";

/** Seven transactions that idle all along, their sockets on these local ports. */
function leaking(socketPorts: (i: number) => number, over: Parameters<typeof dbSocket>[2] = {}): Service {
	return {
		sessions: [20_000, 30_000].map((ms) => times(7, (i) => idleInTx(41_000 + i, ms))),
		sockets: [20_000, 30_000].map((ms) => times(7, (i) => dbSocket(socketPorts(i), ms, over))),
	};
}

test("addresses and ports match: nothing weakens the finding", () => {
	const finding = found(
		leaking((i) => 41_000 + i),
		"tx-open",
	);
	assert.deepEqual(finding?.joins, []);
});

test("only the ports match, as behind NAT: the finding says so and is no surer than that", () => {
	const finding = found(
		leaking((i) => 41_000 + i, { localIp: "172.17.0.2" }),
		"tx-open",
	);
	assert.equal(finding?.confidence, 0.6);
	assert.match(finding?.joins[0]?.reason ?? "", /NAT/);
});

test("more pools open than have counters: the link between dump and counters is doubted", () => {
	const links = (openers: number) =>
		diagnose(
			signalsOf({
				dumps: [0, 1].map(() => times(openers, (i) => opener(5 + i))),
				pools: [0, 1].map(() => [pool({ inUse: 1, idle: 1 })]),
			}),
		).links;
	assert.equal(links(1).find((l) => l.between.includes("runtime"))?.confidence, 1);
	assert.match(
		links(3).find((l) => l.between.includes("runtime"))?.reason ?? "",
		/3 pools are open, but 1 ha/,
	);
});
