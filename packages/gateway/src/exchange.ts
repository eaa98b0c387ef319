/**
 * A request's way: by a route's gate to an endpoint, and its answer's way back.
 *
 *            route          gate            endpoint, pool         answer's head
 *   head ──▶ found ──▶ let through ──▶ connected, request sent ──▶ answering ──▶ done
 *              │             │              │   ▲                     │
 *             404         429, 503       failed ─┘ tried again        └─ cut off: the client sees that it is not whole
 *                                           └──▶ 502, 503, 504
 *
 * One timer serves all time limits: `#due` looks which of them is over. Both bodies pass with credit: whoever cannot
 * take more stops the source on the other side. Nothing is retried once a byte of an answer has gone to the client.
 */
import type { CallOutcome } from "@plumbline/policy/circuit-breaker";
import { totalMsOf } from "./deadline.ts";
import type { Endpoint } from "./endpoint.ts";
import { HeldBody } from "./exchange-body.ts";
import { isCircle, requestEdits, responseEdits } from "./exchange-heads.ts";
import { ExchangeLimits } from "./exchange-limits.ts";
import { blameOf, outcomeOf } from "./exchange-outcome.ts";
import type { ExchangeParts, LiveSite } from "./exchange-parts.ts";
import { newRecord } from "./exchange-record.ts";
import { Try, type TryListener } from "./exchange-try.ts";
import type { Forwarded } from "./forwarded.ts";
import type { Admitted, GateRequest, GateWaiting, Refused } from "./gate.ts";
import { grpcAnswer, isGrpc } from "./grpc-answers.ts";
import type { LiveRoute, LiveTarget, RouteGuest } from "./live-route.ts";
import { localAnswer, sentenceOf, statusOf } from "./local-answer.ts";
import {
	type FieldPairs,
	firstValue,
	type HeadEdits,
	ListResponseHead,
	NO_EDITS,
	type RequestHead,
	type ResponseHead,
} from "./message.ts";
import type { ExchangeRecord } from "./observer.ts";
import { decideRetry, hedgeAfterMs, isIdempotent, type RetryBody } from "./retry-rules.ts";
import { pathFault } from "./route-path.ts";
import type { ClientFacts, Failure, RequestReceiver, ServerStream } from "./stream.ts";
import { WheelTimer } from "./timer-wheel.ts";
import { isInShare } from "./trace-context.ts";

const LEFT: Failure = { kind: "cancelled", detail: "the client left" };
const OUTDONE: Failure = { kind: "cancelled", detail: "another try was faster" };
const ANSWERED_EARLY: Failure = { kind: "cancelled", detail: "the answer was whole before the request" };

export class Exchange implements RequestReceiver, TryListener, GateRequest, RouteGuest {
	readonly #parts: ExchangeParts;
	readonly #stream: ServerStream;
	readonly #record: ExchangeRecord;
	readonly #forwarded: Forwarded;
	readonly #sampled: boolean;
	readonly #timer: WheelTimer;
	readonly #body = new HeldBody();
	#route: LiveRoute | undefined = undefined;
	#limits: ExchangeLimits | undefined = undefined;
	#target: LiveTarget | undefined = undefined;
	#waiting: GateWaiting | undefined = undefined;
	#admitted: Admitted | undefined = undefined;
	/** The one whose answer counts; with hedging, the first until one of them answers. */
	#try: Try | undefined = undefined;
	#hedge: Try | undefined = undefined;
	#tried: Endpoint[] | undefined = undefined;
	#staleTries = 0;
	#requestEnded = false;
	#requestTrailers: FieldPairs | undefined = undefined;
	#answering = false;
	#tunnel = false;
	#answerEnded = false;
	#done = false;
	before: RouteGuest | undefined = undefined;
	after: RouteGuest | undefined = undefined;

