/** One page to look at, made anew every few seconds; `html` of hono escapes whatever is put into it. */
import { html } from "hono/html";
import type { HtmlEscapedString } from "hono/utils/html";
import type {
	EndpointSnapshot,
	RecentFailure,
	UpstreamSnapshot,
	WaitingSnapshot,
	WorkerSnapshot,
} from "./admin-view.ts";

type Html = HtmlEscapedString | Promise<HtmlEscapedString>;
type Cell = string | number | Html;

const REFRESH_SECONDS = 5;
const ROWS_MAX = 500;

export function adminPage(
	workers: readonly WorkerSnapshot[],
	failures: readonly RecentFailure[],
	wallMs: number,
): Html {
	const upstreams = workers.flatMap(({ worker, upstreams }) => upstreams.map((one) => ({ worker, one })));
	return html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Plumbline gateway</title>
<meta http-equiv="refresh" content="${REFRESH_SECONDS}"><meta name="color-scheme" content="light dark">
<style>
body{font:14px/1.4 system-ui,sans-serif;margin:1.5rem;max-width:90rem}
table{border-collapse:collapse;margin:.3rem 0 1.2rem}
th,td{text-align:left;padding:.15rem .9rem .15rem 0;border-bottom:1px solid #8884;vertical-align:top}
td.n{text-align:right;font-variant-numeric:tabular-nums}
h2{font-size:1rem;margin:1rem 0 0}.bad{color:#c22;font-weight:600}
</style></head><body>
<h1>Plumbline gateway</h1>
${table("Processes", ["process", "pid", "state", "up", "configurations", "requests under way", "loop lag"], workers.map(workerRow))}
${table("Listeners", ["process", "listener", "connections", "at most", "turned away"], workers.flatMap(listenerRows))}
${table(
	"Upstreams",
	[
		"process",
		"upstream",
		"endpoint",
		"state",
		"breaker",
		"requests",
		"connections in use",
		"idle",
		"at most",
		"waiting",
	],
	upstreams.flatMap(({ worker, one }) => one.endpoints.map((endpoint) => endpointRow(worker, one, endpoint))),
)}
${table("Who waits", ["for", "since", "route", "endpoint", "client", "request"], workers.flatMap(({ waiting }) => waiting).map(waitingRow))}
${table("Rings", ["process", "upstream", "phase", "members", "keys pinned", "moved", "crossed"], upstreams.flatMap(ringRows))}
${table("Limits", ["process", "route", "limit", "kind", "at most", "used", "waiting"], workers.flatMap(limitRows))}
${table(
	"Recent failures",
	["ago", "route", "endpoint", "request", "status", "what", "trace"],
	failures.map((one) => failureRow(one, wallMs)),
)}
</body></html>`;
}

function table(title: string, heads: readonly string[], rows: readonly (readonly Cell[])[]): Html {
	if (rows.length === 0) return html`<h2>${title}</h2><p>none</p>`;
	const shown = rows.slice(0, ROWS_MAX);
	const cells = shown.map(
		(row) =>
			html`<tr>${row.map((cell) => (typeof cell === "number" ? html`<td class="n">${cell}</td>` : html`<td>${cell}</td>`))}</tr>`,
	);
	const more = rows.length > shown.length ? html`<p>and ${rows.length - shown.length} more</p>` : "";
	return html`<h2>${title}</h2><table><tr>${heads.map((head) => html`<th>${head}</th>`)}</tr>${cells}</table>${more}`;
}

function workerRow(one: WorkerSnapshot): Cell[] {
	const lag = one.loopLagMs === undefined ? "" : time(one.loopLagMs);
	const { worker, pid, state, upSeconds, generation, exchanges } = one;
	return [worker, pid, state, time(upSeconds * 1000), generation, exchanges, lag];
}

function listenerRows({ worker, listeners }: WorkerSnapshot): Cell[][] {
	return listeners.map((one) => [worker, one.name, one.connections, one.connectionsMax, one.turnedAway]);
}

function endpointRow(worker: number, { name }: UpstreamSnapshot, endpoint: EndpointSnapshot): Cell[] {
	const { id, out, inFlight, pool, breaker } = endpoint;
	const state = out.length === 0 ? "in" : bad(`out: ${out.join(", ")}`);
	const again = breaker.reopenInMs === undefined ? "" : `, again in ${time(breaker.reopenInMs)}`;
	const why = breaker.why === undefined ? "" : ` (${breaker.why}${again})`;
	const shut = breaker.state === "closed" ? "closed" : bad(breaker.state + why);
	const waiting = pool.waiting === 0 ? 0 : bad(String(pool.waiting));
	return [worker, name, id, state, shut, inFlight, pool.inUse, pool.idle, pool.max, waiting];
}

function waitingRow(one: WaitingSnapshot): Cell[] {
	const endpoint = one.endpoint ?? one.upstream ?? "";
	return [one.what, time(one.forMs), one.route ?? "", endpoint, one.client, `${one.method} ${one.path}`];
}

function ringRows({ worker, one }: { worker: number; one: UpstreamSnapshot }): Cell[][] {
	const { ring } = one;
	if (ring === undefined) return [];
	const members = ring.stages.at(-1)?.members.length ?? 0;
	const { phase, pinned, movedShare, crossedShare } = ring;
	return [[worker, one.name, phase, members, pinned, percent(movedShare), percent(crossedShare)]];
}

function percent(share: number): string {
	return `${(share * 100).toFixed(1)} %`;
}

function limitRows({ worker, limits }: WorkerSnapshot): Cell[][] {
	return limits.map(({ route, name, kind, limit, used, waiting, reachable }) => [
		worker,
		route,
		reachable === false ? bad(`${name} (its server does not answer)`) : name,
		kind,
		limit,
		used,
		waiting,
	]);
}

function failureRow(one: RecentFailure, wallMs: number): Cell[] {
	const ago = time(Math.max(0, wallMs - one.atMs));
	const request = `${one.method} ${one.path}`;
	return [
		ago,
		one.route ?? "",
		one.endpoint ?? "",
		request,
		one.status,
		`${one.kind}: ${one.detail}`,
		one.traceId,
	];
}

function bad(text: string): Html {
	return html`<span class="bad">${text}</span>`;
}

function time(ms: number): string {
	if (ms < 1000) return `${Math.round(ms)} ms`;
	if (ms < 120_000) return `${(ms / 1000).toFixed(1)} s`;
	if (ms < 7_200_000) return `${Math.round(ms / 60_000)} min`;
	return `${(ms / 3_600_000).toFixed(1)} h`;
}
