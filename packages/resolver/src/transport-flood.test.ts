/**
 * A flood of forged answers while the honest one is on its way. The forger sends from the server's own address and port,
 * as one who fakes its source does; he does not know the id, and at best the port.
 */
import assert from "node:assert/strict";
import { randomInt } from "node:crypto";
import type { Socket } from "node:dgram";
import { test } from "node:test";
import { fakeTime } from "./testing/fake-time.ts";
import { answerTo, eachQuery, question, udpAndTcpServer, udpServer } from "./testing/raw-servers.ts";
import { openTransport } from "./transport.ts";
import type { Exchange } from "./upstream.ts";

const FORGED = 100_000;
const BATCH = 1_000;
const LONG_MS = 60_000;
const HEAP_GROWTH_MAX = 64 * 2 ** 20;
const OTHER_PORTS = 50;
const IDS = 0x1_0000;

const pause = () => new Promise((resolve) => setImmediate(resolve));

async function flood(query: Buffer, socket: Socket, ports: readonly number[]): Promise<void> {
	const forged = Buffer.from(
		answerTo(query, ({ answers }) => ({
			answers: answers.map((each) => ({ ...each, data: { kind: "address", address: "203.0.113.66" } })),
		})),
	);
	const id = query.readUInt16BE(0);
	for (let sent = 0; sent < FORGED; sent++) {
		const guess = Buffer.from(forged);
		// Every id but the right one: a guess that hits is no fault of the resolver's.
		guess.writeUInt16BE((id + randomInt(1, IDS)) % IDS, 0);
		socket.send(guess, ports[randomInt(ports.length)], "127.0.0.1");
		if (sent % BATCH === BATCH - 1) await pause();
	}
}

function addressIn(exchange: Exchange): string | undefined {
	assert.ok(exchange.kind === "answered", JSON.stringify(exchange));
	const data = exchange.message.answers[0]?.data;
	return data?.kind === "address" ? data.address : undefined;
}

interface Flood {
	readonly portsOf: (others: readonly number[], right: number) => readonly number[];
	readonly endsBy: string;
}

const floods: Readonly<Record<string, Flood>> = {
	"other ports": { portsOf: (others) => others, endsBy: "udp" },
	"many ports, the right one among them": { portsOf: (others, right) => [...others, right], endsBy: "tcp" },
	"the right port": { portsOf: (_, right) => [right], endsBy: "tcp" },
};

for (const [name, { portsOf, endsBy }] of Object.entries(floods))
	test(`${FORGED} forged answers to ${name} win nothing`, async (t) => {
		const flooding: Promise<void>[] = [];
		// Ports that a forger guesses are ours: the servers of other tests are left alone.
		const guesses = await Promise.all(Array.from({ length: OTHER_PORTS }, () => udpServer(t, () => {})));
		const { port } = await udpAndTcpServer(
			t,
			(query, from, socket) => {
				const answered = flood(query, socket, portsOf(guesses, from.port)).then(() => {
					socket.send(answerTo(query), from.port, from.address);
				});
				flooding.push(answered);
			},
			eachQuery(answerTo),
		);
		// Its time stands still: it would send the same once more if the flood takes long.
		const { timers } = fakeTime();
		const transport = openTransport({ protocol: "udp", address: "127.0.0.1", port }, { timers });
		t.after(() => transport.close());
		const before = process.memoryUsage().heapUsed;
		const exchange = await transport.exchange({ question }, AbortSignal.timeout(LONG_MS));
		assert.equal(addressIn(exchange), "192.0.2.1");
		assert.ok(exchange.kind === "answered");
		assert.equal(exchange.protocol, endsBy);
		await Promise.all(flooding);
		assert.ok(process.memoryUsage().heapUsed - before < HEAP_GROWTH_MAX);
		assert.equal(flooding.length, 1, "nobody asks twice because of a flood");
	});
