import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { test } from "node:test";
import { ClientSlots, clientSlots, clientSlotsMax } from "./client-slots.ts";
import { openListener, type Serve } from "./listener.ts";
import { STAGE_TIMEOUTS } from "./testing/h1-stage.ts";
import { TimerWheel } from "./timer-wheel.ts";

test("clients may have three quarters of the descriptors", () => {
	assert.equal(clientSlotsMax("Max processes 1 1\nMax open files            1024   524288   files\n"), 768);
	assert.equal(clientSlotsMax("Max open files            unlimited   unlimited   files\n"), Infinity);
	assert.ok(clientSlots().max > 0);
});

test("listeners share them: who comes when none is left is refused, and a place that is given back is taken", async (t) => {
	const wheel = new TimerWheel();
	const slots = new ClientSlots(1);
	const keep: Serve = (socket) => {
		socket.on("error", () => undefined);
		socket.resume();
		return { open: 0, drain: () => undefined, destroy: () => undefined };
	};
	const parts = { wheel, slots, serveH1: keep, serveH2: keep, timeouts: () => STAGE_TIMEOUTS };
	const settings = {
		name: "slots",
		host: "127.0.0.1",
		port: 0,
		path: undefined,
		tls: undefined,
		protocols: ["h1"] as const,
		connectionsMax: 10,
		connectionsMaxPerClient: 10,
	};
	const [one, two] = [await openListener(settings, parts), await openListener(settings, parts)];
	t.after(async () => {
		await Promise.all([one.close(), two.close()]);
		wheel.close();
	});
	const first = connect(one.port ?? 0, "127.0.0.1");
	await once(first, "connect");
	while (one.counts.open === 0) await new Promise((resolve) => setImmediate(resolve));
	const second = connect(two.port ?? 0, "127.0.0.1");
	const [error] = (await once(second, "error")) as [NodeJS.ErrnoException];
	assert.equal(error.code, "ECONNRESET");
	assert.equal(two.counts.refused, 1);
	first.resetAndDestroy();
	while (one.counts.open === 1) await new Promise((resolve) => setImmediate(resolve));
	const third = connect(two.port ?? 0, "127.0.0.1");
	await once(third, "connect");
	while (two.counts.open === 0) await new Promise((resolve) => setImmediate(resolve));
	assert.deepEqual([two.counts.accepted, two.counts.refused], [1, 1]);
	third.resetAndDestroy();
});
