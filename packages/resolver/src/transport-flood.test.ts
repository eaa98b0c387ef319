/**
 * A flood of forged answers while the honest one is on its way. The forger sends from the server's own address and port,
 * as one who fakes its source does; he does not know the id, and mostly not the port.
 */
import assert from "node:assert/strict";
import { randomInt } from "node:crypto";
import type { RemoteInfo, Socket } from "node:dgram";
import { test } from "node:test";
import { answerTo, framed, queriesOf, question, tcpServer, udpServer } from "./testing/raw-servers.ts";
import { openTransport } from "./transport.ts";
import type { Exchange } from "./upstream.ts";

const FORGED = 100_000;
const BATCH = 1_000;
const LONG_MS = 60_000;
const HEAP_GROWTH_MAX = 64 * 2 ** 20;
const [EPHEMERAL_MIN, EPHEMERAL_END] = [32_768, 61_000];
const IDS = 0x1_0000;
const QR = 0x80;

const pause = () => new Promise((resolve) => setImmediate(resolve));

async function flood(query: Buffer, socket: Socket, portOf: () => number): Promise<void> {
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
		socket.send(guess, portOf(), "127.0.0.1");
		if (sent % BATCH === BATCH - 1) await pause();
	}
}

function addressIn(exchange: Exchange): string | undefined {
	assert.ok(exchange.kind === "answered", JSON.stringify(exchange));
	const data = exchange.message.answers[0]?.data;
	return data?.kind === "address" ? data.address : undefined;
}

type Port = (from: RemoteInfo) => () => number;
const floods: Readonly<Record<string, { readonly port: Port; readonly endsBy: readonly string[] }>> = {
	"ports at random": {
		port: () => () => randomInt(EPHEMERAL_MIN, EPHEMERAL_END),
		endsBy: ["udp", "tcp"],
	},
	"the right port": {
		port:
			({ port }) =>
			() =>
				port,
		endsBy: ["tcp"],
	},
};

for (const [name, { port: portOf, endsBy }] of Object.entries(floods))
	test(`${FORGED} forged answers to ${name} win nothing`, async (t) => {
		const flooding: Promise<void>[] = [];
		const port = await udpServer(t, (query, from, socket) => {
			// A guessed port may be the server's own.
			if (((query[2] ?? 0) & QR) !== 0) return;
			socket.on("error", () => {});
			const answered = flood(query, socket, portOf(from)).then(() => {
				socket.send(answerTo(query), from.port, from.address);
			});
			flooding.push(answered);
		});
		await tcpServer(
			t,
			(chunk, socket) => {
				for (const query of queriesOf(chunk)) socket.write(framed(answerTo(query)));
			},
			port,
		);
		const transport = openTransport({ protocol: "udp", address: "127.0.0.1", port });
		t.after(() => transport.close());
		const before = process.memoryUsage().heapUsed;
		const exchange = await transport.exchange({ question }, AbortSignal.timeout(LONG_MS));
		assert.equal(addressIn(exchange), "192.0.2.1");
		assert.ok(exchange.kind === "answered" && endsBy.includes(exchange.protocol), exchange.kind);
		await Promise.all(flooding);
		assert.ok(process.memoryUsage().heapUsed - before < HEAP_GROWTH_MAX);
		assert.equal(flooding.length, 1, "nobody asks twice because of a flood");
	});
