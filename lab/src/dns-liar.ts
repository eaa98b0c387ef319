/**
 * A name server that lies in known ways, on loopback, by UDP and TCP on one port. What it does is changed while it
 * runs; what it was asked is counted by name.
 *
 *   resolver ──▶ liar ──▶ a real server, if it has one (`to`)
 *                  └──── the lie: forged, late, cut, from elsewhere, or nothing at all
 */
import { randomBytes } from "node:crypto";
import { createSocket, type Socket as DatagramSocket, type RemoteInfo } from "node:dgram";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { type Query, rcodeOf, readQuery, type Told, withTtl, writeReply } from "./dns-liar-packets.ts";

export type DnsLie =
	/** What the real server says; REFUSED without one. */
	| { readonly kind: "honest" }
	/** Forged aliases, addresses or rcode; a chain may end in a loop, or in nothing. */
	| ({ readonly kind: "told" } & Told)
	/** The incident: each name asked for is an alias of yet another one below `zone`, without end. */
	| { readonly kind: "endless-cname"; readonly zone: string; readonly ttlS?: number }
	/** Names that do not exist have this address; all else is honest. */
	| { readonly kind: "nxdomain-rewritten"; readonly address: string }
	/** Honest, but for every TTL. */
	| { readonly kind: "ttl"; readonly ttlS: number }
	/** Honest, but late. */
	| { readonly kind: "slow"; readonly delayMs: number }
	| { readonly kind: "silent" }
	/** Honest, but no answer to this query. */
	| { readonly kind: "wrong-id" }
	/** Honest, but from another port (UDP only: over TCP it is silent). */
	| { readonly kind: "wrong-source" }
	| { readonly kind: "garbage" };

export interface DnsLiar {
	readonly address: string;
	readonly port: number;
	/**
	 * From now on. `about`: only these names (in lower case, with the last dot), and those an endless chain leads to; all
	 * others honestly.
	 */
	lie(lie: DnsLie, about?: readonly string[]): void;
	/** Queries by name since the last `forget`. */
	readonly asked: ReadonlyMap<string, number>;
	readonly askedInAll: number;
	forget(): void;
	close(): Promise<void>;
}

interface LiarOptions {
	/** The real server. */
	readonly to?: { readonly address: string; readonly port: number };
	readonly address?: string;
	/** 53 takes root. A free one by default. */
	readonly port?: number;
	readonly lie?: DnsLie;
}

const RCODE_SERVFAIL = 2;
const RCODE_NXDOMAIN = 3;
const RCODE_REFUSED = 5;
const BIND_TRIES_MAX = 20;
const RELAY_MS_MAX = 5_000;
/** Further names are counted in all, but not by name. */
const NAMES_MAX = 100_000;
/** Queries under way; further ones are dropped. */
const UNDER_WAY_MAX = 10_000;
const GARBAGE_BYTES = 64;

