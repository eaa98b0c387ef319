/**
 * A request that has ended, as spans with the times as they were:
 *
 *     proxy.forward ├──────────────────────────────────────────────┤   server; its id went to the upstream as parent
 *       dns.resolve    ├────┤                                          if the upstream's name was looked up meanwhile
 *       pool.wait      ├──────────────┤                                from asking for a connection to having one
 *         connect           ├────┤                                     if a connection was made for it
 *         tls                    ├────┤
 *       upstream                      ├──────────────────────────┤     client; the last try
 *
 * Changes of the endpoint's breaker meanwhile are events of proxy.forward: `circuit.state.change`. Every change is also
 * a span of that name, in a trace of its own.
 *
 * How it can mislead: of several tries only the last has spans; `http.request.resend_count` tells of the others. What
 * the upstream records hangs below proxy.forward, beside `upstream`.
 */
import { type Attributes, type HrTime, SpanKind, SpanStatusCode, TraceFlags } from "@opentelemetry/api";
import type { Resource } from "@opentelemetry/resources";
import type { ReadableSpan, TimedEvent } from "@opentelemetry/sdk-trace";
import type { ExchangeRecord, GatewayEvent } from "./observer.ts";
import { isError } from "./telemetry-keep.ts";
import { addressOf, forwardAttributes, upstreamAttributes } from "./telemetry-span-attributes.ts";
import { newSpanId, newTraceId } from "./trace-context.ts";

type Resolved = Extract<GatewayEvent, { readonly kind: "resolved" }>;
type Circuit = Extract<GatewayEvent, { readonly kind: "circuit" }>;

/** What happened around it, with its monotonic time. */
export interface Around {
	readonly resolved: { readonly event: Resolved; readonly atMs: number } | undefined;
	readonly circuits: readonly { readonly event: Circuit; readonly atMs: number }[];
}

/** One of `exchangeSpans`, before it has what all have. */
interface Draft {
	readonly name: string;
	readonly kind: SpanKind;
	readonly id: string;
	readonly parent: string | undefined;
	readonly fromMs: number;
	readonly toMs: number;
	readonly attributes: Attributes;
	readonly isError: boolean;
	readonly events?: TimedEvent[];
}

export class SpanMaker {
	readonly #resource: Resource;
	readonly #scope = { name: "plumbline.gateway" };
	/** Wall clock at monotonic 0. */
	readonly #wallAtZeroMs: () => number;

	constructor(resource: Resource, wallAtZeroMs: () => number) {
		this.#resource = resource;
		this.#wallAtZeroMs = wallAtZeroMs;
	}

	ofExchange(record: ExchangeRecord, around: Around): ReadableSpan[] {
		const zeroMs = this.#wallAtZeroMs();
		const events = around.circuits.map(({ event, atMs }) => circuitEvent(event, hrTime(zeroMs + atMs)));
		const forward: Draft = {
			name: "proxy.forward",
			kind: SpanKind.SERVER,
			id: record.spanId,
			parent: record.parentSpanId,
			fromMs: record.beganMs,
			toMs: record.endedMs,
			attributes: forwardAttributes(record),
			isError: isError(record),
			events,
		};
		return [forward, ...inside(record, around)].map((draft) => this.#span(record.traceId, draft, zeroMs));
	}

	ofCircuit(event: Circuit, atMs: number): ReadableSpan {
		const zeroMs = this.#wallAtZeroMs();
		const draft: Draft = {
			name: "circuit.state.change",
			kind: SpanKind.INTERNAL,
			id: newSpanId(),
			parent: undefined,
			fromMs: atMs,
			toMs: atMs,
			attributes: circuitAttributes(event),
			isError: event.to === "open",
			events: [circuitEvent(event, hrTime(zeroMs + atMs))],
		};
		return this.#span(newTraceId(), draft, zeroMs);
	}

	#span(traceId: string, draft: Draft, zeroMs: number): ReadableSpan {
		const context = (spanId: string) => ({ traceId, spanId, traceFlags: TraceFlags.SAMPLED });
		const own = context(draft.id);
		return {
			name: draft.name,
			kind: draft.kind,
			spanContext: () => own,
			...(draft.parent !== undefined && {
				parentSpanContext: {
					...context(draft.parent),
					...(draft.kind === SpanKind.SERVER && { isRemote: true }),
				},
			}),
			startTime: hrTime(zeroMs + draft.fromMs),
			endTime: hrTime(zeroMs + draft.toMs),
			duration: hrTime(Math.max(0, draft.toMs - draft.fromMs)),
			status: { code: draft.isError ? SpanStatusCode.ERROR : SpanStatusCode.UNSET },
			attributes: draft.attributes,
			links: [],
			events: draft.events ?? [],
			ended: true,
			resource: this.#resource,
			instrumentationScope: this.#scope,
			droppedAttributesCount: 0,
			droppedEventsCount: 0,
			droppedLinksCount: 0,
		};
	}
}

function inside(record: ExchangeRecord, { resolved }: Around): Draft[] {
	const { askedPoolMs, connectedMs, endedMs, endpoint = "", spanId, dialled } = record;
	const drafts: Draft[] = [];
	const failedBefore = isError(record) && connectedMs === undefined;
	const add = (name: string, parent: string, fromMs: number, toMs: number, more: Partial<Draft> = {}) => {
		const id = newSpanId();
		const usual = { kind: SpanKind.INTERNAL, attributes: {}, isError: false };
		drafts.push({ ...usual, name, id, parent, fromMs, toMs, ...more });
		return id;
	};
	if (resolved !== undefined && resolved.atMs >= record.beganMs) {
		const { event, atMs } = resolved;
		add("dns.resolve", spanId, atMs - event.tookMs, atMs, {
			kind: SpanKind.CLIENT,
			attributes: dnsAttributes(event),
			isError: event.answer.kind !== "addresses",
		});
	}
	if (askedPoolMs === undefined) return drafts;
	const wait = add("pool.wait", spanId, askedPoolMs, connectedMs ?? endedMs, {
		attributes: { "plumbline.reused": record.reused },
		isError: failedBefore,
	});
	if (dialled !== undefined) {
		const peer = { kind: SpanKind.CLIENT, attributes: addressOf("network.peer", endpoint) };
		add("connect", wait, dialled.beganMs, dialled.connectedMs, peer);
		if (dialled.securedMs !== undefined) add("tls", wait, dialled.connectedMs, dialled.securedMs, peer);
	}
	if (connectedMs !== undefined)
		add("upstream", spanId, connectedMs, endedMs, {
			kind: SpanKind.CLIENT,
			attributes: upstreamAttributes(record),
			isError: isError(record),
		});
	return drafts;
}

function dnsAttributes({ name, answer }: Resolved): Attributes {
	const asked = { "dns.question.name": name, "net.peer.name": name };
	if (answer.kind !== "addresses") return { ...asked, "error.type": answer.kind };
	const answers = answer.addresses.slice(0, ANSWERS_MAX);
	return { ...asked, "dns.answers": answers, "plumbline.dns.stale": answer.stale };
}

const ANSWERS_MAX = 16;

function circuitEvent(event: Circuit, time: HrTime): TimedEvent {
	return { name: "circuit.state.change", time, attributes: circuitAttributes(event) };
}

function circuitAttributes({ from, to, resource }: Circuit): Attributes {
	return { from, to, resource };
}

function hrTime(ms: number): HrTime {
	const seconds = Math.floor(ms / 1000);
	return [seconds, Math.min(999_999_999, Math.round((ms - seconds * 1000) * 1e6))];
}
