import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { after, before, type TestContext, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { promisify } from "node:util";
import { type RateDecision, RateLimiter } from "@plumbline/policy/rate-limit";
import { realTimers } from "@plumbline/resolver/timers";
import { type SharedStore, SharedStores } from "./protect-rate-limit-shared.ts";
import { missingRedis, startRedis, type TestRedis } from "./testing/test-redis.ts";

const skip = missingRedis();
/** So slow that nothing comes back while a test runs. */
const FIVE_AN_HOUR = { requests: 5, perMs: 3_600_000, burst: 5 };
const TIMEOUT_MS = 2000;
const UNTIL_MS_MAX = 20_000;
const now = () => performance.now();

let redis: TestRedis | undefined;
before(async () => {
	if (skip === false) redis = await startRedis();
});
after(() => redis?.stop());

/** As one gateway has them; closed when the test ends. */
function gatewayStore(t: TestContext, url = redis?.url ?? ""): SharedStore {
	const store = new SharedStores({ now, timers: realTimers, random: Math.random }).open(url);
	t.after(() => store.release());
	return store;
}

function ask(
	store: SharedStore,
	name: string,
	rate = FIVE_AN_HOUR,
	timeoutMs = TIMEOUT_MS,
): Promise<RateDecision | undefined> {
	return new Promise((resolve) => store.take(name, rate, timeoutMs, resolve));
}

/** Until nobody waits for an answer that cannot come. */
async function untilDecidedAtOnce(store: SharedStore): Promise<void> {
	const untilMs = now() + UNTIL_MS_MAX;
	for (;;) {
		let told: RateDecision | "waits" | undefined = "waits";
		store.take("at once", FIVE_AN_HOUR, 100, (decision) => {
			told = decision;
		});
		if (told === undefined) return;
		assert.ok(now() < untilMs, `still asked after ${UNTIL_MS_MAX} ms`);
		await pause(5);
	}
}

/** A question nobody else asks, until it is answered. */
async function untilAnswered(store: SharedStore): Promise<void> {
	const untilMs = now() + UNTIL_MS_MAX;
	while ((await ask(store, `until ${now()}`, FIVE_AN_HOUR, 100)) === undefined) {
		assert.ok(now() < untilMs, `not answered after ${UNTIL_MS_MAX} ms`);
		await pause(5);
	}
}

test("two gateways count together, and say what one alone would say", { skip }, async (t) => {
	const stores = [gatewayStore(t), gatewayStore(t)] as const;
	for (const store of stores) await untilAnswered(store);
	const alone = new RateLimiter({ ratePerSecond: 5 / 3600, burst: 5 });
	for (let at = 0; at < 8; at++) {
		const together = await ask(stores[at % 2 === 0 ? 0 : 1], "two gateways");
		const { allowed, remaining, retryAfterMs, resetMs } = alone.take("key", 0);
		assert.ok(together !== undefined);
		assert.equal(together.allowed, allowed, `request ${at}`);
		assert.equal(together.remaining, remaining);
		// Its clock goes on between the questions.
		assert.ok(Math.abs((together.retryAfterMs ?? 0) - (retryAfterMs ?? 0)) < UNTIL_MS_MAX);
		assert.ok(Math.abs(together.resetMs - resetMs) < UNTIL_MS_MAX);
	}
});

test("many at once through two gateways have no more than the rate gives", { skip }, async (t) => {
	const stores = [gatewayStore(t), gatewayStore(t)] as const;
	for (const store of stores) await untilAnswered(store);
	const rate = { requests: 1000, perMs: 1000, burst: 50 };
	const beganMs = now();
	let allowed = 0;
	for (let round = 0; round < 20; round++) {
		const answers = await Promise.all(
			Array.from({ length: 100 }, (_, at) => ask(stores[at % 2 === 0 ? 0 : 1], "many at once", rate)),
		);
		assert.ok(answers.every((answer) => answer !== undefined));
		allowed += answers.filter((answer) => answer?.allowed).length;
	}
	const most = 50 + Math.ceil(now() - beganMs) + 1;
	assert.ok(allowed >= 50 && allowed <= most, `${allowed}, at most ${most}`);
});

test("one that is killed answers nobody, at once; when it is back, it is asked again", {
	skip,
}, async (t) => {
	const own = await startRedis();
	t.after(() => own.stop());
	const store = gatewayStore(t, own.url);
	await untilAnswered(store);
	await own.stop();
	await untilDecidedAtOnce(store);
	const again = await startRedis(own.port);
	t.after(() => again.stop());
	await untilAnswered(store);
});

test("one that is there but silent costs three timeouts, not one a request", { skip }, async (t) => {
	const own = await startRedis();
	t.after(() => own.stop());
	const store = gatewayStore(t, own.url);
	await untilAnswered(store);
	own.freeze();
	for (let asked = 0; asked < 3; asked++)
		assert.equal(await ask(store, "silent", FIVE_AN_HOUR, 20), undefined);
	let atOnce = false;
	store.take("silent", FIVE_AN_HOUR, TIMEOUT_MS, () => {
		atOnce = true;
	});
	assert.ok(atOnce);
	own.thaw();
	await untilAnswered(store);
});

test("a connection whose way has gone dead is made anew", { skip }, async (t) => {
	const own = await startRedis();
	// What came before stays open and silent; whoever connects later gets through.
	let isDead = false;
	const sockets: Socket[] = [];
	const way = createServer((client) => {
		const server = connect(own.port, "127.0.0.1");
		sockets.push(client, server);
		for (const [from, to] of [
			[client, server],
			[server, client],
		] as const) {
			from.on("error", () => to.destroy());
			from.on("close", () => to.destroy());
			from.on("data", (bytes) => {
				if (!isDead || sockets.indexOf(client) >= deadBefore) to.write(bytes);
			});
		}
	});
	let deadBefore = 0;
	await new Promise<void>((resolve) => way.listen(0, "127.0.0.1", resolve));
	t.after(async () => {
		for (const socket of sockets) socket.destroy();
		way.close();
		await own.stop();
	});
	const store = gatewayStore(t, `redis://127.0.0.1:${(way.address() as AddressInfo).port}/0`);
	await untilAnswered(store);
	deadBefore = sockets.length;
	isDead = true;
	for (let asked = 0; asked < 3; asked++) assert.equal(await ask(store, "dead", FIVE_AN_HOUR, 20), undefined);
	await untilAnswered(store);
	assert.ok(sockets.length > deadBefore);
});

test("a wrong password is no answer, and is told to nobody", { skip }, async (t) => {
	const own = await startRedis(undefined, "right-secret");
	t.after(() => own.stop());
	const { stdout, stderr } = await promisify(execFile)(process.execPath, [
		"--input-type=module-typescript",
		"--eval",
		`
		import { SharedStores } from ${JSON.stringify(import.meta.resolve("./protect-rate-limit-shared.ts"))};
		import { realTimers } from ${JSON.stringify(import.meta.resolve("@plumbline/resolver/timers"))};
		const stores = new SharedStores({ now: () => performance.now(), timers: realTimers, random: Math.random });
		const ask = (store) => new Promise((resolve) => store.take("x", { requests: 5, perMs: 1e6, burst: 5 }, 500, resolve));
		const open = (user) => stores.open("redis://" + user + "127.0.0.1:${own.port}");
		const [wrong, none, right] = [open(":wrong-secret@"), open(""), open(":right-secret@")];
		const answers = new Set();
		for (let asked = 0; asked < 30; asked++) {
			while ((await ask(right)) === undefined) await new Promise(setImmediate);
			answers.add(await ask(wrong)).add(await ask(none));
			await new Promise((resolve) => setTimeout(resolve, 10));
		}
		console.log("answers", ...answers);
		for (const store of [wrong, none, right]) store.release();
		`,
	]);
	assert.equal(stdout + stderr, "answers undefined\n");
});

test("what a client sent is not written there, and goes when it counts no more", { skip }, async (t) => {
	const store = gatewayStore(t);
	await untilAnswered(store);
	await ask(store, "orders\nper-user\nsecret-token", { requests: 1, perMs: 60_000, burst: 1 });
	const { Redis } = await import("ioredis");
	const reader = new Redis(redis?.url ?? "");
	t.after(() => reader.disconnect());
	const keys = await reader.keys("*");
	assert.ok(keys.length > 0 && keys.every((key) => /^plumbline:rate:[\w-]{22}$/.test(key)), keys.join(" "));
	const lives = await Promise.all(keys.map((key) => reader.pttl(key)));
	assert.ok(lives.every((ms) => ms > 0 && ms <= 3_600_000 + 1));
});

test("an arrival time that cannot be counts as one burst", { skip }, async (t) => {
	const store = gatewayStore(t);
	await untilAnswered(store);
	const { Redis } = await import("ioredis");
	const writer = new Redis(redis?.url ?? "");
	t.after(() => writer.disconnect());
	const before = new Set(await writer.keys("*"));
	await ask(store, "from the future");
	for (const key of await writer.keys("*")) if (!before.has(key)) await writer.set(key, "9e18");
	const answer = await ask(store, "from the future");
	assert.equal(answer?.allowed, false);
	assert.equal(answer?.retryAfterMs, 720_000);
	for (const key of await writer.keys("*")) if (!before.has(key)) await writer.set(key, "no number");
	assert.equal((await ask(store, "from the future"))?.remaining, 4);
});

test("limits of one URL share a connection, which goes with the last of them", { skip }, () => {
	const stores = new SharedStores({ now, timers: realTimers, random: Math.random });
	const url = redis?.url ?? "";
	const first = stores.open(url);
	const second = stores.open(url);
	assert.equal(stores.size, 1);
	first.release();
	first.release();
	assert.equal(stores.size, 1);
	second.release();
	assert.equal(stores.size, 0);
});
