/**
 * What telling of a request costs: nanoseconds of CPU time a record of the log, the metrics and the traces, and of trace ids.
 *
 *   node bench/src/gateway/telemetry.ts [--rounds 7]
 *
 * Records are of 64 requests with paths of their own, each with a query, a user agent and a referer; the log goes to
 * /dev/null through its real writer. Traces that are kept are made and thrown away: what a collector costs is not in it.
 * The least and the median of the rounds are told; by turns, so that a busy moment meets all of them.
 */
import { parseArgs } from "node:util";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { LineBytes } from "@plumbline/gateway/access-log-bytes";
import { AccessLines } from "@plumbline/gateway/access-log-lines";
import { gatewayMetrics } from "@plumbline/gateway/metrics";
import { openTelemetry } from "@plumbline/gateway/telemetry";
import { SpanMaker } from "@plumbline/gateway/telemetry-exchange-spans";
import { isKept } from "@plumbline/gateway/telemetry-keep";
import { exchangeRecord, requestHead } from "@plumbline/gateway/testing/exchange-records";
import { newSpanId, newTraceId, parseTraceparent, traceparent } from "@plumbline/gateway/trace-context";

const CALLS = 200_000;
const TURN = 4_000;
const LINES_BYTES = 1 << 20;
const { values } = parseArgs({ options: { rounds: { type: "string", default: "7" } } });

const records = Array.from({ length: 64 }, (_, n) =>
	exchangeRecord({
		head: requestHead({ path: `/v1/orders/${n}?page=2` }),
		traceId: newTraceId(),
		endedMs: 1001 + n / 7,
	}),
);
const recordOf = (n: number) => records[n & 63] as (typeof records)[number];
const lines = new AccessLines(() => performance.now(), Date.now);
const to = new LineBytes(LINES_BYTES);
const metrics = gatewayMetrics(Date.now);
const traces = { otlp: "", service: "bench", share: 0.01, slowMs: 1000 };
const maker = new SpanMaker(resourceFromAttributes({}), () => 0);
const around = { resolved: undefined, circuits: [] };
const all = openTelemetry({
	accessLog: { path: "/dev/null", format: "json" },
	traces: { ...traces, otlp: "http://127.0.0.1:9", share: 0 },
	traceIdField: true,
});
/** Keeps results alive. */
let kept: unknown;

const subjects: Readonly<Record<string, (n: number) => void>> = {
	"log, json": (n) => {
		lines.json(recordOf(n), to);
		if (to.at > LINES_BYTES / 2) to.at = 0;
	},
	"log, combined": (n) => {
		lines.common(recordOf(n), true, to);
		if (to.at > LINES_BYTES / 2) to.at = 0;
	},
	metrics: (n) => metrics.finished(recordOf(n)),
	"rate limit counted": () => metrics.observe(LIMIT_EVENT),
	"trace, not kept": (n) => {
		kept = isKept(recordOf(n), traces);
	},
	"trace, made into spans": (n) => {
		kept = maker.ofExchange(recordOf(n), around);
	},
	"new ids": () => {
		kept = newTraceId();
		kept = newSpanId();
	},
	"traceparent read": () => {
		kept = parseTraceparent(GIVEN);
	},
	"all of it, log to /dev/null": (n) => all.observer.finished(recordOf(n)),
};
const LIMIT_EVENT = { kind: "rate-limit", route: "shop", limit: "everybody", allowed: true } as const;
const GIVEN = traceparent(newTraceId(), newSpanId(), true);

const figures = new Map(Object.keys(subjects).map((name): [string, number[]] => [name, []]));
for (let round = 0; round <= Number(values.rounds); round++) {
	for (const [name, run] of Object.entries(subjects)) {
		let cpuUs = 0;
		for (let done = 0; done < CALLS; done += TURN) {
			const before = process.cpuUsage();
			for (let n = done; n < done + TURN; n++) run(n);
			const { user, system } = process.cpuUsage(before);
			cpuUs += user + system;
			// The log's writer gets its turn; what it does is not in the figure.
			await new Promise((resolve) => setImmediate(resolve));
		}
		// The first round is the compiler's.
		if (round > 0) figures.get(name)?.push((cpuUs * 1000) / CALLS);
	}
}
await all.close();
console.log("| ns a request | least | median |\n|---|---|---|");
for (const [name, found] of figures) {
	const sorted = found.toSorted((a, b) => a - b);
	console.log(`| ${name} | ${Math.round(sorted[0] ?? 0)} | ${Math.round(sorted[sorted.length >> 1] ?? 0)} |`);
}
if (kept === undefined) console.log("nothing was kept");
