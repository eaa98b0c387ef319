/**
 * Changes of TCP state by tracefs, from a private trace buffer of sock:inet_sock_set_state. Needs root. Some 100
 * bytes an event in the kernel's buffer, one for each processor. The events are of every network namespace.
 */
import { readdirSync, readlinkSync } from "node:fs";
import { AddressTexts } from "@plumbline/signals/sockets-address";
import { TCP_STATES } from "@plumbline/signals/sockets-states";
import { type Reading, read, refused } from "./reading.ts";
import {
	CALLED_STATES,
	COUNTED_STATES,
	type StateChange,
	type StateChangeSource,
} from "./tcp-life-events.ts";
import { openTracefs } from "./tracefs.ts";
import { openTraceInstance, type TraceInstance } from "./tracefs-instance.ts";
import type { TraceFormat } from "./tracefs-records.ts";

const EVENT = "sock/inet_sock_set_state";
/** TCP, and only the changes that are counted. */
const FILTER = `protocol == 6 && (${COUNTED_STATES.map((state) => `newstate == ${state}`).join(" || ")})`;
/** A processor: room for half a second of 100,000 events a second. */
const BUFFER_KB = 4096;
const DRAIN_PAGES_MAX = 4096;
/** Events that came while a drain ran: kept for the next, so that all processors' are in order. */
const HELD_MAX = 200_000;
/** common_flags (linux/trace_events.h): the event came within a hard or a soft interrupt. */
const IN_INTERRUPT = 0x08 | 0x10;
/** The pid namespace of the host itself (linux/proc_ns.h, PROC_PID_INIT_INO): events name threads by it. */
const HOST_PIDS = "pid:[4026531836]";

export async function openTracefsSource(
	pid: number,
	bufferKb = BUFFER_KB,
): Promise<Reading<StateChangeSource>> {
	if (readlinkSync("/proc/self/ns/pid") !== HOST_PIDS) {
		return refused("unsupported", "events name threads as the host does, and plumbline runs in a container");
	}
	const tracefs = await openTracefs();
	if (tracefs.kind === "refused") return tracefs;
	const instance = openTraceInstance(tracefs.value, bufferKb);
	if (instance.kind === "refused") {
		tracefs.value.close();
		return instance;
	}
	const close = () => {
		instance.value.close();
		tracefs.value.close();
	};
	const format = instance.value.enable(EVENT, FILTER);
	const reader = format.kind === "refused" ? format : eventReader(format.value, threadsOf(pid));
	if (reader.kind === "read") return read(openSource(instance.value, reader.value, close));
	close();
	return reader;
}

function openSource(instance: TraceInstance, readEvent: EventReader, close: () => void): StateChangeSource {
	let held: StateChange[] = [];
	return {
		drain: (untilNs, visit) => {
			const changes = held;
			let lost = 0;
			const drained = instance.drain(DRAIN_PAGES_MAX, (record, timeNs) => {
				const change = readEvent(record, timeNs);
				if (change === undefined) return;
				if (changes.length < HELD_MAX) changes.push(change);
				else lost++;
			});
			if (drained.kind === "refused") lost++;
			else lost += Number(drained.value.lost) + (drained.value.isPartial ? 1 : 0);
			changes.sort((a, b) => (a.timeNs < b.timeNs ? -1 : 1));
			// What happened since the drain began may be read of one processor and not yet of another.
			const late = changes.findIndex(({ timeNs }) => timeNs >= untilNs);
			held = late < 0 ? [] : changes.splice(late);
			for (const change of changes) visit(change);
			return lost;
		},
		close,
	};
}

/** Whether a thread is the process's. New threads are found; what is none of ours is asked once a second. */
function threadsOf(pid: number): (thread: number) => boolean {
	let known: ReadonlySet<number> = new Set();
	const strangers = new Map<number, number>();
	return (thread) => {
		if (known.has(thread)) return true;
		const nowMs = performance.now();
		if ((strangers.get(thread) ?? Number.NEGATIVE_INFINITY) > nowMs - STRANGER_MS) return false;
		known = new Set([...known, ...listThreads(pid)]);
		if (known.has(thread)) return true;
		if (strangers.size >= STRANGERS_MAX) strangers.clear();
		strangers.set(thread, nowMs);
		return false;
	};
}

const STRANGER_MS = 1000;
const STRANGERS_MAX = 10_000;

function listThreads(pid: number): number[] {
	try {
		return readdirSync(`/proc/${pid}/task`).map(Number);
	} catch {
		return [];
	}
}

type EventReader = (record: Buffer, timeNs: bigint) => StateChange | undefined;

const FIELDS = {
	common_flags: 1,
	common_pid: 4,
	skaddr: 8,
	oldstate: 4,
	newstate: 4,
	sport: 2,
	dport: 2,
	family: 2,
	saddr: 4,
	daddr: 4,
	saddr_v6: 16,
	daddr_v6: 16,
} as const;
const FAMILY_V4 = 2;

/** Bound to where this kernel puts the fields. */
export function eventReader(
	{ id, fields }: TraceFormat,
	isOurs: (thread: number) => boolean,
): Reading<EventReader> {
	const at = {} as Record<keyof typeof FIELDS, number>;
	let bytes = 0;
	for (const [name, size] of Object.entries(FIELDS) as [keyof typeof FIELDS, number][]) {
		const field = fields.get(name);
		if (field?.bytes !== size)
			return refused("unsupported", `this kernel's ${EVENT} has no ${name} of ${size} bytes`);
		at[name] = field.offset;
		bytes = Math.max(bytes, field.offset + size);
	}
	const texts = new AddressTexts();
	const v6 = (record: Buffer, from: number) => {
		const word = (i: number) => record.readUInt32BE(from + i * 4);
		return texts.v6(word(0), word(1), word(2), word(3));
	};
	return read((record, timeNs) => {
		if (record.length < bytes || record.readUInt16LE(0) !== id) return undefined;
		const from = record.readInt32LE(at.oldstate);
		const to = record.readInt32LE(at.newstate);
		if (TCP_STATES[from] === undefined || TCP_STATES[to] === undefined) return undefined;
		const interrupted = ((record[at.common_flags] ?? 0) & IN_INTERRUPT) !== 0;
		const isV4 = record.readUInt16LE(at.family) === FAMILY_V4;
		return {
			timeNs,
			sk: record.readBigUInt64LE(at.skaddr),
			from,
			to,
			isByUs: CALLED_STATES.includes(to) && !interrupted && isOurs(record.readInt32LE(at.common_pid)),
			localIp: isV4 ? texts.v4(record.readUInt32BE(at.saddr)) : v6(record, at.saddr_v6),
			localPort: record.readUInt16LE(at.sport),
			peerIp: isV4 ? texts.v4(record.readUInt32BE(at.daddr)) : v6(record, at.daddr_v6),
			peerPort: record.readUInt16LE(at.dport),
		};
	});
}
