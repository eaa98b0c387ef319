/**
 * Load on a resolver, by `lookup` and by UDP through its server, and what may not happen: a name that was known fails,
 * a name that a server could tell fails, a forged address is given.
 */
import { createSocket } from "node:dgram";
import { once } from "node:events";
import type { Lookup } from "@plumbline/resolver/lookup";
import { COLD_ADDRESS, HOT_NAMES, hotAddress, type Phase, ZONE } from "./dns-soak-stage.ts";

/** After a change it may take a lookup all its tries to find out: 3 of 2 s, and a little. */
const GRACE_MS = 7_000;
const TICK_MS = 10;
const UDP_ANSWER_MS_MAX = 9_000;
const FAULTS_KEPT_MAX = 50;
const HEADER = 12;

export interface Counts {
	lookups: number;
	/** Failed where nobody could have told: a new name while nobody that answers is left, or only forgers. */
	excused: number;
	/** A new name, told wrong by the only server left, which proves nothing. */
	unverifiable: number;
	violations: number;
	slowestMs: number;
}

export interface Load {
	readonly counts: Readonly<Counts>;
	/** The first ones, in words. */
	readonly faults: readonly string[];
	enter(phase: Phase): void;
	/** Lets what is under way end. */
	stop(): Promise<void>;
}

interface Wanted {
	readonly name: string;
	readonly address: string;
	readonly isHot: boolean;
}

export interface LoadPlan {
	readonly lookup: Lookup;
	/** Where the server around the same resolver listens. */
	readonly udpPort: number;
	/** Each by `lookup` and by UDP. */
	readonly perSecond: number;
	readonly random: () => number;
}

export async function startLoad({ lookup, udpPort, perSecond, random }: LoadPlan): Promise<Load> {
	const counts: Counts = { lookups: 0, excused: 0, unverifiable: 0, violations: 0, slowestMs: 0 };
	const faults: string[] = [];
	let phase: Phase | undefined;
	let phaseSinceMs = 0;
	let cold = 0;
	let underWay = 0;

	const next = (): Wanted => {
		if (random() < 0.02) return { name: `c${cold++}.cold.${ZONE}`, address: COLD_ADDRESS, isHot: false };
		// Few names are asked for often, most seldom.
		const index = Math.min(HOT_NAMES - 1, Math.floor(HOT_NAMES ** random()) - 1);
		return { name: `n${index}.${ZONE}`, address: hotAddress(index), isHot: true };
	};
	const judge = (wanted: Wanted, way: string, askedMs: number, got: string) => {
		counts.lookups++;
		const now = performance.now();
		counts.slowestMs = Math.max(counts.slowestMs, now - askedMs);
		if (got === wanted.address || phase === undefined) return;
		const settled = askedMs - phaseSinceMs > GRACE_MS;
		const couldBeTold = wanted.isHot || (settled && (phase.trusted || phase.unproven === "true"));
		if (!couldBeTold && got.startsWith("!")) counts.excused++;
		else if (!couldBeTold && phase.unproven === "forged") counts.unverifiable++;
		else {
			counts.violations++;
			if (faults.length < FAULTS_KEPT_MAX)
				faults.push(
					`${way} ${wanted.name}: ${got} instead of ${wanted.address}, ${phase.name}, ${Math.round(askedMs - phaseSinceMs)} ms into it, took ${Math.round(now - askedMs)} ms`,
				);
		}
	};

	const byLookup = (wanted: Wanted) => {
		const askedMs = performance.now();
		underWay++;
		lookup(wanted.name, { family: 4 }, (error, address) => {
			underWay--;
			judge(wanted, "lookup", askedMs, error === null ? String(address) : `!${error.message}`);
		});
	};

	const socket = createSocket("udp4");
	socket.connect(udpPort, "127.0.0.1");
	await once(socket, "connect");
	const waiting = new Map<number, { readonly wanted: Wanted; readonly askedMs: number }>();
	let id = 0;
	const byUdp = (wanted: Wanted) => {
		id = (id + 1) & 0xffff;
		waiting.set(id, { wanted, askedMs: performance.now() });
		socket.send(queryOf(wanted.name, id));
	};
	socket.on("message", (packet) => {
		const asked = waiting.get(packet.readUInt16BE(0));
		if (asked === undefined) return;
		waiting.delete(packet.readUInt16BE(0));
		judge(asked.wanted, "UDP", asked.askedMs, addressIn(packet));
	});
	const overdue = () => {
		const now = performance.now();
		for (const [key, { wanted, askedMs }] of waiting) {
			if (now - askedMs < UDP_ANSWER_MS_MAX) return;
			waiting.delete(key);
			judge(wanted, "UDP", askedMs, "!no answer");
		}
	};

	let due = 0;
	const timer = setInterval(() => {
		due += (perSecond * TICK_MS) / 1_000;
		for (; due >= 1; due--) {
			byLookup(next());
			byUdp(next());
		}
		overdue();
	}, TICK_MS);
	return {
		counts,
		faults,
		enter(entered) {
			phase = entered;
			phaseSinceMs = performance.now();
		},
		async stop() {
			clearInterval(timer);
			const until = performance.now() + UDP_ANSWER_MS_MAX;
			while ((underWay > 0 || waiting.size > 0) && performance.now() < until) {
				await new Promise((done) => setTimeout(done, TICK_MS));
				overdue();
			}
			socket.close();
		},
	};
}

function queryOf(name: string, id: number): Buffer {
	const labels = name.split(".").map((label) => Buffer.from([label.length, ...Buffer.from(label)]));
	const head = Buffer.from([id >> 8, id & 255, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
	return Buffer.concat([head, ...labels, Buffer.from([0, 0, 1, 0, 1])]);
}

/** The address of the last record, which is all these answers are asked for. */
function addressIn(packet: Buffer): string {
	const rcode = (packet[3] ?? 0) & 0xf;
	if (rcode !== 0 || packet.readUInt16BE(6) === 0) return `!rcode ${rcode}`;
	let at = HEADER;
	while ((packet[at] ?? 0) !== 0) at += 1 + (packet[at] ?? 0);
	at += 5;
	// A pointer or a name, type, class, TTL, length, four octets.
	at += (packet[at] ?? 0) >= 0xc0 ? 2 : 0;
	if (packet.readUInt16BE(at) !== 1) return `!record of type ${packet.readUInt16BE(at)}`;
	return [...packet.subarray(at + 10, at + 14)].join(".");
}
