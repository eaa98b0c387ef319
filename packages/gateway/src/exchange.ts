/**
 * A request's way: by a route's gate to an endpoint, and its answer's way back.
 *
 *            route          gate, plugins      endpoint, pool         answer's head
 *   head ──▶ found ──▶ let through ──▶ connected, request sent ──▶ answering ──▶ done
 *              │             │              │   ▲                     │
 *             404         429, 503       failed ─┘ tried again        └─ cut off: the client sees that it is not whole
 *                                           └──▶ 502, 503, 504
 *
 * Both bodies pass with credit: whoever cannot take more stops the source on the other side. Nothing is tried again
 * once a byte of an answer has gone to the client.
 */
import type { CallOutcome } from "@plumbline/policy/circuit-breaker";
import { totalMsOf } from "./deadline.ts";
import { HeldBody } from "./exchange-body.ts";
import { Entrance, type EntranceListener, NO_TUNNEL, PLUGIN_FAILED } from "./exchange-entrance.ts";
import { RestatedHead, requestEdits, responseEdits } from "./exchange-heads.ts";
import { ExchangeLimits, type LimitsListener } from "./exchange-limits.ts";
import { ANSWERED_EARLY, blameOf, LEFT, outcomeOf, TURNED_OUT } from "./exchange-outcome.ts";
import type { ExchangeParts, LiveSite } from "./exchange-parts.ts";
import { newRecord, noteGrpc } from "./exchange-record.ts";
import { Tries, wantsFresh } from "./exchange-tries.ts";
import type { Try, TryListener } from "./exchange-try.ts";
import type { Forwarded } from "./forwarded.ts";
import type { Refused } from "./gate.ts";
import type { LiveRoute, RouteGuest } from "./live-route.ts";
import type { LiveUpstream } from "./live-upstream.ts";
import { answerFor, type LocalAnswer, sentenceOf, statusOf } from "./local-answer.ts";
import {
	type FieldPairs,
	firstValue,
	type HeadEdits,
	ListResponseHead,
	type RequestHead,
	type ResponseHead,
} from "./message.ts";
import type { MirrorCopy } from "./mirror.ts";
import type { ExchangeRecord } from "./observer.ts";
import { hedgeAfterMs, type RetryBody } from "./retry-rules.ts";
import { pathFault } from "./route-path.ts";
import type { ClientFacts, Failure, RequestReceiver, ServerStream } from "./stream.ts";
import { isInShare } from "./trace-context.ts";

export class Exchange implements RequestReceiver, TryListener, EntranceListener, LimitsListener, RouteGuest {
	readonly #parts: ExchangeParts;
	readonly #site: LiveSite;
	readonly #stream: ServerStream;
	readonly record: ExchangeRecord;
	readonly #forwarded: Forwarded;
	readonly #sampled: boolean;
	readonly #body = new HeldBody();
	#route: LiveRoute | undefined = undefined;
	#limits: ExchangeLimits | undefined = undefined;
	#entrance: Entrance | undefined = undefined;
	#tries: Tries | undefined = undefined;
	#mirrored: MirrorCopy | undefined = undefined;
	#requestEnded = false;
	#requestTrailers: FieldPairs | undefined = undefined;
	#answering = false;
	#answerEnded = false;
	#tunnel = false;
	#done = false;
	before: RouteGuest | undefined = undefined;
	after: RouteGuest | undefined = undefined;

