/**
 * Under fire while it serves: a server that is flooded with garbage answers its good client, and a resolver whose slow
 * server is impersonated by a forger answers and keeps only what the server said.
 */
import assert from "node:assert/strict";
import { randomInt } from "node:crypto";
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { type TestContext, test } from "node:test";
import { openResolver } from "./open-resolver.ts";
import type { Resolution } from "./resolution.ts";
import { loadMmsgLibc } from "./server-udp-libc.ts";
import { queryFor } from "./testing/dns-clients.ts";
import { Chance } from "./testing/fuzz/chance.ts";
import { somePacket } from "./testing/fuzz/some-packet.ts";
import { answerTo, eachQuery, udpAndTcpServer, udpServer } from "./testing/raw-servers.ts";
import { serveHere } from "./testing/serve-here.ts";

const HOST = "127.0.0.1";
const PACKETS = 200_000;
/** No more than a receive buffer of the kernel's usual size holds. */
const BATCH = 50;
const HEAP_GROWTH_MAX = 64 * 2 ** 20;
const SENDINGS_MAX = 5;
const TURNS_MAX = 8;
const noMmsg = (await loadMmsgLibc()) === undefined ? "not possible here: no koffi, or not Linux" : false;

const turn = () => new Promise((resolve) => setImmediate(resolve));

async function openSocket(t: TestContext): Promise<Socket> {
	const socket = createSocket("udp4");
	t.after(() => socket.close());
	socket.on("error", () => {});
	socket.bind(0, HOST);
	await once(socket, "listening");
	return socket;
}

for (const way of ["mmsg", "dgram"] as const)
	test(`${way}: ${PACKETS} hostile packets, and every query of a good client is answered`, {
		skip: way === "mmsg" && noMmsg,
	}, async (t) => {
		const { server, port } = await serveHere(t, { udpWay: way === "mmsg" ? "best" : "dgram" });
		const [hostile, good] = [await openSocket(t), await openSocket(t)];
		const unanswered = new Map<number, Buffer>();
		good.on("message", (answer) => {
			const id = answer.readUInt16BE(0);
			assert.equal(answer.readUInt32BE(answer.length - 4), 0x0a00_0000 + id, "its own answer");
			unanswered.delete(id);
		});
		const ask = (query: Buffer) => good.send(query, port, HOST);
		const heapBefore = process.memoryUsage().heapUsed;
		let asked = 0;
		for (let sent = 0; sent < PACKETS; sent++) {
			hostile.send(somePacket(new Chance(3, sent)), port, HOST);
			if (sent % BATCH !== 0) continue;
			const query = queryFor(`h${asked}.test`, asked);
			unanswered.set(asked++, query);
			ask(query);
			// Both ends live in one loop here: the server gets its turns, as it would on a core of its own.
			for (let turns = 0; turns < TURNS_MAX && unanswered.size > 0; turns++) await turn();
		}
		// What the kernel dropped is sent again, as every client does.
		for (let sendings = 1; sendings < SENDINGS_MAX; sendings++)
			for (const [, query] of [...unanswered]) {
				ask(query);
				for (let turns = 0; turns < TURNS_MAX; turns++) await turn();
			}
		assert.equal(unanswered.size, 0, `${unanswered.size} of ${asked} were not answered`);
		const { inFlight, names, tableBytes } = server.standing();
		assert.equal(inFlight, 0);
		assert.ok(names < 65_536 && tableBytes < 32 * 2 ** 20, `${names} names, ${tableBytes} octets`);
		assert.ok(process.memoryUsage().heapUsed - heapBefore < HEAP_GROWTH_MAX);
		const { udpQueries, dropped, rejected } = server.counters;
		assert.ok(udpQueries > PACKETS / 2 && dropped > 0 && rejected > 0, `${udpQueries} came`);
		t.diagnostic(
			`${udpQueries} packets came, ${dropped} dropped, ${rejected} rejected, ${asked} good queries`,
		);
	});

const FORGED = 100_000;
const FORGED_ADDRESS = "203.0.113.66";
const HONEST_ADDRESS = "192.0.2.1";
const NAME = "orders.shop.test.";
const IDS = 0x1_0000;
const LONG_MS = 60_000;
const OTHER_PORTS = 31;
const question = { name: NAME, type: 1, class: 1 };

