/** Makes evidence: what a line shows, with the words of the capture it rests on. */
import type { Frame } from "@plumbline/signals/goroutines";
import type { DbSession } from "@plumbline/signals/sessions";
import type { DumpView } from "./dump-view.ts";
import type { Evidence } from "./finding.ts";
import type { PoolSighting, PoolView } from "./pool-view.ts";
import type { SessionHistory } from "./session-history.ts";
import type { SiblingSite } from "./siblings.ts";
import type { OwnedSocket } from "./sockets-view.ts";

/** Lines of a stack that are looked at to quote from it; Go elides beyond 100 frames of two lines. */
const STACK_LINES = 210;
/** Calls quoted from the top of a stack, and around the first call of the service's own code. */
const TOP_CALLS = 1;
const OWN_CALLS = 2;
/** Rows of a table quoted as evidence; the count is in `says`. */
const QUOTE_ROWS = 3;

export function goroutineEvidence(dump: DumpView, row: number, says: string): Evidence {
	return {
		line: "runtime",
		says,
		quote: quoteStack(dump, row),
		part: dump.sampled.part.name,
		offset: dump.table.offset[row] ?? 0,
		atMs: dump.atMs,
	};
}

/**
 * The header, where the goroutine is, and where the service's own code called into it; what lies between is
 * elided. The creator closes a stack that has no code of the service.
 */
function quoteStack({ table, facts }: DumpView, row: number): string {
	const [header = "", ...lines] = table.quote(row, STACK_LINES).trimEnd().split("\n");
	const calls: string[][] = [];
	for (const line of lines) {
		if (line.startsWith("\t")) calls.at(-1)?.push(line);
		else calls.push([line]);
	}
	const own = facts(row).application[0]?.func;
	const ownAt = own === undefined ? -1 : calls.findIndex(([call]) => call?.startsWith(`${own}(`));
	const from = ownAt < 0 ? calls.length - 1 : ownAt - 1;
	const shown = calls.flatMap((call, i) => {
		if (i < TOP_CALLS || (i >= from && i < from + OWN_CALLS)) return call;
		return i === TOP_CALLS ? ["\t..."] : [];
	});
	return [header, ...shown].join("\n");
}

export function sessionEvidence(histories: readonly SessionHistory[], says: string): Evidence {
	const shown = histories.slice(0, QUOTE_ROWS).map(({ last }) => quoteSession(last.session));
	const sighting = histories[0]?.last;
	return {
		line: "pool",
		says,
		quote: shown.join("\n"),
		part: sighting?.part ?? "",
		offset: sighting?.session.offset ?? 0,
		atMs: sighting?.atMs ?? 0,
	};
}

export function poolEvidence({ counters, part, atMs }: PoolSighting, says: string): Evidence {
	return { line: "pool", says, quote: counters.quoted.text, part, offset: counters.quoted.offset, atMs };
}

/** A pool that had at least `count` connections in use whenever it was read; undefined where none had. */
export function inUseEvidence(pools: readonly PoolView[], count: number): Evidence | undefined {
	const pool = pools.find((p) => p.sightings.every((s) => (s.counters.inUse ?? 0) >= count));
	return pool && poolEvidence(pool.last, `the pool counts ${pool.last.counters.inUse} connections in use`);
}

export function socketEvidence(sockets: readonly OwnedSocket[], says: string): Evidence {
	const first = sockets[0];
	return {
		line: "sockets",
		says,
		quote: sockets
			.slice(0, QUOTE_ROWS)
			.map(({ socket: s }) => {
				const quiet = s.tcpInfo;
				const since =
					quiet === undefined
						? ""
						: ` last_sent=${quiet.lastDataSentMs}ms last_recv=${quiet.lastDataRecvMs}ms`;
				return `${s.state} recv-q=${s.recvQ} send-q=${s.sendQ} ${s.localIp}:${s.localPort} -> ${s.peerIp}:${s.peerPort}${since}`;
			})
			.join("\n"),
		part: first?.part ?? "",
		offset: first?.socket.offset ?? 0,
		atMs: first?.atMs ?? 0,
	};
}

export function siblingEvidence({ frame, seen, sighting }: SiblingSite): Evidence {
	return {
		line: "runtime",
		says: `${seen} live ${seen === 1 ? "sighting" : "sightings"} of this code path with a connection`,
		quote: quoteCalls([frame]),
		part: sighting.part,
		offset: sighting.offset,
		atMs: sighting.atMs,
	};
}

/** Calls as a dump prints them, without arguments. */
export function quoteCalls(frames: readonly Frame[]): string {
	return frames.map(({ func, file, line }) => `${func}\n\t${file}:${line}`).join("\n");
}

export function quoteSession(s: DbSession): string {
	const client = s.client === undefined ? "local" : `${s.client.ip}:${s.client.port}`;
	const ages = [
		s.xactAgeMs === undefined ? "" : ` xact ${seconds(s.xactAgeMs)}`,
		s.stateAgeMs === undefined ? "" : ` in state ${seconds(s.stateAgeMs)}`,
	].join("");
	const wait = s.wait === undefined ? "" : ` wait ${s.wait}`;
	const application = s.application === undefined || s.application === "" ? "" : ` app ${s.application}`;
	return `session ${s.id} ${client}${application} ${s.state}${wait}${ages}: ${s.statement}`;
}

/** `8.2 s`, or `14 min` from two minutes on. */
export function seconds(ms: number): string {
	return ms >= 120_000 ? `${Math.round(ms / 60_000)} min` : `${(ms / 1000).toFixed(1)} s`;
}

/** `32 %` of 0.318. */
export function percent(share: number): string {
	return `${Math.round(share * 100)} %`;
}

/** A function without the path of its package. */
export function shortName(func: string): string {
	return func.slice(func.lastIndexOf("/") + 1);
}

export function plural(n: number, one: string, many = `${one}s`): string {
	return `${n} ${n === 1 ? one : many}`;
}
