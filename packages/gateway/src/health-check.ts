/**
 * One active check of an endpoint, on a connection of its own so that a full pool does not look like a dead server.
 *
 *   tcp    connected                                                            is well
 *   http   GET path ──▶ a head whose status is in the range                     is well
 *   grpc   Check(service) ──▶ grpc-status 0 and SERVING                         is well
 *
 * Anything else by then, or nothing within the time, is not. Answers are looked at, never kept: at most ANSWER_MAX
 * octets of a gRPC answer, and of others nothing but the status.
 */
import type { Timers } from "@plumbline/resolver/timers";
import { CheckRequestHead, GRPC_CHECK_PATH, grpcCheckMessage, isServing } from "./health-request.ts";
import { type FieldPairs, firstValue, NO_EDITS, type ResponseHead } from "./message.ts";
import type { HealthSettings } from "./settings.ts";
import type { Failure, ResponseReceiver } from "./stream.ts";
import type {
	ConnectionOwner,
	Dial,
	Dialling,
	DialTarget,
	UpstreamConnection,
} from "./upstream-connection.ts";

/** undefined: it is well; else why not. */
export type CheckResult = string | undefined;

export interface CheckParts {
	readonly dial: Dial;
	readonly timers: Timers;
}

const ANSWER_MAX = 64;
const HTTP_OK = 200;
const AGENT = "plumbline-health";

/** Call `begin` once; `done` comes once, perhaps before `begin` returns, and not after `stop`. */
export class HealthCheck implements ConnectionOwner, ResponseReceiver {
	readonly #target: DialTarget;
	readonly #authority: string;
	readonly #settings: HealthSettings;
	#done: ((result: CheckResult) => void) | undefined;
	#dialling: Dialling | undefined;
	#connection: UpstreamConnection | undefined;
	#stopTimer: (() => void) | undefined;
	readonly #answer: number[] = [];

	constructor(
		target: DialTarget,
		authority: string,
		settings: HealthSettings,
		done: (result: CheckResult) => void,
	) {
		// A connection is all that is wanted of tcp: no handshake that would need an answer.
		const isTcp = settings.check.kind === "tcp";
		this.#target = isTcp ? { ...target, protocol: "http", tls: undefined } : target;
		this.#authority = authority;
		this.#settings = settings;
		this.#done = done;
	}

	begin({ dial, timers }: CheckParts): void {
		const { timeoutMs } = this.#settings;
		this.#stopTimer = timers.after(timeoutMs, () => this.#decide(`no answer within ${timeoutMs} ms`));
		const dialling = dial(this.#target, this);
		if (this.#connection === undefined && this.#done !== undefined) this.#dialling = dialling;
	}

	stop(): void {
		this.#done = undefined;
		this.#stopTimer?.();
		const [dialling, connection] = [this.#dialling, this.#connection];
		this.#dialling = undefined;
		this.#connection = undefined;
		dialling?.abandon();
		connection?.destroy();
	}

	ready(connection: UpstreamConnection): void {
		this.#dialling = undefined;
		this.#connection = connection;
		if (this.#settings.check.kind === "tcp") this.#decide(undefined);
		else this.#send(connection);
	}

	failed({ detail }: Failure): void {
		this.#dialling = undefined;
		this.#decide(detail);
	}

	roomChanged(): void {}

	closed(): void {
		this.#connection = undefined;
		this.#decide("the connection closed before the answer");
	}

	informational(): void {}

	head(head: ResponseHead): void {
		const { check } = this.#settings;
		const { status } = head;
		if (check.kind === "http") {
			const [from, to] = check.statuses;
			this.#decide(status >= from && status <= to ? undefined : `status ${status}, not ${from} to ${to}`);
			return;
		}
		const grpcStatus = head.value("grpc-status");
		if (status !== HTTP_OK) this.#decide(`status ${status}, not ${HTTP_OK}`);
		else if (grpcStatus !== undefined) this.#decide(`grpc-status ${grpcStatus}`);
	}

	data(bytes: Uint8Array): void {
		for (const octet of bytes.subarray(0, ANSWER_MAX - this.#answer.length)) this.#answer.push(octet);
	}

	end(trailers: FieldPairs | undefined): void {
		const status = firstValue(trailers ?? [], "grpc-status");
		if (status !== "0") this.#decide(`grpc-status ${status ?? "missing"}`);
		else this.#decide(isServing(Uint8Array.from(this.#answer)) ? undefined : "its service is not serving");
	}

	reset({ detail }: Failure): void {
		this.#decide(detail);
	}

	drained(): void {}

	batchEnd(): void {}

	#send(connection: UpstreamConnection): void {
		const { check } = this.#settings;
		const { tls } = this.#target;
		const isGrpc = check.kind === "grpc";
		const body = isGrpc ? grpcCheckMessage(check.service) : undefined;
		const head = new CheckRequestHead(
			{
				scheme: tls === undefined ? "http" : "https",
				authority: this.#authority,
				path: check.kind === "http" ? check.path : GRPC_CHECK_PATH,
			},
			isGrpc ? ["user-agent", AGENT, "content-type", "application/grpc"] : ["user-agent", AGENT],
			body?.length ?? 0,
		);
		const stream = connection.begin(this);
		stream.head(head, NO_EDITS);
		if (body !== undefined) stream.data(body);
		stream.end(undefined);
		stream.flush();
	}

	/** The connection is not kept: what the server still sends of its answer does not matter. */
	#decide(result: CheckResult): void {
		const done = this.#done;
		if (done === undefined) return;
		this.stop();
		done(result);
	}
}
