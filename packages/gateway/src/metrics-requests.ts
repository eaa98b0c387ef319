/**
 * What is counted at every request: cells with plain numbers, found by the name of a route or an upstream. Nothing is
 * made of them before the page is asked for.
 */

import { DurationHistogram, type MetricsPage } from "./metrics-text.ts";
import type { ExchangeRecord } from "./observer.ts";

/** Routes and upstreams that have cells of their own, those of earlier configurations included. */
const CELLS_MAX = 2000;
const MORE = "(more)";
const NONE = "(none)";

const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "other"] as const;
const STATUSES = ["none", "1xx", "2xx", "3xx", "4xx", "5xx"] as const;
/** 0 to 16; whatever else comes counts as 2, "unknown". */
const GRPC_CODES = 17;
const GRPC_UNKNOWN = 2;

class RouteCell {
	readonly requests = new Float64Array(METHODS.length * STATUSES.length);
	readonly duration = new DurationHistogram();
	requestBytes = 0;
	responseBytes = 0;
	readonly grpc = new Float64Array(GRPC_CODES);
	/** Rare enough for a Map: by reason, and by kind and side. */
	readonly refused = new Map<string, number>();
	readonly failures = new Map<string, number>();
}

class UpstreamCell {
	requests = 0;
	retries = 0;
	readonly duration = new DurationHistogram();
	readonly poolWait = new DurationHistogram();
}

export class RequestCounts {
	readonly #routes = new Map<string, RouteCell>();
	readonly #upstreams = new Map<string, UpstreamCell>();

	count(record: ExchangeRecord): void {
		const cell = cellOf(this.#routes, record.route ?? NONE, newRoute);
		const { status } = record;
		const statusClass = status >= 100 && status < 600 ? Math.floor(status / 100) : 0;
		const place = methodClass(record.head.method) * STATUSES.length + statusClass;
		(cell.requests[place] as number)++;
		cell.duration.observe(record.endedMs - record.beganMs);
		cell.requestBytes += record.requestBytes;
		cell.responseBytes += record.responseBytes;
		if (record.grpcStatus !== undefined) {
			const code = record.grpcStatus;
			(cell.grpc[Number.isInteger(code) && code >= 0 && code < GRPC_CODES ? code : GRPC_UNKNOWN] as number)++;
		}
		if (record.refused !== undefined) add(cell.refused, record.refused);
		if (record.failure !== undefined)
			add(cell.failures, `${record.failure.kind} ${record.failedSide ?? "gateway"}`);
		if (record.upstream !== undefined && record.askedPoolMs !== undefined)
			countUpstream(cellOf(this.#upstreams, record.upstream, newUpstream), record);
	}

	write(page: MetricsPage): void {
		for (const [route, cell] of this.#routes) {
			cell.requests.forEach((count, place) => {
				const method = METHODS[Math.floor(place / STATUSES.length)] ?? "other";
				const status = STATUSES[place % STATUSES.length] ?? "none";
				if (count > 0) page.add("plumbline_gateway_requests_total", [route, method, status], count);
			});
			page.histogram("plumbline_gateway_request_duration_seconds", [route], cell.duration);
			page.add("plumbline_gateway_request_bytes_total", [route], cell.requestBytes);
			page.add("plumbline_gateway_response_bytes_total", [route], cell.responseBytes);
			for (const [why, count] of cell.refused)
				page.add("plumbline_gateway_refused_total", [route, why], count);
			for (const [key, count] of cell.failures)
				page.add("plumbline_gateway_failures_total", [route, ...key.split(" ")], count);
			cell.grpc.forEach((count, code) => {
				if (count > 0) page.add("plumbline_gateway_grpc_responses_total", [route, String(code)], count);
			});
		}
		for (const [upstream, cell] of this.#upstreams) {
			page.add("plumbline_gateway_upstream_requests_total", [upstream], cell.requests);
			page.add("plumbline_gateway_upstream_retries_total", [upstream], cell.retries);
			page.histogram("plumbline_gateway_upstream_duration_seconds", [upstream], cell.duration);
			page.histogram("plumbline_gateway_pool_wait_seconds", [upstream], cell.poolWait);
		}
	}
}

function countUpstream(cell: UpstreamCell, record: ExchangeRecord): void {
	const { askedPoolMs = 0, connectedMs, answeredMs } = record;
	cell.requests++;
	if (record.tries > 1) cell.retries += record.tries - 1;
	cell.poolWait.observe((connectedMs ?? record.endedMs) - askedPoolMs);
	if (connectedMs !== undefined && answeredMs !== undefined) cell.duration.observe(answeredMs - connectedMs);
}

function cellOf<Cell>(cells: Map<string, Cell>, name: string, make: () => Cell): Cell {
	const known = cells.get(name);
	if (known !== undefined) return known;
	if (cells.size >= CELLS_MAX && name !== MORE) return cellOf(cells, MORE, make);
	const cell = make();
	cells.set(name, cell);
	return cell;
}

const newRoute = () => new RouteCell();
const newUpstream = () => new UpstreamCell();

function methodClass(method: string): number {
	switch (method) {
		case "GET":
			return 0;
		case "HEAD":
			return 1;
		case "POST":
			return 2;
		case "PUT":
			return 3;
		case "PATCH":
			return 4;
		case "DELETE":
			return 5;
		case "OPTIONS":
			return 6;
		default:
			return 7;
	}
}

function add(counts: Map<string, number>, key: string): void {
	counts.set(key, (counts.get(key) ?? 0) + 1);
}