export async function startDnsLiar(options: LiarOptions = {}): Promise<DnsLiar> {
	const { to, address = "127.0.0.1" } = options;
	let lie: DnsLie = options.lie ?? { kind: "honest" };
	let about: ReadonlySet<string> | undefined;
	const asked = new Map<string, number>();
	let askedInAll = 0;
	let underWay = 0;
	let endless = 0;
	const ended = new AbortController();

	const count = ({ name }: Query) => {
		askedInAll++;
		const before = asked.get(name);
		if (before !== undefined || asked.size < NAMES_MAX) asked.set(name, (before ?? 0) + 1);
	};
	const honest = async (query: Query, overTcp: boolean) =>
		to === undefined
			? writeReply(query, { rcode: RCODE_REFUSED })
			: await relay(query, to, overTcp, ended.signal).catch(() =>
					writeReply(query, { rcode: RCODE_SERVFAIL }),
				);

	const answer = async (query: Query, now: DnsLie, overTcp: boolean): Promise<Buffer | undefined> => {
		switch (now.kind) {
			case "honest":
				return honest(query, overTcp);
			case "told":
				return writeReply(query, now);
			case "endless-cname":
				return writeReply(query, { chain: [`n${endless++}.${now.zone}`], ttlS: now.ttlS ?? 1 });
			case "nxdomain-rewritten": {
				const reply = await honest(query, overTcp);
				return rcodeOf(reply) === RCODE_NXDOMAIN ? writeReply(query, { addresses: [now.address] }) : reply;
			}
			case "ttl":
				return withTtl(await honest(query, overTcp), now.ttlS);
			case "slow":
				await wait(now.delayMs, ended.signal);
				return honest(query, overTcp);
			case "silent":
				return undefined;
			case "wrong-id": {
				const reply = Buffer.from(await honest(query, overTcp));
				reply.writeUInt16BE(reply.readUInt16BE(0) ^ 1, 0);
				return reply;
			}
			case "wrong-source":
				return overTcp ? undefined : honest(query, overTcp);
			case "garbage":
				return randomBytes(GARBAGE_BYTES);
			default:
				return now satisfies never;
		}
	};

	const serve = async (bytes: Buffer, overTcp: boolean, send: (reply: Buffer, now: DnsLie) => void) => {
		const query = readQuery(bytes);
		if (query === undefined || underWay >= UNDER_WAY_MAX) return;
		count(query);
		const isInChain = lie.kind === "endless-cname" && query.name.endsWith(`.${lie.zone}`);
		const isTold = about === undefined || about.has(query.name) || isInChain;
		const now: DnsLie = isTold ? lie : { kind: "honest" };
		underWay++;
		try {
			const reply = await answer(query, now, overTcp);
			if (reply !== undefined && !ended.signal.aborted) send(reply, now);
		} catch {
			// It was closed while it waited.
		} finally {
			underWay--;
		}
	};

	const { datagrams, streams, port } = await bindBoth(address, options.port ?? 0);
	const elsewhere = createSocket("udp4");
	elsewhere.bind(0, address);
	await once(elsewhere, "listening");
	datagrams.on("message", (bytes: Buffer, from: RemoteInfo) => {
		void serve(bytes, false, (reply, now) => {
			const socket = now.kind === "wrong-source" ? elsewhere : datagrams;
			socket.send(reply, from.port, from.address);
		});
	});
	const connections = new Set<Socket>();
	streams.on("connection", (socket) => {
		connections.add(socket);
		socket.on("error", () => {});
		socket.on("close", () => connections.delete(socket));
		onFrames(socket, (bytes) => {
			void serve(bytes, true, (reply) => {
				if (!socket.destroyed) socket.write(frame(reply));
			});
		});
	});

	return {
		address,
		port,
		lie(next, names) {
			lie = next;
			about = names === undefined ? undefined : new Set(names);
		},
		asked,
		get askedInAll() {
			return askedInAll;
		},
		forget() {
			asked.clear();
			askedInAll = 0;
		},
		async close() {
			if (ended.signal.aborted) return;
			ended.abort();
			for (const socket of connections) socket.destroy();
			const closed = once(streams, "close");
			streams.close();
			datagrams.close();
			elsewhere.close();
			await closed;
		},
	};
}

async function bindBoth(address: string, wanted: number) {
	for (let tries = 1; ; tries++) {
		const datagrams: DatagramSocket = createSocket("udp4");
		datagrams.bind(wanted, address);
		await once(datagrams, "listening");
		const { port } = datagrams.address();
		const streams = createServer();
		try {
			streams.listen(port, address);
			await once(streams, "listening");
			return { datagrams, streams, port: (streams.address() as AddressInfo).port };
		} catch (error) {
			// The port is free for datagrams only: another one.
			datagrams.close();
			if (wanted !== 0 || tries >= BIND_TRIES_MAX) throw error;
		}
	}
}

async function relay(
	{ bytes }: Query,
	to: { readonly address: string; readonly port: number },
	overTcp: boolean,
	ended: AbortSignal,
): Promise<Buffer> {
	const signal = AbortSignal.any([ended, AbortSignal.timeout(RELAY_MS_MAX)]);
	if (overTcp) {
		const socket = connect(to.port, to.address);
		try {
			const reply = new Promise<Buffer>((resolve, reject) => {
				socket.on("error", reject);
				signal.addEventListener("abort", () => reject(signal.reason), { once: true });
				onFrames(socket, resolve);
			});
			socket.write(frame(bytes));
			return await reply;
		} finally {
			socket.destroy();
		}
	}
	const socket = createSocket("udp4");
	try {
		const reply = once(socket, "message", { signal });
		socket.send(bytes, to.port, to.address);
		return (await reply)[0];
	} finally {
		socket.close();
	}
}

/** Two octets of length before each message (RFC 1035 section 4.2.2), at most 65,535 octets each. */
function onFrames(socket: Socket, onFrame: (bytes: Buffer) => void): void {
	let kept: Buffer = Buffer.alloc(0);
	socket.on("data", (chunk: Buffer) => {
		kept = Buffer.concat([kept, chunk]);
		while (kept.length >= 2) {
			const end = 2 + kept.readUInt16BE(0);
			if (kept.length < end) break;
			onFrame(kept.subarray(2, end));
			kept = kept.subarray(end);
		}
	});
}

function frame(message: Buffer): Buffer {
	const length = Buffer.alloc(2);
	length.writeUInt16BE(message.length);
	return Buffer.concat([length, message]);
}

async function wait(delayMs: number, signal: AbortSignal): Promise<void> {
	await new Promise<void>((resolve, reject) => {
		const timer = setTimeout(resolve, delayMs);
		signal.addEventListener(
			"abort",
			() => {
				clearTimeout(timer);
				reject(signal.reason);
			},
			{ once: true },
		);
	});
}
