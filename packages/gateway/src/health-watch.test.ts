import assert from "node:assert/strict";
import { test } from "node:test";
import type { HealthSettings } from "./settings.ts";
import { groupStage, server, upstream } from "./testing/group-stage.ts";

const health: HealthSettings = {
	...{ check: { kind: "tcp" }, everyMs: 1_000, timeoutMs: 500 },
	...{ healthyAfter: 2, unhealthyAfter: 3, dns: false },
};

test("so many checks in a row decide, one way and the other; never two at once", async () => {
	const { time, dials, ids, told, group } = groupStage(
		upstream([server("192.0.2.1"), server("192.0.2.2")], { health }),
	);
	told();
	/** The checks of the first fail or succeed, those of the second are always well. */
	const round = async (isWell: boolean) => {
		await time.pass(0);
		assert.equal(dials.pending.length, 2);
		if (isWell) dials.succeed();
		else dials.fail();
		dials.succeed();
		await time.pass(1_000);
	};
	for (const isWell of [false, false, true, false, false]) await round(isWell);
	assert.equal(ids().length, 2, "not in a row");
	await round(false);
	assert.deepEqual(ids(), ["192.0.2.2:80"]);
	for (const isWell of [true, false, true]) await round(isWell);
	assert.deepEqual(ids(), ["192.0.2.2:80"]);
	await round(true);
	assert.equal(ids().length, 2);
	assert.deepEqual(told(), [
		"out 192.0.2.1:80: unhealthy: refused",
		"in 192.0.2.1:80: unhealthy: 2 checks in a row succeeded",
	]);
	assert.equal(dials.connections.size, 0, "no connection of a check is left");
	group.close();
	assert.equal(dials.pending.length, 0);
	assert.equal(time.waiting(), 0);
});

test("a check that is not answered ends in its time, and only then the next begins", async () => {
	const { time, dials } = groupStage(upstream([server("192.0.2.1")], { health }));
	await time.pass(0);
	assert.equal(dials.dialled, 1);
	await time.pass(499);
	assert.equal(dials.pending.length, 1);
	await time.pass(1);
	assert.equal(dials.pending.length, 0, "given up");
	await time.pass(899);
	assert.equal(dials.dialled, 1);
	await time.pass(1);
	assert.equal(dials.dialled, 2);
});

test("when all are unhealthy all are used, except those that are out for other reasons", async () => {
	const servers = [server("192.0.2.1"), server("192.0.2.2"), server("192.0.2.3")];
	const { time, dials, ids, group } = groupStage(
		upstream(servers, { health: { ...health, unhealthyAfter: 1 } }),
	);
	group.takeOut("192.0.2.3:80");
	await time.pass(0);
	dials.fail();
	assert.deepEqual([ids(), group.counts.panic], [["192.0.2.2:80"], false]);
	dials.fail();
	assert.deepEqual([ids(), group.counts.panic], [["192.0.2.1:80", "192.0.2.2:80"], true]);
	dials.fail();
	group.update(upstream(servers));
	assert.deepEqual([ids(), group.counts.panic], [["192.0.2.1:80", "192.0.2.2:80"], false]);
});
