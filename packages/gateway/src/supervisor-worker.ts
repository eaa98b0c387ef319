/**
 * One worker process as its supervisor sees it.
 *
 *   spawned ──▶ ready ──▶ (apply, ask)* ──▶ drain ──▶ ended
 *        └──▶ failed                  └──▶ crashed: ended without having been told to
 */
import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { SocketLibc } from "./supervisor-libc.ts";
import { passDescriptor, passingPair } from "./supervisor-pass.ts";
import type { ListeningPlace, ListenSockets } from "./worker-contract.ts";
import {
	APPLY_MS_MAX,
	COLLECT_MS_MAX,
	DRAIN_GRACE_MS,
	type FromWorker,
	START_MS_MAX,
	type ToWorker,
} from "./worker-messages.ts";

export interface WorkerStart {
	readonly module: URL;
	readonly libc: SocketLibc | undefined;
	readonly sockets: ListenSockets;
	readonly opening: Omit<Extract<ToWorker, { kind: "open" }>, "kind" | "sockets">;
}

export interface WorkerOwner {
	say(line: string): void;
	publish(from: WorkerProcess, topic: string, value: unknown): void;
	collect(from: WorkerProcess, id: number, question: string): void;
	/** Once, whatever ended it. */
	ended(worker: WorkerProcess, how: string): void;
}

export class WorkerProcess {
	readonly slot: number;
	readonly pid: number;
	/** Rejects with what the worker could not have. */
	readonly ready: Promise<readonly ListeningPlace[]>;
	readonly ended: Promise<void>;
	isDraining = false;
	readonly #child: ChildProcess;
	readonly #libc: SocketLibc | undefined;
	readonly #passing: number | undefined;
	readonly #applies = new Map<number, (why: string | undefined) => void>();
	readonly #asks = new Map<number, (value: unknown) => void>();
	#lastAsk = 0;

	constructor({ module, libc, sockets, opening }: WorkerStart, owner: WorkerOwner) {
		this.slot = opening.slot;
		this.#libc = libc;
		const pair = libc && passingPair(libc);
		this.#child = spawn(process.execPath, [...process.execArgv, "--disable-sigusr1", fileURLToPath(module)], {
			stdio: ["ignore", "inherit", "inherit", "ipc", pair?.[1] ?? "ignore", ...sockets.values()],
			serialization: "advanced",
		});
		this.pid = this.#child.pid ?? 0;
		if (pair !== undefined) libc?.close(pair[1]);
		this.#passing = pair?.[0];
		const ready = Promise.withResolvers<readonly ListeningPlace[]>();
		const ended = Promise.withResolvers<void>();
		this.ready = ready.promise;
		this.ended = ended.promise;
		// Who does not wait for it must not end the process by not waiting.
		this.ready.catch(() => {});
		const timer = setTimeout(() => {
			ready.reject(new Error(`worker ${this.slot} was not ready after ${START_MS_MAX / 1000} s`));
			this.kill();
		}, START_MS_MAX);
		this.#child.on("message", (message) => {
			const told = message as FromWorker;
			if (told.kind === "ready") {
				clearTimeout(timer);
				ready.resolve(told.listening);
			} else if (told.kind === "failed") ready.reject(new Error(told.why));
			else this.#take(told, owner);
		});
		this.#child.on("error", (error) => ready.reject(error));
		let hasEnded = false;
		const end = (how: string) => {
			if (hasEnded) return;
			hasEnded = true;
			clearTimeout(timer);
			ready.reject(new Error(`worker ${this.slot} ended before it was ready (${how})`));
			for (const settle of this.#applies.values()) settle(`it ended (${how})`);
			for (const settle of this.#asks.values()) settle(undefined);
			if (this.#passing !== undefined) libc?.close(this.#passing);
			ended.resolve();
			owner.ended(this, how);
		};
		this.#child.on("exit", (code, signal) => end(signal ?? `exit status ${code}`));
		this.#child.on("error", (error) => end(error.message));
		this.tell({ kind: "open", ...opening, sockets: [...sockets.keys()] });
	}

	tell(message: ToWorker): void {
		if (this.#child.connected) this.#child.send(message, () => {});
	}

	/** Why it was not taken; undefined: it was. */
	async apply(
		message: Omit<Extract<ToWorker, { kind: "apply" }>, "kind" | "sockets">,
		sockets: ListenSockets,
	) {
		const passed = [...sockets].filter(
			([, fd]) =>
				this.#libc !== undefined &&
				this.#passing !== undefined &&
				passDescriptor(this.#libc, this.#passing, fd),
		);
		return await settledWithin<string | undefined>(
			this.#applies,
			message.epoch,
			APPLY_MS_MAX,
			`no answer within ${APPLY_MS_MAX / 1000} s`,
			() => this.tell({ kind: "apply", ...message, sockets: passed.map(([name]) => name) }),
		);
	}

	/** undefined if it does not answer in time. */
	async ask(question: string): Promise<unknown> {
		const id = ++this.#lastAsk;
		return await settledWithin<unknown>(this.#asks, id, COLLECT_MS_MAX, undefined, () =>
			this.tell({ kind: "ask", id, question }),
		);
	}

	/** It ends by itself, or is ended when it takes longer than it may. */
	drain(drainMs: number): Promise<void> {
		if (!this.isDraining) {
			this.isDraining = true;
			this.tell({ kind: "drain" });
			const timer = setTimeout(() => this.kill(), drainMs + DRAIN_GRACE_MS);
			void this.ended.then(() => clearTimeout(timer));
		}
		return this.ended;
	}

	kill(): void {
		this.#child.kill("SIGKILL");
	}

	#take(told: Exclude<FromWorker, { kind: "ready" | "failed" }>, owner: WorkerOwner): void {
		switch (told.kind) {
			case "applied":
				this.#applies.get(told.epoch)?.(told.why);
				break;
			case "answer":
				this.#asks.get(told.id)?.(told.value);
				break;
			case "say":
				if (told.line !== "") owner.say(told.line);
				break;
			case "publish":
				owner.publish(this, told.topic, told.value);
				break;
			case "collect":
				owner.collect(this, told.id, told.question);
				break;
			case "drained":
				break;
			default:
				told satisfies never;
		}
	}
}

/** Waits for whoever settles it in `waiting`, but not longer than this. */
function settledWithin<T>(
	waiting: Map<number, (value: T) => void>,
	id: number,
	ms: number,
	otherwise: T,
	begin: () => void,
): Promise<T> {
	return new Promise((resolve) => {
		const finish = (value: T) => {
			clearTimeout(timer);
			waiting.delete(id);
			resolve(value);
		};
		const timer = setTimeout(() => finish(otherwise), ms);
		waiting.set(id, finish);
		begin();
	});
}
