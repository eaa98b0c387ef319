/**
 * A request before any upstream is asked: what is refused at once, the route's gate, its plugins, and which upstream it
 * is for. Says one of `go`, `answer`, `send` and `fail` to its exchange, once, unless it is left first.
 */
import { isCircle } from "./exchange-heads.ts";
import type { Admitted, GateRequest, GateWaiting, Refused } from "./gate.ts";
import type { LiveRoute } from "./live-route.ts";
import type { LiveUpstream } from "./live-upstream.ts";
import type { LocalAnswer } from "./local-answer.ts";
import type { FieldPairs, RequestHead } from "./message.ts";
import type { ExchangeRecord } from "./observer.ts";
import type { PluginEdits } from "./plugin-api.ts";
import type { Failure } from "./stream.ts";

export interface EntranceListener extends GateRequest {
	go(live: LiveUpstream): void;
	answer(status: number, message: string, fields?: FieldPairs): void;
	/** Of a plugin's own. */
	send(answer: LocalAnswer): void;
	refused(why: Refused["why"]): void;
	fail(failure: Failure, side: "upstream" | "gateway"): void;
}

export const NO_TUNNEL = "This gateway is no tunnel.";
const NO_TARGET: Failure = { kind: "no-endpoint", detail: "no target of the route takes it" };

export class Entrance {
	readonly #listener: EntranceListener;
	readonly #route: LiveRoute;
	#waiting: GateWaiting | undefined = undefined;
	#admitted: Admitted | undefined = undefined;
	#edits: PluginEdits | undefined = undefined;

	constructor(listener: EntranceListener, route: LiveRoute) {
		this.#listener = listener;
		this.#route = route;
	}

	/** Of the gate, for the response. */
	get fields(): FieldPairs | undefined {
		return this.#admitted?.fields;
	}

	/** Of the route's plugins, for the request. */
	get edits(): PluginEdits | undefined {
		return this.#edits;
	}

	/** Before `ask`; false: it was answered. */
	mayPass(): boolean {
		const refusal = refusalOf(this.#listener.head, this.#route);
		if (refusal !== undefined) this.#listener.answer(refusal.status, refusal.message);
		return refusal === undefined;
	}

	ask(nowMs: number): void {
		const decision = this.#route.gate.enter(this.#listener, nowMs, (later) => {
			this.#waiting = undefined;
			this.#decided(later);
		});
		if (decision.kind === "waiting") this.#waiting = decision;
		else this.#decided(decision);
	}

	/** The exchange has ended. */
	leave({ answeredMs, status, beganMs, endedMs, failedSide }: ExchangeRecord): void {
		this.#waiting?.cancel();
		this.#waiting = undefined;
		const outcome = {
			status: answeredMs === undefined ? undefined : status,
			tookMs: endedMs - beganMs,
			// A plugin's own answer, or a route that is turned out, says nothing of the servers either.
			cancelled: failedSide === "client" || (answeredMs === undefined && failedSide !== "upstream"),
		};
		this.#admitted?.leave(outcome, endedMs);
		this.#admitted = undefined;
	}

	#decided(decision: Admitted | Refused): void {
		const listener = this.#listener;
		if (decision.kind === "refused") {
			listener.refused(decision.why);
			listener.answer(decision.status, decision.message, decision.fields);
			return;
		}
		this.#admitted = decision;
		if (!this.#passesPlugins()) return;
		const live = this.#route.choose(listener);
		if (live === undefined) listener.fail(NO_TARGET, "gateway");
		else listener.go(live);
	}

	/** False: one of them has answered. */
	#passesPlugins(): boolean {
		const { plugins } = this.#route;
		if (plugins === undefined) return true;
		const verdict = plugins.onRequest(this.#listener.head, this.#listener.clientAddress);
		if (verdict.kind === "continue") this.#edits = verdict.edits;
		else if (verdict.kind === "answer") this.#listener.send(verdict);
		else this.#listener.answer(503, PLUGIN_FAILED);
		return verdict.kind === "continue";
	}
}

export const PLUGIN_FAILED = "A policy of this route failed.";

/** What no upstream is asked about. */
function refusalOf(
	head: RequestHead,
	{ settings }: LiveRoute,
): { readonly status: number; readonly message: string } | undefined {
	if (isCircle(head)) return { status: 508, message: "The request goes in a circle through this gateway." };
	if (head.method === "CONNECT") return { status: 501, message: NO_TUNNEL };
	if (head.upgrade === undefined) return undefined;
	if (head.version !== "2" && head.bodyLength !== 0)
		return { status: 400, message: "A request that changes the protocol has no body." };
	return settings.websocket ? undefined : { status: 403, message: "WebSockets are not allowed here." };
}
