/**
 * The sockets line: every TCP socket of the target's network namespace, and which of them the target holds.
 *
 * Three routes, the best that works: netlink (exact, with tcp_info), ss, and /proc/PID/net/tcp. What made
 * a better one fail is noted; that every one failed is a gap. The descriptors are read after the table:
 * a socket made in between is then in neither or in the descriptors only, never without its owner.
 */
import { placeOfNetworkNamespace } from "@plumbline/kernel/network-namespace";
import { readProcNetTcp } from "@plumbline/kernel/proc-net-tcp";
import { type ProcessStat, readProcessStat, whyGone } from "@plumbline/kernel/process-stat";
import type { Reading } from "@plumbline/kernel/reading";
import { dumpSockets } from "@plumbline/kernel/sock-diag";
import { readSocketFds } from "@plumbline/kernel/socket-fds";
import { runSs, ssCommand } from "@plumbline/kernel/ss";
import type { PartFormat } from "@plumbline/signals/capture";
import { FD_TABLE_HEADER } from "@plumbline/signals/sockets-fd-table";
import { howToRead } from "./process-rights.ts";
import type { ReadBytes, Recorder } from "./recorder.ts";

/** Sockets kept of one namespace. By netlink about 400 bytes each, so 160 MB at worst. */
const SOCKETS_MAX = 400_000;
const SS_BYTES_MAX = SOCKETS_MAX * 600;
const PROC_BYTES_MAX = SOCKETS_MAX * 150;

export type SocketRoute = "sock-diag" | "ss" | "proc-net-tcp";

export interface SocketsRequest {
	readonly pid: number;
	readonly sample: number;
	readonly signal?: AbortSignal;
	/** Which routes to try, in order; default all. */
	readonly routes?: readonly SocketRoute[];
}

const ROUTES: readonly SocketRoute[] = ["sock-diag", "ss", "proc-net-tcp"];

export async function collectSockets(recorder: Recorder, request: SocketsRequest): Promise<void> {
	const known = readProcessStat(request.pid);
	if (known.kind === "refused") {
		recorder.gap({ line: "sockets", what: "sockets", why: known.why, weight: "loss" });
		return;
	}
	await collectTable(recorder, request);
	await collectFds(recorder, request, known.value);
}

/** What a route read: the bytes, and how the part is to be named. */
interface RouteRead extends ReadBytes {
	readonly extension: string;
	readonly source: string;
	readonly note?: string;
}

async function collectTable(recorder: Recorder, request: SocketsRequest): Promise<void> {
	// The recorder looks at the plan's name when reading is done: only then the route is known.
	const plan = {
		name: "",
		format: "sock-diag" as PartFormat,
		sample: request.sample,
		source: "",
		line: "sockets" as const,
		what: "sockets",
	};
	await recorder.record(plan, async () => {
		const refusals: string[] = [];
		for (const route of usableRoutes(request, refusals)) {
			const reading = await readRoute(route, request);
			if (reading.kind === "read") {
				const { extension, source, note, ...bytes } = reading.value;
				plan.name = `sockets.${request.sample}.${extension}`;
				plan.format = route;
				plan.source = source;
				noteRoute(recorder, route, refusals, note);
				return bytes;
			}
			refusals.push(`${route}: ${reading.why}`);
		}
		throw new Error(refusals.join("; "));
	});
}

/** Without the right to see in which namespace the process is, only its own /proc/PID/net is sure to fit. */
function usableRoutes({ pid, routes = ROUTES }: SocketsRequest, refusals: string[]): readonly SocketRoute[] {
	const place = placeOfNetworkNamespace(pid);
	if (place.kind === "read") return routes;
	const how = place.code === "denied" ? `; ${howToRead(pid)}` : "";
	refusals.push(`the network namespace cannot be told: ${place.why}${how}`);
	return routes.filter((route) => route === "proc-net-tcp");
}

function noteRoute(
	recorder: Recorder,
	route: SocketRoute,
	refusals: readonly string[],
	note: string | undefined,
) {
	const what = "socket details";
	if (refusals.length > 0) {
		const lost = route === "ss" ? "" : ", without timers and byte counts";
		recorder.gap({
			line: "sockets",
			what,
			why: `read by ${route}${lost}, since ${refusals.join("; ")}`,
			weight: "note",
		});
	}
	if (note !== undefined) recorder.gap({ line: "sockets", what, why: note, weight: "note" });
}

async function readRoute(route: SocketRoute, request: SocketsRequest): Promise<Reading<RouteRead>> {
	const { pid } = request;
	const signal = request.signal === undefined ? {} : { signal: request.signal };
	const place = placeOfNetworkNamespace(pid);
	const namespaceOf = place.kind === "read" && place.value === "other" ? pid : undefined;
	switch (route) {
		case "sock-diag": {
			const query = {
				rowsMax: SOCKETS_MAX,
				...signal,
				...(namespaceOf === undefined ? {} : { namespaceOf }),
			};
			const source = `NETLINK_SOCK_DIAG in /proc/${pid}/ns/net`;
			return named(await dumpSockets(query), "sock-diag.bin", source);
		}
		case "ss":
			return named(
				await runSs({ bytesMax: SS_BYTES_MAX, ...signal }, namespaceOf),
				"ss.txt",
				ssCommand(namespaceOf).join(" "),
			);
		case "proc-net-tcp":
			return named(
				await readProcNetTcp(pid, { bytesMax: PROC_BYTES_MAX, ...signal }),
				"proc-net-tcp.txt",
				`/proc/${pid}/net/tcp`,
			);
		default:
			return route satisfies never;
	}
}

function named(
	reading: Reading<ReadBytes & { readonly note?: string }>,
	extension: string,
	source: string,
): Reading<RouteRead> {
	if (reading.kind === "refused") return reading;
	const { bytes, truncated, note } = reading.value;
	const value = {
		bytes,
		...(truncated === undefined ? {} : { truncated }),
		...(note === undefined ? {} : { note }),
		extension,
		source,
	};
	return { kind: "read", value };
}

async function collectFds(recorder: Recorder, request: SocketsRequest, known: ProcessStat): Promise<void> {
	const { pid, sample, signal } = request;
	const plan = {
		name: `fds.${sample}.tsv`,
		format: "fd-table",
		sample,
		source: `/proc/${pid}/fd`,
		line: "sockets",
		what: "socket owners",
	} as const;
	await recorder.record(plan, async () => {
		const fds = await readSocketFds(pid, signal);
		const gone = whyGone(known);
		if (gone !== undefined) throw new Error(gone);
		if (fds.kind === "refused")
			throw new Error(fds.code === "denied" ? `${fds.why}: ${howToRead(pid)}` : fds.why);
		const bytes = new TextEncoder().encode(FD_TABLE_HEADER + fds.value.lines);
		return fds.value.truncated === undefined ? { bytes } : { bytes, truncated: fds.value.truncated };
	});
}
