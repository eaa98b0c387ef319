import assert from "node:assert/strict";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, describe, test } from "node:test";
import { fakeTime } from "@plumbline/resolver/testing/fake-time";
import type { ExchangeRecord } from "./observer.ts";
import { openTelemetry } from "./telemetry.ts";
import { isKept } from "./telemetry-keep.ts";
import { tracesUrl } from "./telemetry-traces.ts";
import { exchangeRecord, requestHead } from "./testing/exchange-records.ts";
import { workerSnapshot } from "./testing/worker-snapshots.ts";

interface Value {
	readonly stringValue?: string;
	readonly intValue?: number | string;
	readonly boolValue?: boolean;
}

interface OtlpSpan {
	readonly traceId: string;
	readonly spanId: string;
	readonly parentSpanId?: string;
	readonly name: string;
	readonly kind: number;
	readonly startTimeUnixNano: string;
	readonly endTimeUnixNano: string;
	readonly status: { readonly code?: number };
	readonly attributes: readonly { readonly key: string; readonly value: Value }[];
	readonly events: readonly { readonly name: string; readonly timeUnixNano: string }[];
}

interface OtlpBody {
	readonly resourceSpans: readonly {
		readonly resource: { readonly attributes: OtlpSpan["attributes"] };
		readonly scopeSpans: readonly { readonly spans: readonly OtlpSpan[] }[];
	}[];
}

/** A collector of OTLP over HTTP, as far as JSON goes. */
class Collector {
	readonly spans: OtlpSpan[] = [];
	readonly services = new Set<unknown>();
	readonly server: Server = createServer((request, response) => {
		assert.equal(request.url, "/v1/traces");
		assert.match(request.headers["content-type"] ?? "", /^application\/json/);
		const chunks: Buffer[] = [];
		request.on("data", (chunk: Buffer) => chunks.push(chunk));
		request.on("end", () => {
			const body: OtlpBody = JSON.parse(Buffer.concat(chunks).toString());
			for (const { resource, scopeSpans } of body.resourceSpans) {
				this.services.add(attributeOf(resource, "service.name"));
				for (const { spans } of scopeSpans) this.spans.push(...spans);
			}
			response.writeHead(200, { "content-type": "application/json" });
			response.end("{}");
		});
	});

	get url(): string {
		return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
	}
}

function attributeOf({ attributes }: Pick<OtlpSpan, "attributes">, wanted: string): unknown {
	const value = attributes.find(({ key }) => key === wanted)?.value;
	return (
		value?.stringValue ??
		value?.boolValue ??
		(value?.intValue === undefined ? undefined : Number(value.intValue))
	);
}

const collector = new Collector();
before(() => new Promise<void>((resolve) => collector.server.listen(0, "127.0.0.1", resolve)));
after(() => collector.server.close());

/** Monotonic 0 is here; its nanoseconds are those a double can say. */
const ZERO_MS = Date.UTC(2026, 10, 23);
const settings = (slowMs = 500, share = 0) => ({
	accessLog: undefined,
	traces: { otlp: collector.url, share, slowMs, service: "edge" },
	traceIdField: true,
});
const nanos = (ms: number) => (BigInt(ZERO_MS) * 1_000_000n + BigInt(Math.round(ms * 1e6))).toString();

const failed = (): ExchangeRecord =>
	exchangeRecord({
		...{ traceId: "a".repeat(32), spanId: "b".repeat(16), parentSpanId: "c".repeat(16) },
		...{ status: 502, tries: 2, reused: false, beganMs: 1000, endedMs: 1064 },
		...{ askedPoolMs: 1016, connectedMs: 1032, answeredMs: undefined },
		head: requestHead({ path: "/pay?card=1&token=x", method: "POST" }),
		dialled: { beganMs: 1016, connectedMs: 1024, securedMs: 1032 },
		failure: { kind: "broken", detail: "closed by the peer" },
		failedSide: "upstream",
	});