	/** May have ended when it returns. */
	constructor(parts: ExchangeParts, site: LiveSite, head: RequestHead, stream: ServerStream) {
		this.#parts = parts;
		this.#site = site;
		this.#stream = stream;
		this.#forwarded = site.forwarding.read(head, stream.client);
		this.record = newRecord(head, stream.client, this.#forwarded.clientAddress, parts.now());
		this.#sampled = this.record.sampled ?? isInShare(this.record.traceId, parts.traceShare());
		this.#begin();
	}

	get head(): RequestHead {
		return this.record.head;
	}

	get client(): ClientFacts {
		return this.record.client;
	}

	get clientAddress(): string {
		return this.#forwarded.clientAddress;
	}

	// ─── the client's side ───

	data(bytes: Uint8Array): void {
		if (this.#done) return;
		this.record.requestBytes += bytes.length;
		this.#mirrored?.data(bytes);
		const to = this.#tries?.stream;
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
		this.#mirrored?.end();
		const to = this.#tries?.stream;
		if (to === undefined) return;
		if (!this.#answering) (this.#limits as ExchangeLimits).headSinceMs = this.#parts.now();
		to.end(trailers);
		if (this.#tunnel && this.#answerEnded) this.#finish("success");
	}

	reset(failure: Failure): void {
		if (this.#done) return;
		// Whoever did something wrong is told, unless its protocol has done so.
		if (failure.status !== undefined) {
			this.fail(failure, "client");
			return;
		}
		this.record.failure = failure;
		this.record.failedSide = "client";
		this.#finish("ignored", LEFT);
	}

	drained(): void {
		if (this.#done) return;
		this.#limits?.clientTook();
		this.#tries?.stream?.resume();
	}

	batchEnd(): void {
		this.#tries?.stream?.flush();
		this.#limits?.heard();
	}

	/** The route is gone, or the gateway goes: what has not ended by now is cut. */
	turnOut(): void {
		this.fail(TURNED_OUT, "gateway");
	}

	// ─── to the upstream ───

	#begin(): void {
		const { head, beganMs } = this.record;
		const route = this.#site.find(head);
		if (route === undefined) {
			const fault = pathFault(head.path);
			if (head.method === "CONNECT") this.answer(501, NO_TUNNEL);
			else if (fault === undefined) this.answer(404, "No route leads there.");
			else this.answer(400, `The path is ambiguous: ${fault}.`);
			return;
		}
		this.#route = route;
		this.record.route = route.settings.name;
		route.enter(this);
		this.#entrance = new Entrance(this, route);
		if (!this.#entrance.mayPass()) return;
		const { timeouts } = route.settings;
		this.#limits = new ExchangeLimits(timeouts, totalMsOf(head, timeouts), beganMs, this.#parts, this);
		this.#limits.watch(beganMs);
		this.#entrance.ask(beganMs);
	}

	/** Of the entrance: to this upstream. */
	go(live: LiveUpstream): void {
		const route = this.#route as LiveRoute;
		const nowMs = this.#parts.now();
		this.record.upstream = live.group.name;
		this.#mirror(route);
		live.group.retryBudget.deposit(nowMs);
		this.#tries = new Tries(this, live, this.record);
		this.#ask(this.#tries, nowMs, wantsFresh(this.record));
		if (!this.#done && !this.#answering) this.#planHedge(route, nowMs);
	}

	/** With what came while it waited at the gate. */
	#mirror({ mirror }: LiveRoute): void {
		this.#mirrored = mirror?.begin(this.record.head);
		this.#body.each((bytes) => this.#mirrored?.data(bytes));
		if (this.#requestEnded) this.#mirrored?.end();
	}

	refused(why: Refused["why"]): void {
		this.record.refused = why;
	}

	#planHedge(route: LiveRoute, nowMs: number): void {
		const { head } = this.record;
		const hedgeMs = hedgeAfterMs(head.method, this.#bodyState(), head.upgrade, route.settings.retry);
		if (hedgeMs === undefined) return;
		const limits = this.#limits as ExchangeLimits;
		limits.hedgeAtMs = nowMs + hedgeMs;
		limits.watch(nowMs);
	}

	#ask(tries: Tries, nowMs: number, fresh: boolean): void {
		if (tries.ask(nowMs, fresh) || this.#done) return;
		const detail = `no endpoint of ${this.record.upstream} is usable`;
		this.fail({ kind: "no-endpoint", detail }, "upstream");
	}

	tryConnected(of: Try): void {
		const { stream } = of;
		if (stream === undefined || this.#done) return;
		const nowMs = this.#parts.now();
		const limits = this.#limits as ExchangeLimits;
		const record = this.record;
		record.connectedMs = nowMs;
		record.reused = of.reused;
		record.dialled = of.reused ? undefined : of.connection?.times;
		limits.isQueued = false;
		limits.activeMs = nowMs;
		(this.#route as LiveRoute).gate.observeWait(nowMs - (record.askedPoolMs ?? nowMs));
		stream.head(record.head, this.#requestEdits(of, nowMs));
		if (of.isOver) return;
		this.#body.replay((bytes) => stream.data(bytes));
		if (of.isOver) return;
		if (this.#requestEnded) stream.end(this.#requestTrailers);
		// Whoever asks for another protocol sends nothing before the answer.
		if ((this.#requestEnded || record.head.upgrade !== undefined) && !this.#answering)
			limits.headSinceMs = nowMs;
		if (of.isOver) return;
		stream.flush();
		this.#stream.resume();
	}

	#requestEdits(of: Try, nowMs: number): HeadEdits {
		return requestEdits(
			{
				route: this.#route as LiveRoute,
				record: this.record,
				forwarding: this.#site.forwarding,
				forwarded: this.#forwarded,
				sampled: this.#sampled,
				leftMs: (this.#limits as ExchangeLimits).totalAtMs - nowMs,
				plugins: this.#entrance?.edits,
			},
			of.endpoint,
		);
	}

	// ─── from the upstream ───

	tryInformed(_of: Try, head: ResponseHead): void {
		const drop = this.#route?.responseDrop;
		if (!this.#answering) this.#stream.informational(head, { drop, set: [] });
	}

	tryAnswered(of: Try, head: ResponseHead): void {
		const nowMs = this.#parts.now();
		const route = this.#route as LiveRoute;
		this.#tries?.outdo(of, nowMs);
		if (route.settings.retry.statuses.includes(head.status) && this.#triesAgain(of, undefined, nowMs)) return;
		const record = this.record;
		const limits = this.#limits as ExchangeLimits;
		record.answeredMs = nowMs;
		record.endpoint = of.endpoint.id;
		record.status = head.status;
		limits.activeMs = nowMs;
		limits.headSinceMs = Infinity;
		this.#answering = true;
		this.#body.forget();
		if (head.status === 101) {
			this.#tunnel = true;
			limits.totalAtMs = Infinity;
		}
		noteGrpc(record, head.value("grpc-status"));
		const traceId = this.#parts.traceIdField() ? record.traceId : undefined;
		const edited = route.plugins?.onResponse(head);
		if (edited !== undefined && edited.kind !== "continue") {
			of.over(outcomeOf(head.status, record.grpcStatus), nowMs, ANSWERED_EARLY);
			if (edited.kind === "answer") this.send(edited);
			else this.answer(503, PLUGIN_FAILED);
			return;
		}
		const { edits, status } = responseEdits(route, this.#entrance?.fields, traceId, edited?.edits);
		record.status = status ?? head.status;
		this.#stream.head(status === undefined ? head : new RestatedHead(head, status), edits);
	}

	tryData(of: Try, bytes: Uint8Array): void {
		this.record.responseBytes += bytes.length;
		if (this.#stream.data(bytes)) return;
		(this.#limits as ExchangeLimits).isClientFull = true;
		of.stream?.pause();
	}

	tryEnded(of: Try, trailers: FieldPairs | undefined): void {
		if (trailers !== undefined) noteGrpc(this.record, firstValue(trailers, "grpc-status"));
		this.#answerEnded = true;
		this.#limits?.clientTook();
		this.#stream.end(trailers);
		if (this.#tunnel && !this.#requestEnded) return;
		const early = this.#requestEnded ? undefined : ANSWERED_EARLY;
		this.#finish(outcomeOf(of.status, this.record.grpcStatus), early);
	}

	tryFailed(of: Try, failure: Failure): void {
		const nowMs = this.#parts.now();
		if (this.#tries?.fallBack(of, failure, nowMs) === true) return;
		if (!this.#triesAgain(of, failure, nowMs))
			this.fail(failure, failure.status === undefined ? "upstream" : "client");
	}

	tryDrained(of: Try): void {
		if (of === this.#tries?.current && !this.#requestEnded) this.#stream.resume();
	}

	tryBatchEnded(): void {
		this.#stream.flush();
		this.#limits?.heard();
	}

	/** True: another try is under way, or has ended already. */
	#triesAgain(of: Try, failure: Failure | undefined, nowMs: number): boolean {
		const limits = this.#limits as ExchangeLimits;
		const tries = this.#tries as Tries;
		if (nowMs >= limits.totalAtMs) return false;
		const { retry } = (this.#route as LiveRoute).settings;
		const facts = { body: this.#bodyState(), answering: this.#answering, retry };
		const again = tries.mayTryAgain(of, failure, facts, nowMs);
		if (again === undefined) return false;
		limits.headSinceMs = Infinity;
		limits.isQueued = true;
		this.#ask(tries, nowMs, again.fresh);
		return true;
	}

	#bodyState(): RetryBody {
		const { head, requestBytes } = this.record;
		const whole = this.#requestEnded ? requestBytes : undefined;
		return this.#body.state(head.bodyLength, whole, this.#tries?.stream !== undefined);
	}

	hedgeIsDue(nowMs: number): void {
		if (!this.#answering) this.#tries?.askTwice(nowMs);
	}

	late(failure: Failure, nowMs: number): void {
		const of = this.#tries?.current;
		if (of === undefined || !this.#triesAgain(of, failure, nowMs)) this.fail(failure, "upstream");
	}

	// ─── the end ───

	/** Nothing whole can come of it. */
	fail(failure: Failure, side: "client" | "upstream" | "gateway"): void {
		if (this.#done) return;
		this.record.failure = failure;
		this.record.failedSide = side;
		if (this.#answering) {
			this.#stream.reset(failure);
			this.#finish(blameOf(failure), failure);
		} else this.answer(statusOf(failure), sentenceOf(failure));
	}

	answer(status: number, message: string, fields: FieldPairs = []): void {
		const { head, traceId } = this.record;
		this.send(answerFor(head, status, message, traceId, fields));
	}

	send({ status, fields, body }: LocalAnswer): void {
		const record = this.record;
		record.status = status;
		this.#answering = true;
		const set = this.#parts.traceIdField() ? ["x-trace-id", record.traceId] : [];
		this.#stream.head(new ListResponseHead(status, fields, body.length), { drop: undefined, set });
		if (record.head.method !== "HEAD" && body.length > 0) {
			record.responseBytes += body.length;
			this.#stream.data(body);
		}
		this.#stream.end(undefined);
		this.#stream.flush();
		const { failure } = record;
		this.#finish(failure === undefined ? "ignored" : blameOf(failure), failure ?? ANSWERED_EARLY);
	}

	/** `failure`: told to the upstream if it is still at work. */
	#finish(outcome: CallOutcome, failure?: Failure): void {
		if (this.#done) return;
		this.#done = true;
		const nowMs = this.#parts.now();
		const record = this.record;
		record.endedMs = nowMs;
		this.#limits?.stop();
		this.#tries?.over(outcome, nowMs, failure);
		if (!this.#requestEnded) this.#mirrored?.abandon();
		this.#entrance?.leave(record);
		this.#route?.leave(this);
		this.#body.forget();
		this.#parts.observer.finished(record);
	}
}
