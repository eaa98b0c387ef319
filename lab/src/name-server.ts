/**
 * A name server for one scenario: Debian's dnsmasq on a loopback address of its own, and the resolv.conf that leads
 * a service to it. A slow one has a relay in front that passes each query on late.
 *
 *   service ── resolv.conf: nameserver 127.53.4.7 ──▶ [relay, delayMs] ──▶ dnsmasq: carrier is 127.0.0.1,
 *                                                                          anything below .lab does not exist
 *
 * resolv.conf knows no ports, so it listens on 53; and the service sees the file in a mount namespace of its own.
 * Both take root.
 */
import { randomInt } from "node:crypto";
import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { requireProgram } from "./debian-program.ts";
import type { Naming } from "./scenario.ts";
import { freePort } from "./server-host.ts";
import { makeScratchFolder, removeScratchFolder, startTied } from "./tied-process.ts";

export interface NameServer {
	/** Of the resolv.conf that leads to it. */
	readonly resolvConf: string;
	stop(): Promise<void>;
}

/** The name that services of the lab look up. */
const NAME = "carrier";
const DNS_PORT = 53;
const START_MS_MAX = 10_000;
const TRY_MS = 100;
/** Queries the relay holds back at once; further ones are dropped, as a server does. */
const HELD_MAX = 10_000;

/** The lab cannot have a name server as an ordinary user. */
export class NoNameServerError extends Error {
	readonly code = "PLUMBLINE_LAB_NO_NAME_SERVER";
}

export async function startNameServer({ search, ndots, delayMs = 0 }: Naming): Promise<NameServer> {
	if (process.getuid?.() !== 0)
		throw new NoNameServerError("a name server of the lab's own takes root: port 53, and a mount namespace");
	const program = await requireProgram("dnsmasq", "dnsmasq-base");
	const address = `127.53.${randomInt(1, 255)}.${randomInt(1, 255)}`;
	const port = delayMs > 0 ? await freePort() : DNS_PORT;
	const server = await startTied(program, [
		"--keep-in-foreground",
		"--conf-file=/dev/null",
		"--no-resolv",
		"--no-hosts",
		"--bind-interfaces",
		`--listen-address=${address}`,
		`--port=${port}`,
		"--local=/lab/",
		`--address=/${NAME}/127.0.0.1`,
		"--pid-file=",
		"--user=root",
		"--cache-size=0",
	]);
	const relay = delayMs > 0 ? await startRelay({ address, to: port, delayMs }) : undefined;
	const scratch = makeScratchFolder();
	let stopped = false;
	const stop = async () => {
		if (stopped) return;
		stopped = true;
		relay?.close();
		await server.stop("SIGTERM");
		removeScratchFolder(scratch);
	};
	if (!(await answers(address, port))) {
		await stop();
		throw new Error(`dnsmasq did not start:\n${server.tail()}`);
	}
	const resolvConf = join(scratch, "resolv.conf");
	const lines = [`search ${search.join(" ")}`, `nameserver ${address}`, `options ndots:${ndots}`];
	writeFileSync(resolvConf, `${lines.join("\n")}\n`, { mode: 0o644 });
	return { resolvConf, stop };
}

/** Passes queries on after `delayMs`, each from a socket of its own, and the answers back at once. */
async function startRelay({
	address,
	to,
	delayMs,
}: {
	readonly address: string;
	readonly to: number;
	readonly delayMs: number;
}): Promise<{ close(): void }> {
	const front = createSocket("udp4");
	const held = new Map<NodeJS.Timeout, Socket | undefined>();
	front.on("message", (query: Buffer, from: RemoteInfo) => {
		if (held.size >= HELD_MAX) return;
		const timer = setTimeout(() => {
			const back = createSocket("udp4");
			held.set(timer, back);
			const done = () => {
				if (held.delete(timer)) back.close();
			};
			back.on("error", done);
			back.once("message", (answer) => {
				if (held.has(timer)) front.send(answer, from.port, from.address);
				done();
			});
			back.send(query, to, address);
		}, delayMs);
		held.set(timer, undefined);
	});
	front.bind(DNS_PORT, address);
	await once(front, "listening");
	return {
		close() {
			for (const [timer, back] of held) {
				clearTimeout(timer);
				back?.close();
			}
			held.clear();
			front.close();
		},
	};
}

/** Asks for the A record of the lab's name until it is told. */
async function answers(address: string, port: number): Promise<boolean> {
	// Header: id 7, recursion desired, one question. Name, type A, class IN.
	const query = Buffer.from([
		0,
		7,
		1,
		0,
		0,
		1,
		0,
		0,
		0,
		0,
		0,
		0,
		NAME.length,
		...Buffer.from(NAME),
		0,
		0,
		1,
		0,
		1,
	]);
	const socket = createSocket("udp4");
	socket.on("error", () => {});
	const until = performance.now() + START_MS_MAX;
	try {
		while (performance.now() < until) {
			socket.send(query, port, address);
			const answered = once(socket, "message", { signal: AbortSignal.timeout(TRY_MS) });
			if (
				await answered.then(
					() => true,
					() => false,
				)
			)
				return true;
		}
		return false;
	} finally {
		socket.close();
	}
}
