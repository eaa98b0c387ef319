/**
 * Decodes and encodes the life of a process's TCP connections: JSON that capture writes, one peer a line.
 *
 * ```
 * {"schema":"plumbline.tcp-life/1","pid":4711,"route":"looks","spanMs":10013,"looks":11,"pauseMsMax":1004,
 * "ephemeralPorts":{"first":32768,"last":60999},"peersLeftOut":0,"eventsLost":0,
 * "peers":[
 * {"direction":"out","ip":"10.0.0.5","port":5432,"atStart":2,"atEnd":2,"kept":2,"opens":4990,"closedByUs":4990,...},
 * {"direction":"in","ip":"10.0.0.7","port":8080,"atStart":40,"atEnd":38,"kept":38,"opens":3,...}
 * ]}
 * ```
 * A peer with a field missing or of another kind is left out with a flaw: half a count would mislead.
 */

import type { Decoded } from "./decoded.ts";
import { Flaws } from "./flaws.ts";
import { isJsonObject, type JsonObject, readJsonFrame } from "./json-frame.ts";
import { quoteBytes } from "./quote-bytes.ts";
import type { TcpState } from "./sockets.ts";
import { TCP_STATES } from "./sockets-states.ts";
import type { TcpLife, TcpPeer } from "./tcp-life.ts";

const SCHEMA = "plumbline.tcp-life/1";
const TCP_LIFE_BYTES_MAX = 8 << 20;
/** Peers kept in one part; capture writes fewer. */
const PEERS_MAX = 10_000;
const PORT_MAX = 65_535;
/** Longer than any IPv6 address in text. */
const IP_CHARS_MAX = 45;
const QUOTE_CHARS_MAX = 60;

export function encodeTcpLife({ peers, ...head }: TcpLife): Uint8Array {
	const start = JSON.stringify({ schema: SCHEMA, ...head }).slice(0, -1);
	const rows = peers.map(({ offset: _, ...peer }) => JSON.stringify(peer)).join(",\n");
	return new TextEncoder().encode(`${start},\n"peers":[\n${rows}\n]}\n`);
}

export function decodeTcpLife(bytes: Uint8Array): Decoded<TcpLife> {
	const flaws = new Flaws();
	const json = bytes.length > TCP_LIFE_BYTES_MAX ? undefined : readJsonFrame(bytes, "peers", flaws);
	if (json?.schema !== SCHEMA || !Array.isArray(json.peers)) {
		return { kind: "foreign", found: quoteBytes(bytes) };
	}
	const { pid, route, spanMs } = json;
	if (!isCount(pid) || !isCount(spanMs) || (route !== "looks" && route !== "trace")) {
		return { kind: "foreign", found: quoteBytes(bytes) };
	}
	const rows: readonly unknown[] = json.peers;
	const lines = rowOffsets(bytes);
	// Rows that are not one a line were laid out by somebody else: then no offset is sure.
	const offsets = lines.length === rows.length ? lines : [];
	const peers: TcpPeer[] = [];
	for (const [i, row] of rows.slice(0, PEERS_MAX).entries()) {
		const peer = readPeer(row);
		const offset = offsets[i];
		if (typeof peer !== "string") peers.push(offset === undefined ? peer : { ...peer, offset });
		else flaws.malformed(`expected ${peer}, found ${quoteRow(row)}`, offset ?? 0);
	}
	if (rows.length > PEERS_MAX) flaws.truncated(`more than ${PEERS_MAX} peers`, offsets[PEERS_MAX] ?? 0);
	const ports = readPorts(json.ephemeralPorts, flaws);
	const value = {
		pid,
		route,
		spanMs,
		looks: countIn(json, "looks", flaws),
		pauseMsMax: countIn(json, "pauseMsMax", flaws),
		...(ports === undefined ? {} : { ephemeralPorts: ports }),
		...(isCount(json.abortedUnread) ? { abortedUnread: json.abortedUnread } : {}),
		peers,
		peersLeftOut: countIn(json, "peersLeftOut", flaws),
		eventsLost: countIn(json, "eventsLost", flaws),
	} as const;
	return { kind: "decoded", value, flaws: flaws.list() };
}

