/** A short slice of bench/src/gateway/chaos.ts, with rules that count and do not look at the clock. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { settingsChanges } from "./reload-difference.ts";
import { ChaosClient, type Told } from "./testing/chaos-client.ts";
import { ChaosLoad } from "./testing/chaos-load.ts";
import { ChaosSession, type SessionEnd } from "./testing/chaos-sessions.ts";
import { type ChaosUpstream, startChaosUpstreams } from "./testing/chaos-upstream.ts";
import { settingsOf, type WholeGateway, wholeGateway } from "./testing/whole-gateway.ts";

const REQUESTS_PER_SECOND = 400;
const SESSIONS = 12;
const RACES = 300;

async function upstreamsOf(t: TestContext, count: number): Promise<ChaosUpstream[]> {
	const all = await startChaosUpstreams(count);
	t.after(() => Promise.all(all.map((each) => each.kill())));
	return all;
}

function config(upstreams: readonly ChaosUpstream[], more = ""): string {
	const servers = upstreams.map(({ url }) => `"${url}"`).join();
	return `upstreams: { all: { servers: [${servers}]${more} } }\nroutes: [{ path: /, to: all }]`;
}

async function reload({ running, settings }: WholeGateway, text: string): Promise<void> {
	const next = settingsOf(`listen: 127.0.0.1:0\n${text}`);
	await running.apply(next, new Map(), settingsChanges(settings, next));
}

function noneTwice(upstreams: readonly ChaosUpstream[]): void {
	const all = upstreams.flatMap(({ posts }) => posts);
	assert.equal(new Set(all).size, all.length, "a POST was worked on twice");
}

test("a server that is killed under load costs what its connections carried, and nothing else", async (t) => {
	const upstreams = await upstreamsOf(t, 3);
	const gateway = await wholeGateway(t, config(upstreams));
	const ends: SessionEnd[] = [];
	const sessions = Array.from({ length: SESSIONS }, (_, at) => {
		const kind = at % 2 === 0 ? "websocket" : "stream";
		const path = at % 2 === 0 ? "/" : "/stream";
		return new ChaosSession({ port: gateway.port, kind, path, broken: (end) => ends.push(end) });
	});
	await Promise.all(sessions.map(({ opened }) => opened));
	const load = new ChaosLoad({ port: gateway.port, perSecond: REQUESTS_PER_SECOND });
	await load.more(100);
	let carried = 0;
	for (const one of upstreams.slice(0, 2)) {
		const pool = () => gateway.snapshot().upstreams[0]?.endpoints.find(({ id }) => id === one.place)?.pool;
		const closed = Object.values(pool()?.closedBy ?? {}).reduce((sum, count) => sum + count, 0);
		await one.kill();
		await load.more(100);
		carried += (pool()?.opened ?? 0) - closed;
		await one.start();
		await load.more(100);
	}
	await load.stop();
	for (const session of sessions) session.end();
	const told = load.failures.map(({ method, kind, status }) => `${method} ${kind} ${status}`);
	assert.deepEqual(
		told.filter((each) => each !== "POST answered 502"),
		[],
	);
	assert.ok(told.length <= carried, `${told.length} POSTs were lost, ${carried} connections were`);
	assert.deepEqual(
		ends.filter(({ server }) => server === upstreams[2]?.id),
		[],
	);
	noneTwice(upstreams);
	await gateway.until(
		({ exchanges, listeners }) => exchanges === 0 && listeners.every(({ connections }) => connections === 0),
	);
	for (const { pool, inFlight } of gateway.snapshot().upstreams[0]?.endpoints ?? [])
		assert.deepEqual([inFlight, pool.inUse, pool.waiting], [0, 0, 0]);
});

test("a server that closes idle connections as requests come: no GET notices, no POST is sent twice", async (t) => {
	const [upstream] = await upstreamsOf(t, 1);
	assert.ok(upstream);
	const idleMs = 4;
	await upstream.behave({ idleMs });
	const gateway = await wholeGateway(t, config([upstream]));
	const clients = Array.from({ length: 4 }, () => new ChaosClient(gateway.port));
	t.after(() => {
		for (const client of clients) client.close();
	});
	const lost: Told[] = [];
	await Promise.all(
		clients.map(async (client, at) => {
			for (let n = 0; n < RACES; n++) {
				const method = n % 4 === 3 ? "POST" : "GET";
				const told = await client.ask({ method, path: "/", body: method === "POST" ? `${at} ${n}` : "" });
				if (told.status !== 200 && !(method === "POST" && told.status === 502)) lost.push(told);
				// About when the server closes: before, at and after it.
				await new Promise((resolve) => setTimeout(resolve, idleMs - 1 + (n % 4)));
			}
		}),
	);
	assert.deepEqual(lost, []);
	noneTwice([upstream]);
	const { closedBy, opened } = gateway.snapshot().upstreams[0]?.endpoints[0]?.pool ?? {};
	assert.ok(
		(closedBy?.server ?? 0) + (closedBy?.broken ?? 0) > 0,
		`none of ${opened} was closed by the server`,
	);
});

test("a server that says after how many requests it closes loses none of them", async (t) => {
	const upstreams = await upstreamsOf(t, 2);
	for (const each of upstreams) await each.behave({ requestsMax: 3 });
	const gateway = await wholeGateway(t, config(upstreams));
	const load = new ChaosLoad({ port: gateway.port, perSecond: REQUESTS_PER_SECOND });
	await load.more(500);
	await load.stop();
	assert.deepEqual(load.failures, []);
	noneTwice(upstreams);
});

test("a ring that gains and loses a member moves the keys that it must", async (t) => {
	const upstreams = await upstreamsOf(t, 4);
	const [first, second, third, fourth] = upstreams;
	assert.ok(first && second && third && fourth);
	const ringOf = (members: readonly ChaosUpstream[]) =>
		config(members, `, balance: { hash: "header:x-session" }`);
	const gateway = await wholeGateway(t, ringOf([first, second, third]));
	const keys = Array.from({ length: 400 }, (_, key) => `x-session: s${key}\r\n`);
	const broken: SessionEnd[] = [];
	const held = keys.slice(0, 200).map(
		(fields) =>
			new ChaosSession({
				...{ port: gateway.port, kind: "websocket", path: "/", fields },
				broken: (end) => broken.push(end),
			}),
	);
	await Promise.all(held.map(({ opened }) => opened));
	const client = new ChaosClient(gateway.port);
	t.after(() => client.close());
	const places = async () => {
		const all: (string | undefined)[] = [];
		for (const fields of keys) all.push((await client.ask({ method: "GET", path: "/", fields })).server);
		return all;
	};
	const before = await places();
	assert.deepEqual(
		before.slice(0, 200),
		held.map(({ server }) => server),
	);
	// All of them cross at one moment of the wall clock, for all processes.
	await reload(gateway, ringOf(upstreams));
	await gateway.until(({ upstreams: [live] }) => {
		const { ring } = live ?? {};
		return ring?.stages.length === 2 && ring.crossedShare === 1;
	});
	const added = await places();
	assert.deepEqual(added.slice(0, 200), before.slice(0, 200), "open sessions stay");
	const moved = added.filter((server, at) => server !== before[at]);
	assert.ok(moved.length > 0 && moved.every((server) => server === fourth.id), moved.join());
	await reload(gateway, ringOf([first, third, fourth]));
	const removed = await places();
	assert.deepEqual(
		removed.filter((server, at) => server !== added[at] && added[at] !== second.id),
		[],
	);
	assert.ok(!removed.includes(second.id));
	assert.deepEqual(broken, []);
	for (const session of held) session.end();
});