test("a failed request as spans, with the times as they were", async () => {
	let nowMs = 1008;
	const telemetry = openTelemetry(settings(), { now: () => nowMs, wall: () => ZERO_MS + nowMs });
	telemetry.observe({
		...{ kind: "resolved", upstream: "orders", name: "orders.test", tookMs: 8 },
		answer: { kind: "addresses", addresses: ["10.0.0.1"], stale: false },
	});
	nowMs = 1040;
	telemetry.observe({ kind: "circuit", resource: "orders/10.0.0.1:8080", from: "closed", to: "open" });
	telemetry.observer.finished(failed());
	telemetry.observer.finished(exchangeRecord());
	await telemetry.close();

	assert.deepEqual([...collector.services], ["edge"]);
	const ours = collector.spans.filter(({ traceId }) => traceId === "a".repeat(32));
	const named = (name: string) => ours.find((span) => span.name === name);
	const forward = named("proxy.forward");
	assert.ok(forward);
	assert.deepEqual(
		ours.map(({ name, kind, startTimeUnixNano, endTimeUnixNano, parentSpanId }) => [
			...[name, kind, startTimeUnixNano, endTimeUnixNano],
			ours.find(({ spanId }) => spanId === parentSpanId)?.name ?? parentSpanId,
		]),
		[
			["proxy.forward", 2, nanos(1000), nanos(1064), "c".repeat(16)],
			["dns.resolve", 3, nanos(1000), nanos(1008), "proxy.forward"],
			["pool.wait", 1, nanos(1016), nanos(1032), "proxy.forward"],
			["connect", 3, nanos(1016), nanos(1024), "pool.wait"],
			["tls", 3, nanos(1024), nanos(1032), "pool.wait"],
			["upstream", 3, nanos(1032), nanos(1064), "proxy.forward"],
		],
	);
	assert.equal(forward.spanId, "b".repeat(16));
	assert.equal(forward.status.code, 2);
	assert.deepEqual(
		forward.events.map(({ name, timeUnixNano }) => [name, timeUnixNano]),
		[["circuit.state.change", nanos(1040)]],
	);
	for (const [key, value] of [
		["http.request.method", "POST"],
		["http.response.status_code", 502],
		["url.path", "/pay"],
		["url.query", "card=1&token=***"],
		["server.address", "shop.example"],
		["server.port", 8080],
		["client.address", "192.0.2.7"],
		["network.peer.port", 40_017],
		["network.protocol.version", "1.1"],
		["plumbline.route", "shop"],
		["error.type", "broken"],
	] as const)
		assert.equal(attributeOf(forward, key), value, key);
	const upstream = named("upstream");
	assert.ok(upstream);
	for (const [key, value] of [
		["server.address", "10.0.0.1"],
		["network.peer.port", 8080],
		["http.request.resend_count", 1],
		["plumbline.reused", false],
		["http.response.status_code", undefined],
	] as const)
		assert.equal(attributeOf(upstream, key), value, key);
	const circuit = collector.spans.find(({ name }) => name === "circuit.state.change");
	assert.ok(circuit);
	assert.deepEqual(
		["from", "to", "resource"].map((key) => attributeOf(circuit, key)),
		["closed", "open", "orders/10.0.0.1:8080"],
	);
	assert.equal(collector.spans.length, 7);
	const page = telemetry.metrics(workerSnapshot());
	assert.match(page, /plumbline_gateway_traces_total\{outcome="sent"\} 2\n/);
});

test("which are kept", () => {
	const traces = { otlp: "", service: "", share: 0, slowMs: 500 };
	for (const [isIt, parts] of [
		[false, {}],
		[true, { status: 500 }],
		[true, { status: 502, failure: { kind: "connect", detail: "" }, failedSide: "upstream" }],
		[true, { status: 200, failure: { kind: "broken", detail: "" }, failedSide: "upstream" }],
		[false, { status: 499, failure: { kind: "cancelled", detail: "" }, failedSide: "client" }],
		[false, { status: 404 }],
		[false, { grpcStatus: 0 }],
		[false, { grpcStatus: 5 }],
		[true, { grpcStatus: 14 }],
		[true, { endedMs: 1500 }],
		[false, { endedMs: 1499 }],
		[false, { status: 101, endedMs: 99_000 }],
		[true, { status: 101, answeredMs: 1600, endedMs: 99_000 }],
		[true, { sampled: true }],
		[false, { sampled: false }],
	] as const satisfies readonly (readonly [boolean, Partial<ExchangeRecord>])[])
		assert.equal(isKept(exchangeRecord(parts), traces), isIt, JSON.stringify(parts));
	assert.ok(isKept(exchangeRecord(), { ...traces, share: 1 }));
	assert.ok(!isKept(exchangeRecord({ sampled: false }), { ...traces, share: 1 }));
});