	/** May have ended when it returns. */
	constructor(parts: ExchangeParts, site: LiveSite, head: RequestHead, stream: ServerStream) {
		this.#parts = parts;
		this.#stream = stream;
		this.#forwarded = site.forwarding.read(head, stream.client);
		this.#record = newRecord(head, stream.client, this.#forwarded.clientAddress, parts.now());
		this.#sampled = this.#record.sampled ?? isInShare(this.#record.traceId, parts.traceShare);
		this.#timer = new WheelTimer(() => this.#due());
		this.#begin(site);
	}

	get head(): RequestHead {
		return this.#record.head;
	}

	get client(): ClientFacts {
		return this.#record.client;
	}

	get clientAddress(): string {
		return this.#forwarded.clientAddress;
	}

	/** For the admin page: what it waits for is read from it. */
	get record(): ExchangeRecord {
		return this.#record;
	}

	// ─── the client's side ───

	data(bytes: Uint8Array): void {
		if (this.#done) return;
		this.#record.requestBytes += bytes.length;
		const to = this.#try?.stream;
		if (to === undefined) {
			this.#body.hold(bytes);
			if (this.#body.isFull) this.#stream.pause();
			return;
		}
		if (!this.#answering) this.#body.remember(bytes);
		if (!to.data(bytes)) this.#stream.pause();
	}

	end(trailers: FieldPairs | undefined): void {
		if (this.#done) return;
		this.#requestEnded = true;
		this.#requestTrailers = trailers;
		const to = this.#try?.stream;
		if (to === undefined) return;
		(this.#limits as ExchangeLimits).headSinceMs = this.#answering ? Infinity : this.#parts.now();
		to.end(trailers);
		if (this.#tunnel && this.#answerEnded) this.#finish("success");
	}

	reset(failure: Failure): void {
		if (this.#done) return;
		this.#record.failure = failure;
		this.#record.failedSide = "client";
		const { kind } = failure;
		// What the client did wrong or did not do; the upstream is not to blame for it.
		this.#finish("ignored", kind === "cancelled" || kind === "broken" ? LEFT : failure);
	}

	drained(): void {
		if (!this.#done) this.#try?.stream?.resume();
	}

	batchEnd(): void {
		this.#try?.stream?.flush();
		if (this.#limits !== undefined) this.#limits.activeMs = this.#parts.now();
	}

	/** The route is gone, or the gateway goes: what has not ended by now is cut. */
	turnOut(): void {
		if (!this.#done)
			this.#fail({ kind: "closing", detail: "the route was removed or the gateway is closing" }, "gateway");
	}

	// ─── to the upstream ───

	#begin(site: LiveSite): void {
		const { head, beganMs } = this.#record;
		const route = site.find(head);
		if (route === undefined) {
			const fault = pathFault(head.path);
			if (fault === undefined) this.#answer(404, "No route leads there.");
			else this.#answer(400, `The path is ambiguous: ${fault}.`);
			return;
		}
		this.#route = route;
		this.#record.route = route.settings.name;
		route.enter(this);
		const refusal = refusalOf(head, route);
		if (refusal !== undefined) {
			this.#answer(refusal.status, refusal.message);
			return;
		}
		const { timeouts } = route.settings;
		this.#limits = new ExchangeLimits(timeouts, totalMsOf(head, timeouts), beganMs);
		this.#watchTime(beganMs);
		const decision = route.gate.enter(this, beganMs, (later) => {
			this.#waiting = undefined;
			this.#decided(later);
		});
		if (decision.kind === "waiting") this.#waiting = decision;
		else this.#decided(decision);
	}

	#decided(decision: Admitted | Refused): void {
		if (decision.kind === "refused") {
			this.#record.refused = decision.why;
			this.#answer(decision.status, decision.message, decision.fields);
			return;
		}
		this.#admitted = decision;
		const target = this.#parts.chooseTarget(this.#route as LiveRoute, this);
		if (target === undefined) {
			this.#fail({ kind: "no-endpoint", detail: "no target of the route takes it" }, "gateway");
			return;
		}
		this.#target = target;
		this.#record.upstream = target.live.group.name;
		const nowMs = this.#parts.now();
		target.live.group.retryBudget.deposit(nowMs);
		this.#ask(nowMs, this.#wantsFresh());
		this.#planHedge(nowMs);
	}

	#planHedge(nowMs: number): void {
		const { head } = this.#record;
		const { retry } = (this.#route as LiveRoute).settings;
		const hedgeMs = hedgeAfterMs(head.method, this.#bodyState(), head.upgrade, retry);
		if (hedgeMs === undefined || this.#done) return;
		(this.#limits as ExchangeLimits).hedgeAtMs = nowMs + hedgeMs;
		this.#watchTime(nowMs);
	}

	/** The first request of a client's connection is lost with a connection that the server has closed, unless it can be repeated. */
	#wantsFresh(): boolean {
		const { head, client } = this.#record;
		return client.requests === 1 && !isIdempotent(head.method);
	}

	#ask(nowMs: number, fresh: boolean): void {
		const of = this.#newTry(nowMs);
		this.#try = of;
		if (of !== undefined) of.begin(fresh);
		else {
			const { upstream } = this.#record;
			this.#fail({ kind: "no-endpoint", detail: `no endpoint of ${upstream} is usable` }, "upstream");
		}
	}

	#newTry(nowMs: number): Try | undefined {
		const { live } = this.#target as LiveTarget;
		const endpoint = live.balancer.pick(this, this.#tried, nowMs);
		if (endpoint === undefined) return undefined;
		const { call, session } = live.balancer;
		this.#record.tries++;
		this.#record.endpoint = endpoint.id;
		this.#record.askedPoolMs = nowMs;
		this.#record.connectedMs = undefined;
		return new Try(this, live, endpoint, call, session);
	}

	tryConnected(of: Try): void {
		const { stream } = of;
		if (stream === undefined || this.#done) return;
		const nowMs = this.#parts.now();
		const limits = this.#limits as ExchangeLimits;
		const record = this.#record;
		record.connectedMs = nowMs;
		record.reused = of.reused;
		record.dialled = of.reused ? undefined : of.connection?.times;
		limits.isQueued = false;
		limits.activeMs = nowMs;
		stream.head(record.head, this.#requestEdits(of.endpoint, nowMs));
		if (of.isOver) return;
		this.#body.replay((bytes) => stream.data(bytes));
		if (this.#requestEnded && !of.isOver) {
			limits.headSinceMs = nowMs;
			stream.end(this.#requestTrailers);
		}
		if (of.isOver) return;
		stream.flush();
		this.#stream.resume();
	}

	#requestEdits(endpoint: Endpoint, nowMs: number): HeadEdits {
		const context = {
			route: this.#route as LiveRoute,
			record: this.#record,
			forwarding: this.#parts.site().forwarding,
			forwarded: this.#forwarded,
			sampled: this.#sampled,
			leftMs: (this.#limits as ExchangeLimits).totalAtMs - nowMs,
		};
		return requestEdits(context, endpoint);
	}

	// ─── from the upstream ───

	tryInformed(_of: Try, head: ResponseHead): void {
		if (!this.#answering) this.#stream.informational(head, NO_EDITS);
	}

	tryAnswered(of: Try, head: ResponseHead): void {
		const nowMs = this.#parts.now();
		this.#outdo(of, nowMs);
		if (this.#triesAgain(of, undefined, nowMs)) return;
		this.#record.answeredMs = nowMs;
		this.#record.endpoint = of.endpoint.id;
		this.#record.status = head.status;
		const limits = this.#limits as ExchangeLimits;
		limits.activeMs = nowMs;
		limits.headSinceMs = Infinity;
		this.#answering = true;
		this.#body.forget();
		if (head.status === 101) {
			this.#tunnel = true;
			limits.totalAtMs = Infinity;
		}
		const grpc = head.value("grpc-status");
		if (grpc !== undefined) this.#record.grpcStatus = Number(grpc);
		const traceId = this.#parts.traceIdField ? this.#record.traceId : undefined;
		this.#stream.head(head, responseEdits(this.#route as LiveRoute, this.#admitted?.fields, traceId));
	}

	tryData(of: Try, bytes: Uint8Array): void {
		this.#record.responseBytes += bytes.length;
		if (!this.#stream.data(bytes)) of.stream?.pause();
	}

	tryEnded(of: Try, trailers: FieldPairs | undefined): void {
		const grpc = trailers && firstValue(trailers, "grpc-status");
		if (grpc !== undefined) this.#record.grpcStatus = Number(grpc);
		this.#answerEnded = true;
		this.#stream.end(trailers);
		if (this.#tunnel && !this.#requestEnded) return;
		this.#finish(
			outcomeOf(of.status, this.#record.grpcStatus),
			this.#requestEnded ? undefined : ANSWERED_EARLY,
		);
	}

	tryFailed(of: Try, failure: Failure): void {
		const nowMs = this.#parts.now();
		if (of === this.#hedge || (this.#hedge !== undefined && !this.#hedge.isOver)) {
			// The other one may still answer.
			of.over(blameOf(failure), nowMs, undefined);
			if (of === this.#try) this.#try = this.#hedge;
			this.#hedge = undefined;
			return;
		}
		if (!this.#triesAgain(of, failure, nowMs)) this.#fail(failure, "upstream");
	}

	tryDrained(of: Try): void {
		if (of === this.#try && !this.#requestEnded) this.#stream.resume();
	}

	tryBatchEnded(of: Try): void {
		if (of === this.#try || this.#done) this.#stream.flush();
		if (this.#limits !== undefined) this.#limits.activeMs = this.#parts.now();
	}

	/** The first of two tries to answer is the one; the other is taken back. */
	#outdo(of: Try, nowMs: number): void {
		if (this.#hedge === undefined) return;
		const other = of === this.#hedge ? this.#try : this.#hedge;
		other?.over("ignored", nowMs, OUTDONE);
		this.#try = of;
		this.#hedge = undefined;
	}

	/** After a failure, or an answer that is as good as one. True: another try is under way. */
	#triesAgain(of: Try, failure: Failure | undefined, nowMs: number): boolean {
		const route = this.#route as LiveRoute;
		const { retry } = route.settings;
		if (failure === undefined && !retry.statuses.includes(of.status ?? 0)) return false;
		const { head, tries } = this.#record;
		const decision = decideRetry(
			{
				method: head.method,
				body: this.#bodyState(),
				unsent: of.stream === undefined || of.stream.unsent,
				status: of.status,
				failure,
				answering: this.#answering,
				reused: of.reused,
				tries,
				staleTries: this.#staleTries,
			},
			retry,
		);
		const limits = this.#limits as ExchangeLimits;
		if (!decision.again || nowMs >= limits.totalAtMs) return false;
		const { group } = (this.#target as LiveTarget).live;
		if (decision.counts && !group.retryBudget.withdraw(nowMs)) return false;
		of.over(
			failure === undefined ? "failure" : blameOf(failure),
			nowMs,
			failure === undefined ? OUTDONE : failure,
		);
		if (decision.why === "stale-connection") this.#staleTries++;
		else this.#tried = [...(this.#tried ?? []), of.endpoint];
		limits.headSinceMs = Infinity;
		limits.isQueued = true;
		this.#ask(nowMs, decision.fresh);
		return true;
	}

	#bodyState(): RetryBody {
		if (this.#requestEnded && this.#record.requestBytes === 0) return "none";
		if (this.#record.head.bodyLength === 0) return "none";
		if (!this.#body.isWhole) return "streaming";
		return this.#try?.stream === undefined ? "unsent" : "buffered";
	}

	// ─── time ───

	#watchTime(nowMs: number): void {
		this.#parts.wheel.start(this.#timer, (this.#limits as ExchangeLimits).nextMs(nowMs));
	}

	#due(): void {
		const limits = this.#limits;
		if (this.#done || limits === undefined) return;
		const nowMs = this.#parts.now();
		if (nowMs >= limits.hedgeAtMs) this.#askTwice(nowMs);
		const timeout = limits.over(nowMs);
		if (timeout !== undefined) this.#late(timeout, nowMs);
		if (!this.#done) this.#watchTime(nowMs);
	}

	#askTwice(nowMs: number): void {
		(this.#limits as ExchangeLimits).hedgeAtMs = Infinity;
		const first = this.#try;
		if (this.#answering || first?.stream === undefined || this.#hedge !== undefined) return;
		const { live } = this.#target as LiveTarget;
		if (live.group.usable().length < 2 || !live.group.retryBudget.withdraw(nowMs)) return;
		this.#tried = [...(this.#tried ?? []), first.endpoint];
		const second = this.#newTry(nowMs);
		if (second === undefined) return;
		this.#hedge = second;
		second.begin(false);
	}

	#late(timeout: "total" | "head" | "idle", nowMs: number): void {
		const failure: Failure = {
			kind: "timeout",
			timeout,
			detail: `${timeout} time limit of the route is over`,
		};
		const of = this.#try;
		if (of === undefined || !this.#triesAgain(of, failure, nowMs)) this.#fail(failure, "upstream");
	}

	// ─── the end ───

	/** Nothing whole can come of it. */
	#fail(failure: Failure, side: "upstream" | "gateway"): void {
		if (this.#done) return;
		this.#record.failure = failure;
		this.#record.failedSide = side;
		if (this.#answering) {
			this.#stream.reset(failure);
			this.#finish(blameOf(failure), failure);
		} else this.#answer(statusOf(failure), sentenceOf(failure), [], failure);
	}

	#answer(status: number, message: string, fields: FieldPairs = [], failure?: Failure): void {
		const { head, traceId } = this.#record;
		const answer = isGrpc(head)
			? grpcAnswer(status, message, fields)
			: localAnswer(status, message, traceId, fields);
		const set = this.#parts.traceIdField ? ["x-trace-id", traceId] : [];
		this.#record.status = answer.status;
		this.#answering = true;
		this.#stream.head(new ListResponseHead(answer.status, answer.fields, answer.body.length), {
			drop: undefined,
			set,
		});
		if (head.method !== "HEAD" && answer.body.length > 0) this.#stream.data(answer.body);
		this.#record.responseBytes += head.method === "HEAD" ? 0 : answer.body.length;
		this.#stream.end(undefined);
		this.#stream.flush();
		this.#finish(failure === undefined ? "ignored" : blameOf(failure), failure);
	}

	/** `upstream`: told to those who are still at work on it. */
	#finish(outcome: CallOutcome, upstream?: Failure): void {
		if (this.#done) return;
		this.#done = true;
		const nowMs = this.#parts.now();
		const record = this.#record;
		record.endedMs = nowMs;
		this.#parts.wheel.stop(this.#timer);
		this.#waiting?.cancel();
		this.#try?.over(outcome, nowMs, upstream);
		this.#hedge?.over("ignored", nowMs, OUTDONE);
		this.#admitted?.leave(
			{
				status: record.answeredMs === undefined ? undefined : record.status,
				tookMs: nowMs - record.beganMs,
				cancelled: record.failedSide === "client",
			},
			nowMs,
		);
		this.#route?.leave(this);
		this.#body.forget();
		this.#parts.observer.finished(record);
	}
}

/** What no upstream is asked about. */
function refusalOf(
	head: RequestHead,
	{ settings }: LiveRoute,
): { status: number; message: string } | undefined {
	if (isCircle(head)) return { status: 508, message: "The request goes in a circle through this gateway." };
	if (head.method === "CONNECT") return { status: 501, message: "This gateway is no tunnel." };
	if (head.upgrade === undefined) return undefined;
	if (head.version !== "2" && head.bodyLength !== 0)
		return { status: 400, message: "A request that changes the protocol has no body." };
	return settings.websocket ? undefined : { status: 403, message: "WebSockets are not allowed here." };
}
