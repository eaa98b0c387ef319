/**
 * Worker processes, one a slot. A slot's sockets stay when its worker ends: what waits in their queues is served by the
 * next one.
 */
import { setTimeout as wait } from "node:timers/promises";
import { settingsChanges } from "./reload-difference.ts";
import type { GatewaySettings } from "./settings.ts";
import { RestartBackoff } from "./supervisor-backoff.ts";
import { type Fleet, type FleetChange, type FleetParts, listeningAnew } from "./supervisor-fleet.ts";
import { type WorkerOwner, WorkerProcess } from "./supervisor-worker.ts";
import type { ListeningPlace, ReloadOutcome } from "./worker-contract.ts";

/** Rejects with what the first one cannot have; none is left then. */
export async function openWorkers(parts: FleetParts, settings: GatewaySettings): Promise<Fleet> {
	const workers = new Workers(parts, settings);
	try {
		await workers.open();
	} catch (error) {
		await workers.close();
		throw error;
	}
	return workers;
}

class Workers implements Fleet {
	listening: readonly ListeningPlace[] = [];
	readonly #parts: FleetParts;
	#settings: GatewaySettings;
	/** Those that serve. */
	readonly #slots = new Map<number, WorkerProcess>();
	/** All that live: draining ones too, and those not ready yet. */
	readonly #living = new Set<WorkerProcess>();
	readonly #backoffs = new Map<number, RestartBackoff>();
	readonly #stop = new AbortController();
	#epoch = 0;

	constructor(parts: FleetParts, settings: GatewaySettings) {
		this.#parts = parts;
		this.#settings = settings;
	}

	get pids(): readonly number[] {
		return [...this.#slots.values()].map(({ pid }) => pid);
	}

	async open(): Promise<void> {
		const slots = Array.from({ length: this.#settings.workers }, (_, slot) => slot);
		await Promise.all(slots.map((slot) => this.#begin(slot)));
	}

	async apply(change: FleetChange): Promise<void> {
		const before = this.#settings;
		const told = [...this.#living].filter((worker) => !worker.isDraining);
		const [why] = await this.#tell(told, change);
		if (why === undefined) return;
		// To all: one that did not answer in time may still have taken it.
		await this.#tell(told, { settings: before, changes: settingsChanges(change.settings, before) });
		throw new Error(why);
	}

	/** Why some did not take it. */
	async #tell(told: readonly WorkerProcess[], { settings, changes }: FleetChange): Promise<string[]> {
		// From here on a worker that starts has these.
		this.#settings = settings;
		const epoch = ++this.#epoch;
		const names = listeningAnew(changes);
		const answers = await Promise.all(
			told.map((worker) => {
				const sockets = this.#parts.sockets?.ofSlot(worker.slot, settings, names) ?? new Map();
				return worker.apply({ epoch, settings, changes }, sockets);
			}),
		);
		return answers.filter((why) => why !== undefined);
	}

	reloaded(outcome: ReloadOutcome): void {
		this.#slots.get(0)?.tell({ kind: "reloaded", outcome });
	}

	async roll(): Promise<void> {
		for (const slot of [...this.#slots.keys()].toSorted((left, right) => left - right))
			await this.#begin(slot);
	}

	async drain(): Promise<void> {
		this.#stop.abort();
		await Promise.all([...this.#living].map((worker) => worker.drain(this.#settings.drainMs)));
	}

	async close(): Promise<void> {
		this.#stop.abort();
		for (const worker of this.#living) worker.kill();
		await Promise.all([...this.#living].map(({ ended }) => ended));
	}

	/** Starts one, and gives it the slot when it is ready. */
	async #begin(slot: number): Promise<void> {
		const { workerModule, libc, sockets, published } = this.#parts;
		const opening = {
			settings: this.#settings,
			slot,
			workers: this.#settings.workers,
			published: published.all,
		};
		const worker = new WorkerProcess(
			{ module: workerModule, libc, sockets: sockets?.ofSlot(slot, this.#settings) ?? new Map(), opening },
			this.#owner,
		);
		this.#living.add(worker);
		const listening = await worker.ready;
		if (slot === 0) this.listening = listening;
		const old = this.#slots.get(slot);
		this.#slots.set(slot, worker);
		// Its drain is not waited for: streams may go on for as long as they are allowed to.
		void old?.drain(this.#settings.drainMs);
	}

	readonly #owner: WorkerOwner = {
		say: (line) => this.#parts.say(line),
		publish: (from, topic, value) => {
			// What is too much to be kept is told all the same.
			this.#parts.published.set(topic, value);
			for (const worker of this.#living)
				if (worker !== from) worker.tell({ kind: "published", topic, value });
		},
		collect: (from, id, question) => void this.#collect(from, id, question),
		ended: (worker, how) => {
			this.#living.delete(worker);
			if (this.#slots.get(worker.slot) !== worker) return;
			this.#slots.delete(worker.slot);
			void this.#again(worker, how);
		},
	};

	async #collect(from: WorkerProcess, id: number, question: string): Promise<void> {
		const asked = [...this.#slots.values()].toSorted((left, right) => left.slot - right.slot);
		const values = await Promise.all(asked.map((worker) => worker.ask(question)));
		const answers = asked.map(({ slot, pid }, at) => ({ slot, pid, value: values[at] }));
		from.tell({ kind: "collected", id, answers: answers.filter(({ value }) => value !== undefined) });
	}

	/** Until it serves again, or all is over. */
	async #again({ slot, pid }: WorkerProcess, how: string): Promise<void> {
		let why = `worker ${slot} (pid ${pid}) ended: ${how}`;
		while (!this.#stop.signal.aborted) {
			const backoff = this.#backoffs.get(slot) ?? new RestartBackoff();
			this.#backoffs.set(slot, backoff);
			const waitMs = backoff.crashed(performance.now());
			this.#parts.say(`${why}; ${waitMs === 0 ? "starting it again" : `starting it again in ${waitMs} ms`}`);
			await wait(waitMs, undefined, { signal: this.#stop.signal }).catch(() => {});
			if (this.#stop.signal.aborted || this.#slots.has(slot)) return;
			try {
				await this.#begin(slot);
				return;
			} catch (error) {
				why = `worker ${slot}: ${error instanceof Error ? error.message : String(error)}`;
			}
		}
	}
}