test("a collector that is not there costs traces, not requests, and the queue has a bound", async () => {
	const dead = { otlp: "http://127.0.0.1:9/v1/traces", share: 0, slowMs: 500, service: "edge" };
	const time = fakeTime();
	const telemetry = openTelemetry({ ...settings(), traces: dead }, { timers: time.timers });
	for (let n = 0; n < 10_000; n++) telemetry.observer.finished(exchangeRecord({ status: 500 }));
	const page = telemetry.metrics(workerSnapshot());
	const [, kept, dropped] =
		/kept"\} (\d+)[\s\S]*dropped"\} (\d+)\n/.exec(
			page.slice(page.indexOf("plumbline_gateway_traces_total{")),
		) ?? [];
	assert.equal(Number(kept), 10_000);
	assert.ok(Number(dropped) > 5000 && Number(dropped) < 10_000, dropped);
	const closed = telemetry.close();
	await time.pass(3000);
	await closed;
});

test("the address of a collector", () => {
	assert.equal(tracesUrl("http://c:4318"), "http://c:4318/v1/traces");
	assert.equal(tracesUrl("http://c:4318/otlp/v1/traces"), "http://c:4318/otlp/v1/traces");
});

describe("in the process", () => {
	const telemetry = openTelemetry({ accessLog: undefined, traces: undefined, traceIdField: false });

	test("channels", () => {
		const heard: unknown[] = [];
		const names = ["circuit.state.change", "exchange", "reload"].map((name) => `plumbline.gateway.${name}`);
		const listen = (message: unknown) => heard.push(message);
		for (const name of names) subscribe(name, listen);
		const record = exchangeRecord();
		telemetry.observer.finished(record);
		telemetry.observe({ kind: "circuit", resource: "orders/a:1", from: "open", to: "half-open" });
		telemetry.observe({ kind: "plugin", plugin: "a", fault: "b" });
		const reload = { kind: "reload", result: "done", changed: [], faults: [] } as const;
		telemetry.observe(reload);
		for (const name of names) unsubscribe(name, listen);
		assert.deepEqual(heard, [record, { from: "open", to: "half-open", resource: "orders/a:1" }, reload]);
	});

	test("recent failures: the latest first, as many as fit, without secrets", () => {
		for (let n = 0; n < 150; n++) {
			const head = requestHead({ path: `/${n}?token=x` });
			telemetry.observer.finished(exchangeRecord({ status: 503, head, refused: "shed" }));
			telemetry.observer.finished(exchangeRecord({ status: 404 }));
		}
		const list = telemetry.recentFailures();
		assert.equal(list.length, 100);
		assert.deepEqual([list[0]?.path, list[99]?.path], ["/149?token=***", "/50?token=***"]);
		assert.deepEqual([list[0]?.kind, list[0]?.detail], ["shed", "answered 503"]);
	});

	test("what one part throws is told once, and the others go on", () => {
		const told: string[] = [];
		const log = { path: "/dev/null", format: "json" } as const;
		const all = openTelemetry(
			{ accessLog: log, traces: undefined, traceIdField: false },
			{ trouble: (text) => told.push(text) },
		);
		const head = {
			...requestHead(),
			value: () => {
				throw new Error("over");
			},
		};
		all.observer.finished(exchangeRecord({ head }));
		all.observer.finished(exchangeRecord({ head }));
		assert.equal(told.length, 1);
		assert.match(all.metrics(workerSnapshot()), /requests_total\{.*\} 2\n/);
		all.reopenLogs();
	});
});
