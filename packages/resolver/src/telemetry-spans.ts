/**
 * One OpenTelemetry span for each resolution that is not answered from `lookup`'s memo: `dns.resolve`, a child of
 * whatever the caller was in. It is made when the resolution has ended, with the times as they were; a try of a server
 * is an event of it.
 *
 * ```
 *   dns.resolve   net.peer.name=orders.internal  net.dns.server="dot 192.0.2.1:853 (dns.example)"
 *                 net.dns.answer=[10.1.2.3]      plumbline.dns.source=upstream
 * ```
 * Beside these names stand the ones of the semantic conventions: server.address, dns.question.name, dns.answers,
 * error.type; and `dns.lookup.duration`, in seconds, as a histogram (its conventions are still in development).
 */
import {
	type Attributes,
	type Meter,
	metrics,
	SpanKind,
	SpanStatusCode,
	type Tracer,
	trace,
} from "@opentelemetry/api";
import { dnsRcodeName, dnsRecordDataText, dnsTypeName } from "@plumbline/signals/dns-text";
import type { Observe } from "./observer.ts";
import type { Resolution } from "./resolution.ts";
import { type Ask, serverLabel, type Try } from "./upstream.ts";

const NAME = "plumbline.resolver";
/** Values of one attribute; a longer answer is cut and its length told. */
const ANSWERS_MAX = 16;

export interface SpanSettings {
	readonly tracer?: Tracer;
	readonly meter?: Meter;
	/** Wall clock, milliseconds. */
	readonly wallMs?: () => number;
}

export function spanObserver({
	tracer = trace.getTracer(NAME),
	meter = metrics.getMeter(NAME),
	wallMs = Date.now,
}: SpanSettings = {}): Observe {
	const duration = meter.createHistogram("dns.lookup.duration", {
		unit: "s",
		description: "Time a resolution took",
	});
	return (event) => {
		if (event.kind !== "resolved") return;
		const { ask, resolution, tookMs } = event;
		const endMs = wallMs();
		const startTime = endMs - tookMs;
		const attributes = attributesOf(ask, resolution);
		const span = tracer.startSpan("dns.resolve", { kind: SpanKind.CLIENT, startTime, attributes });
		for (const tried of resolution.tries) span.addEvent("dns.try", attributesOfTry(tried));
		if (resolution.kind === "failed")
			span.setStatus({ code: SpanStatusCode.ERROR, message: resolution.detail });
		span.end(endMs);
		duration.record(tookMs / 1_000, {
			"dns.question.name": hostOf(ask),
			...errorType(resolution),
		});
	};
}

function attributesOf(ask: Ask, resolution: Resolution): Attributes {
	const name = hostOf(ask);
	const answers = resolution.kind === "answered" ? resolution.message.answers : [];
	const shown = answers.slice(0, ANSWERS_MAX).map(({ data }) => dnsRecordDataText(data));
	const server = resolution.kind === "answered" ? resolution.server : resolution.tries.at(-1)?.server;
	return {
		"net.peer.name": name,
		"server.address": name,
		"dns.question.name": name,
		"dns.question.type": dnsTypeName(ask.question.type),
		...(server === undefined ? {} : { "net.dns.server": serverLabel(server) }),
		"net.dns.answer": shown,
		"dns.answers": shown,
		...(answers.length > shown.length ? { "plumbline.dns.answers.count": answers.length } : {}),
		...(resolution.kind === "answered"
			? {
					"plumbline.dns.source": resolution.source,
					"plumbline.dns.authenticated": resolution.authenticated,
				}
			: {}),
		...errorType(resolution),
	};
}

/** NXDOMAIN is an answer, but whoever looks for failed lookups looks for it. */
function errorType(resolution: Resolution): Attributes {
	if (resolution.kind === "failed") return { "error.type": resolution.why };
	const { rcode } = resolution.message;
	return rcode === 0 ? {} : { "error.type": dnsRcodeName(rcode) };
}

function attributesOfTry({ server, exchange }: Try): Attributes {
	return {
		"net.dns.server": serverLabel(server),
		"network.transport": exchange.kind === "answered" ? exchange.protocol : server.protocol,
		"plumbline.dns.took_ms": exchange.tookMs,
		...(exchange.kind === "failed"
			? { "error.type": exchange.why, "plumbline.dns.detail": exchange.detail }
			: { "dns.response_code": dnsRcodeName(exchange.message.rcode) }),
	};
}

function hostOf({ question }: Ask): string {
	return question.name === "." ? "." : question.name.replace(/\.$/, "");
}