function addressesIn(resolution: Resolution | undefined): readonly string[] {
	if (resolution?.kind !== "answered") return [];
	const { answers } = resolution.message;
	return answers.flatMap(({ data }) => (data.kind === "address" ? [data.address] : []));
}

const toForged = (query: Buffer) =>
	Buffer.from(
		answerTo(query, ({ answers }) => ({
			answers: answers.map((each) => ({ ...each, data: { kind: "address", address: FORGED_ADDRESS } })),
		})),
	);

/** Where a forger may send from, and what he knows of where to. */
const FORGERS: Readonly<Record<string, { readonly ownPlace: boolean; readonly knowsPort: boolean }>> = {
	"the server's own address and port, to the right port": { ownPlace: true, knowsPort: true },
	"the server's own address and port, to many ports": { ownPlace: true, knowsPort: false },
	"another port, to the right port": { ownPlace: false, knowsPort: true },
};

for (const [where, { ownPlace, knowsPort }] of Object.entries(FORGERS))
	test(`${FORGED} forged answers from ${where}: none is answered, none is kept`, async (t) => {
		const elsewhere = await openSocket(t);
		// Ports of ours: guesses at random would disturb whoever else is on this host.
		const others = await Promise.all(Array.from({ length: OTHER_PORTS }, () => openSocket(t)));
		const ports = knowsPort ? [] : others.map((socket) => socket.address().port);
		let [forged, queries] = [0, 0];
		const flood = async (query: Buffer, port: number, from: Socket) => {
			const id = query.readUInt16BE(0);
			const answer = toForged(query);
			for (; forged < FORGED; forged++) {
				const guess = Buffer.from(answer);
				// Every id but the right one: a guess that hits is no fault of the resolver's.
				guess.writeUInt16BE((id + randomInt(1, IDS)) % IDS, 0);
				from.send(guess, ports[forged % (ports.length + 1)] ?? port, HOST);
				if (forged % BATCH === 0) await turn();
			}
		};
		let flooding: Promise<void> | undefined;
		const { port } = await udpAndTcpServer(
			t,
			(query, from, socket) => {
				queries++;
				// It asks once more when the answer is late; the forger has begun already.
				flooding ??= flood(query, from.port, ownPlace ? socket : elsewhere).then(() => {
					socket.send(answerTo(query), from.port, from.address);
				});
			},
			eachQuery(answerTo),
		);
		const resolver = openResolver({
			servers: [{ protocol: "udp", address: HOST, port }],
			tryMs: LONG_MS,
			hostsPath: false,
		});
		t.after(() => resolver.close());
		assert.deepEqual(addressesIn(await resolver.resolve({ question })), [HONEST_ADDRESS]);
		assert.deepEqual(addressesIn(resolver.cached({ question })), [HONEST_ADDRESS]);
		await flooding;
		assert.deepEqual(addressesIn(resolver.cached({ question })), [HONEST_ADDRESS], "nor afterwards");
		assert.equal(resolver.cacheSize().entries, 1, "and nothing beside it");
		assert.equal(forged, FORGED);
		assert.ok(queries <= 2, `it asked ${queries} times`);
	});

test("flooded, and without TCP to turn to: no answer rather than a forged one", async (t) => {
	const port = await udpServer(t, (query, from, socket) => {
		const guess = toForged(query);
		guess.writeUInt16BE(query.readUInt16BE(0) ^ 1, 0);
		for (let sent = 0; sent < BATCH; sent++) socket.send(guess, from.port, from.address);
	});
	const resolver = openResolver({
		servers: [{ protocol: "udp", address: HOST, port }],
		tryMs: LONG_MS,
		retriesMax: 0,
		hostsPath: false,
	});
	t.after(() => resolver.close());
	const resolution = await resolver.resolve({ question });
	assert.equal(resolution.kind, "failed");
	assert.equal(resolver.cacheSize().entries, 0);
	const [tried] = resolution.tries;
	assert.equal(tried?.exchange.kind === "failed" && tried.exchange.why, "spoofed");
});
