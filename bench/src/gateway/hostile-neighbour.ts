/**
 * A client that is not hostile, in a thread of its own: asks so many times a second, by a kept connection and by a new
 * one in turn, and tells what it was answered and how long that took.
 */
import { Agent, request } from "node:http";
import { parentPort, workerData } from "node:worker_threads";

export interface NeighbourReport {
	readonly asked: number;
	readonly answered: number;
	/** Others than 200, and errors, by name. */
	readonly failures: readonly string[];
	readonly p50Ms: number;
	readonly longestMs: number;
}

const EVERY_MS = 40;
const PATIENCE_MS = 10_000;
const FAILURES_KEPT = 5;

const { port } = workerData as { readonly port: number };
const agent = new Agent({ keepAlive: true, maxSockets: 1 });
let tookMs: number[] = [];
let failures: string[] = [];
let asked = 0;
let underWay = 0;
let isFresh = false;

function ask(): void {
	isFresh = !isFresh;
	asked++;
	underWay++;
	const beganMs = performance.now();
	const asking = request(
		{ port, host: "127.0.0.1", path: "/neighbour", agent: isFresh ? false : agent, timeout: PATIENCE_MS },
		(response) => {
			response.resume();
			response.on("end", () => over(response.statusCode === 200 ? undefined : String(response.statusCode)));
			response.on("error", (error) => over(error.message));
		},
	);
	let isOver = false;
	const over = (failure: string | undefined) => {
		if (isOver) return;
		isOver = true;
		underWay--;
		tookMs.push(performance.now() - beganMs);
		if (failure !== undefined && failures.length < FAILURES_KEPT) failures.push(failure);
	};
	asking.on("timeout", () => asking.destroy(new Error(`no answer in ${PATIENCE_MS} ms`)));
	asking.on("error", (error) => over(error.message));
	asking.end();
}

let asking = setInterval(ask, EVERY_MS);

/** Tells of what was asked since the last time, when all of it has come to an end. */
parentPort?.on("message", () => {
	clearInterval(asking);
	const look = setInterval(() => {
		if (underWay > 0) return;
		clearInterval(look);
		const sorted = tookMs.sort((a, b) => a - b);
		const report: NeighbourReport = {
			asked,
			answered: sorted.length - failures.length,
			failures,
			p50Ms: sorted[sorted.length >> 1] ?? 0,
			longestMs: sorted.at(-1) ?? 0,
		};
		parentPort?.postMessage(report);
		[tookMs, failures, asked] = [[], [], 0];
		asking = setInterval(ask, EVERY_MS);
	}, 5);
});