/** Finite, not negative: all numbers here are counts or durations. */
function isCount(value: unknown): value is number {
	return typeof value === "number" && Number.isFinite(value) && value >= 0;
}

function isPort(value: unknown): value is number {
	return isCount(value) && Number.isInteger(value) && value <= PORT_MAX;
}

function countIn(json: JsonObject, name: string, flaws: Flaws): number {
	const value = json[name];
	if (isCount(value)) return value;
	flaws.malformed(`expected ${name} to be a count, found ${quoteRow(value)}`, 0);
	return 0;
}

function readPorts(value: unknown, flaws: Flaws): TcpLife["ephemeralPorts"] {
	if (value === undefined) return undefined;
	if (isJsonObject(value) && isPort(value.first) && isPort(value.last) && value.first <= value.last) {
		return { first: value.first, last: value.last };
	}
	flaws.malformed(`expected ephemeralPorts to be {first, last}, found ${quoteRow(value)}`, 0);
	return undefined;
}

const COUNTS = [
	"atStart",
	"atEnd",
	"kept",
	"opens",
	"closedByUs",
	"closedByPeer",
	"closedOtherwise",
	"unseen",
	"unattributed",
	"foreign",
] as const;

/** The peer, or in words what it lacks. */
function readPeer(row: unknown): TcpPeer | string {
	if (!isJsonObject(row)) return "a peer";
	const { direction, ip, port } = row;
	if (direction !== "out" && direction !== "in") return "a direction, out or in";
	if (typeof ip !== "string" || ip.length > IP_CHARS_MAX || !isPort(port)) return "an address and a port";
	const counts = readCounts(row, COUNTS);
	const timeWait = readCounts(row.timeWait, ["first", "last", "fresh", "freshLooks"]);
	const portsUsed = readCounts(row.portsUsed, ["first", "last"]);
	const states = readStates(row.states);
	if (counts === undefined) return `the counts ${COUNTS.join(", ")}`;
	if (timeWait === undefined || portsUsed === undefined) return "the counts of timeWait and portsUsed";
	if (states === undefined) return "counts by TCP state";
	return { direction, ip, port, ...counts, states, timeWait, portsUsed };
}

function readCounts<K extends string>(value: unknown, names: readonly K[]): Record<K, number> | undefined {
	if (!isJsonObject(value)) return undefined;
	const counts = names.map((name) => [name, value[name]] as const);
	if (!counts.every(([, count]) => isCount(count))) return undefined;
	return Object.fromEntries(counts) as Record<K, number>;
}

function readStates(value: unknown): TcpPeer["states"] | undefined {
	if (!isJsonObject(value)) return undefined;
	const states: Partial<Record<TcpState, number>> = {};
	for (const [name, count] of Object.entries(value)) {
		const state = TCP_STATES.find((known) => known === name);
		if (state === undefined || !isCount(count)) return undefined;
		states[state] = count;
	}
	return states;
}

function quoteRow(value: unknown): string {
	return (JSON.stringify(value) ?? "nothing").slice(0, QUOTE_CHARS_MAX);
}

const NEWLINE = 0x0a;

/** Byte offsets of the rows, one a line as this room writes them; nobody else's need be right. */
function rowOffsets(bytes: Uint8Array): readonly number[] {
	const offsets: number[] = [];
	const opening = new TextEncoder().encode('\n{"direction"');
	for (let at = bytes.indexOf(NEWLINE); at >= 0; at = bytes.indexOf(NEWLINE, at + 1)) {
		if (opening.every((byte, i) => bytes[at + i] === byte)) offsets.push(at + 1);
		if (offsets.length > PEERS_MAX) break;
	}
	return offsets;
}
