/** Asks a name server by UDP until it answers, and knocks at its TCP ports: what "started" means for one. */
import { randomInt } from "node:crypto";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { connect } from "node:net";

const START_MS_MAX = 20_000;
const TRY_MS = 100;
const TYPE_NUMBERS = { A: 1, SOA: 6 };
const RCODE_MASK = 0x0f;
const RESPONSE_BIT = 0x80;
const NXDOMAIN = 3;

export interface Readiness {
	readonly ports: { readonly udp: number };
	readonly tcpPorts: readonly number[];
	readonly ready: { readonly name: string; readonly type: "A" | "SOA" };
}

/** False when the time for starting is over. */
export async function untilAnswers({ ports, tcpPorts, ready }: Readiness): Promise<boolean> {
	const until = performance.now() + START_MS_MAX;
	return (
		(await untilUdpAnswer({ port: ports.udp, ...ready, until, wanted: isAnswer })) &&
		(await Promise.all(tcpPorts.map((port) => untilTakesConnections(port, until)))).every((taken) => taken)
	);
}

/** Until the SOA of a zone has this serial. False when time is over. */
export function untilSerial(port: number, zone: string, serial: number): Promise<boolean> {
	const bytes = Buffer.alloc(4);
	bytes.writeUInt32BE(serial);
	return untilUdpAnswer({
		port,
		name: zone,
		type: "SOA",
		until: performance.now() + START_MS_MAX,
		// A serial begins at random: four bytes that nothing else in so short an answer has.
		wanted: (answer) => isAnswer(answer) && answer.includes(bytes),
	});
}

/** NOERROR and NXDOMAIN are answers; a recursor that cannot reach its authority says SERVFAIL. */
function isAnswer(answer: Buffer): boolean {
	const rcode = (answer[3] ?? RCODE_MASK) & RCODE_MASK;
	return rcode === 0 || rcode === NXDOMAIN;
}

async function untilUdpAnswer({
	port,
	name,
	type,
	until,
	wanted,
}: {
	readonly port: number;
	readonly name: string;
	readonly type: "A" | "SOA";
	readonly until: number;
	readonly wanted: (answer: Buffer) => boolean;
}): Promise<boolean> {
	const socket = createSocket("udp4");
	socket.on("error", () => {});
	try {
		while (performance.now() < until) {
			const query = encodeQuery(name, TYPE_NUMBERS[type]);
			socket.send(query, port, "127.0.0.1");
			const answered = once(socket, "message", { signal: AbortSignal.timeout(TRY_MS) });
			const answer = await answered.then(
				([message]) => message as Buffer,
				() => undefined,
			);
			const isOurs = answer?.readUInt16BE(0) === query.readUInt16BE(0) && (answer[2] ?? 0) >= RESPONSE_BIT;
			if (answer && isOurs && wanted(answer)) return true;
			if (answer) await pause();
		}
		return false;
	} finally {
		socket.close();
	}
}

async function untilTakesConnections(port: number, until: number): Promise<boolean> {
	while (performance.now() < until) {
		const socket = connect(port, "127.0.0.1");
		const taken = await once(socket, "connect").then(
			() => true,
			() => false,
		);
		socket.destroy();
		if (taken) return true;
		await pause();
	}
	return false;
}

function pause(): Promise<void> {
	return new Promise((resolve) => setTimeout(resolve, TRY_MS / 10));
}

/** Random id, recursion desired, one question of class IN (RFC 1035 section 4.1). */
function encodeQuery(name: string, type: number): Buffer {
	const labels = name.split(".").filter((label) => label !== "");
	const header = [0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
	const encoded = labels.flatMap((label) => [label.length, ...Buffer.from(label)]);
	const query = Buffer.from([...header, ...encoded, 0, 0, type, 0, 1]);
	query.writeUInt16BE(randomInt(0x10000), 0);
	return query;
}
