/** What the gateway changes in heads on their way through. */
import { writeDeadline } from "./deadline.ts";
import type { Endpoint } from "./endpoint.ts";
import { fieldNames } from "./field-names.ts";
import type { Forwarded, Forwarding } from "./forwarded.ts";
import type { LiveRoute } from "./live-route.ts";
import type { FieldNames, FieldPairs, HeadEdits, RequestHead, ResponseHead } from "./message.ts";
import type { ExchangeRecord } from "./observer.ts";
import type { PluginEdits } from "./plugin-api.ts";
import type { RouteSettings } from "./settings.ts";
import { isSoundTracestate, traceparent } from "./trace-context.ts";

/** The name by which we know ourselves in Via. */
const PSEUDONYM = "plumbline";
/** A request that has come through so many of us goes in a circle. */
const HOPS_MAX = 8;

export interface RequestContext {
	readonly route: LiveRoute;
	readonly record: ExchangeRecord;
	readonly forwarding: Forwarding;
	readonly forwarded: Forwarded;
	readonly sampled: boolean;
	/** Of the deadline. */
	readonly leftMs: number;
	readonly plugins: PluginEdits | undefined;
}

export function requestEdits(context: RequestContext, endpoint: Endpoint): HeadEdits {
	const { route, record, forwarded } = context;
	const { head, client, traceId, spanId, parentSpanId } = record;
	const { rewrite, host, timeouts } = route.settings;
	const set = route.requestSet.slice();
	context.forwarding.write(set, head, client, forwarded);
	set.push("via", `${head.version === "2" ? "2.0" : head.version} ${PSEUDONYM}`);
	set.push("traceparent", traceparent(traceId, spanId, context.sampled));
	writeDeadline(set, head, context.leftMs, timeouts);
	const drop = route.requestDrop(forwarded.trusted, parentSpanId !== undefined && hasSoundState(head));
	const path = context.plugins?.path ?? head.path;
	const rewrote = rewrite && rewritten(path, rewrite);
	return {
		drop: withPlugins(drop, set, context.plugins),
		set,
		path: rewrote ?? context.plugins?.path,
		authority: authorityOf(host, head, endpoint),
	};
}

export function responseEdits(
	route: LiveRoute,
	fields: FieldPairs | undefined,
	traceId: string | undefined,
	plugins: PluginEdits | undefined,
): { readonly edits: HeadEdits; readonly status: number | undefined } {
	const set = route.responseSet.slice();
	if (fields !== undefined) for (const each of fields) set.push(each);
	if (traceId !== undefined) set.push("x-trace-id", traceId);
	return { edits: { drop: withPlugins(route.responseDrop, set, plugins), set }, status: plugins?.status };
}

/** What plugins set is put at the end of `set`, and stands instead of what came. */
function withPlugins(drop: FieldNames | undefined, set: string[], plugins: PluginEdits | undefined) {
	if (plugins === undefined) return drop;
	for (const each of plugins.set) set.push(each);
	const replaced = plugins.set.filter((_, at) => at % 2 === 0);
	return fieldNames([...(drop?.names ?? []), ...plugins.remove, ...replaced]);
}

/** Of the client's trace: an unsound one would make the whole trace begin anew further on. */
function hasSoundState(head: RequestHead): boolean {
	const state = head.value("tracestate");
	return state === undefined || isSoundTracestate(state);
}

/** It has come through this kind of gateway too often. */
export function isCircle(head: RequestHead): boolean {
	if (head.value("via") === undefined) return false;
	let hops = 0;
	head.each((name, value) => {
		if (name === "via") hops += value.split(PSEUDONYM).length - 1;
	});
	return hops >= HOPS_MAX;
}

/** undefined: as it came. */
function rewritten(path: string, { prefix, to }: NonNullable<RouteSettings["rewrite"]>) {
	if (!path.startsWith(prefix)) return undefined;
	const rest = path.slice(prefix.length);
	const whole = `${to}${to.endsWith("/") && rest.startsWith("/") ? rest.slice(1) : rest}`;
	return whole.startsWith("/") ? whole : `/${whole}`;
}

/** HTTP/1.0 may come without a host. An empty one is allowed, but servers read it as one thing or another. */
function authorityOf(host: RouteSettings["host"], head: RequestHead, endpoint: Endpoint): string | undefined {
	if (host === "client") return head.authority === "" ? endpoint.authority : undefined;
	return host === "upstream" ? endpoint.authority : host.value;
}

/** A plugin's word about the status; everything else is the upstream's. */
export class RestatedHead implements ResponseHead {
	readonly #head: ResponseHead;
	readonly status: number;

	constructor(head: ResponseHead, status: number) {
		this.#head = head;
		this.status = status;
	}

	get bodyLength(): number | undefined {
		return this.#head.bodyLength;
	}

	value(name: string): string | undefined {
		return this.#head.value(name);
	}

	each(visit: (name: string, value: string) => void): void {
		this.#head.each(visit);
	}
}
