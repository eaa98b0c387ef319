/**
 * Real name servers on loopback for tests and measurements, each on free ports, tied to this process.
 *
 *   test ── UDP, TCP, DoT, DoH ──▶ unbound, named or CoreDNS ── forwards all to ──▶ knotd: zones given as text
 *
 * None of them knows the way to the internet, and none validates: the zones are not signed. What a server can be made
 * to suffer is here: paused (SIGSTOP: it is there and does not answer), killed, restarted on the same ports.
 */

import { createSocket } from "node:dgram";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import { untilAnswers } from "./dns-servers-ready.ts";
import { removeScratchFolder, startTied, type TiedProcess } from "./tied-process.ts";

export interface DnsServer {
	readonly address: "127.0.0.1";
	readonly ports: { readonly udp: number; readonly tcp: number };
	/** It stays, and answers nothing until it is resumed. What came before this returns may have its answer. */
	pause(): void;
	resume(): void;
	/** Gone without a word (SIGKILL). Its ports stay its own for `restart`. */
	kill(): Promise<void>;
	/** After `kill`: the same server on the same ports. Returns when it answers. */
	restart(): Promise<void>;
	/** Ends it for good and removes its folder. */
	stop(): Promise<void>;
	/** Of the running process. */
	readonly pid: number;
}

export interface EncryptedDnsServer extends DnsServer {
	readonly ports: { readonly udp: number; readonly tcp: number; readonly dot: number; readonly doh: number };
	/** In its certificate. DoH is at `/dns-query`. */
	readonly tlsName: string;
	/** PEM of the authority that signed the certificate. */
	readonly certificateAuthority: string;
	/** SHA-256 of its public key, base64. */
	readonly spkiPin: string;
}

/** What a recursor forwards everything to. An authority of the lab is one; so is a lying server. */
export interface ForwardTarget {
	readonly address: string;
	readonly ports: { readonly udp: number };
	/** Zones it answers for; the recursor is ready when a name in the first one is answered through it. */
	readonly zones: readonly string[];
}

export interface DnsServerStart {
	readonly program: string;
	readonly args: readonly string[];
	readonly env?: Readonly<Record<string, string>>;
	/** Removed by `stop`. */
	readonly folder: string;
	readonly ports: { readonly udp: number; readonly tcp: number };
	/** Ports that must take TCP connections before it counts as started. */
	readonly tcpPorts: readonly number[];
	/** A name whose answer shows that it works, and its type. */
	readonly ready: { readonly name: string; readonly type: "A" | "SOA" };
}

const PORT_TRIES_MAX = 20;
/** Each takes microseconds. */
const STOP_LOOKS_MAX = 100_000;
const LOOPBACK = "127.0.0.1";

/** Runs a name server whose configuration is written. Throws with its last lines when it does not come up. */
export async function startDnsServer(start: DnsServerStart): Promise<DnsServer> {
	let running: TiedProcess;
	let isRunning = false;
	const launch = async () => {
		running = await startTied(start.program, start.args, { cwd: start.folder, env: start.env ?? {} });
		isRunning = true;
		void running.ended.then(() => {
			isRunning = false;
		});
		const found = await Promise.race([untilAnswers(start), running.ended.then(() => false)]);
		if (found) return;
		await running.stop("SIGKILL");
		throw new Error(`${start.program} did not start:\n${running.tail()}`);
	};
	try {
		await launch();
	} catch (error) {
		removeScratchFolder(start.folder);
		throw error;
	}
	// One that has ended is nobody to signal: its pid may be another's by now.
	const signal = (name: NodeJS.Signals) => isRunning && process.kill(running.pid, name);
	const resume = () => void signal("SIGCONT");
	return {
		address: LOOPBACK,
		ports: start.ports,
		get pid() {
			return running.pid;
		},
		pause: () => {
			if (signal("SIGSTOP")) untilStopped(running.pid);
		},
		resume,
		kill: () => running.stop("SIGKILL"),
		restart: launch,
		stop: async () => {
			resume();
			await running.stop("SIGTERM");
			removeScratchFolder(start.folder);
		},
	};
}

/** The signal is delivered later than it is sent; on another processor, the server goes on meanwhile. */
function untilStopped(pid: number): void {
	const threads = `/proc/${pid}/task`;
	const isStopped = (thread: string) => / T /.test(readFileSync(`${threads}/${thread}/stat`, "utf8"));
	for (let looks = 0; looks < STOP_LOOKS_MAX; looks++) if (readdirSync(threads).every(isStopped)) return;
	throw new Error(`process ${pid} did not stop`);
}

/** Different ports, each free for UDP and TCP now. */
export async function freeDnsPorts<const Names extends readonly string[]>(
	names: Names,
): Promise<Record<Names[number], number>> {
	const ports = new Map<string, number>();
	for (let tries = 0; ports.size < names.length && tries < PORT_TRIES_MAX; tries++) {
		const port = await portFreeForBoth();
		if (port !== undefined && ![...ports.values()].includes(port))
			ports.set(names[ports.size] as string, port);
	}
	if (ports.size < names.length) throw new Error("no free ports");
	return Object.fromEntries(ports) as Record<Names[number], number>;
}

async function portFreeForBoth(): Promise<number | undefined> {
	const tcp = createServer();
	const udp = createSocket("udp4");
	try {
		tcp.listen(0, LOOPBACK);
		await once(tcp, "listening");
		const { port } = tcp.address() as { port: number };
		udp.bind(port, LOOPBACK);
		await once(udp, "listening");
		return port;
	} catch {
		return undefined;
	} finally {
		tcp.close();
		udp.close();
	}
}
