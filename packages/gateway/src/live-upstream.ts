/**
 * Upstreams at work, over all reloads: who is still wanted keeps its endpoints, connections, circuits and ring.
 *
 * A ring tells its history under the topic `ring:<upstream>`, so that other processes, and those that come after a
 * restart, give every key the same endpoint.
 */
import { isDeepStrictEqual } from "node:util";
import type { Balancer, BalancerParts } from "./balancer.ts";
import { createBalancer } from "./create-balancer.ts";
import type { RingSnapshot } from "./ring-control.ts";
import type { UpstreamSettings } from "./settings.ts";
import { type GroupParts, UpstreamGroup } from "./upstream-group.ts";

export interface LiveUpstream {
	readonly group: UpstreamGroup;
	/** Another one after a reload changed how it balances: whoever picked by the old one ends there. */
	balancer: Balancer;
}

export interface LiveUpstreamsParts extends GroupParts {
	readonly wallNow: () => number;
	publish(topic: string, value: unknown): void;
}

const TICK_MS = 1000;
const RING_TOPIC = "ring:";

export class LiveUpstreams {
	readonly #parts: LiveUpstreamsParts;
	readonly #balancerParts: BalancerParts;
	readonly #byName = new Map<string, LiveUpstream>();
	/** What other processes said of rings, also of those we do not have yet. */
	readonly #heard = new Map<string, RingSnapshot>();
	/** What we said last. */
	readonly #told = new Map<string, RingSnapshot>();
	#stopTicking: () => void;

	constructor(parts: LiveUpstreamsParts) {
		this.#parts = parts;
		const { random, wallNow, observe } = parts;
		this.#balancerParts = { random, wallNow, observe };
		this.#stopTicking = this.#tickLater();
	}

	get byName(): ReadonlyMap<string, LiveUpstream> {
		return this.#byName;
	}

	/**
	 * What was given away before stays with whoever has it, and what is not wanted any more stays until `release`. Throws
	 * for what cannot be had, and nothing has changed then.
	 */
	apply(all: readonly UpstreamSettings[]): void {
		const nowMs = this.#parts.now();
		const added: string[] = [];
		const updated: UpstreamSettings[] = [];
		try {
			for (const settings of all) {
				const live = this.#byName.get(settings.name);
				if (live === undefined) {
					this.#byName.set(settings.name, this.#open(settings, nowMs));
					added.push(settings.name);
				} else {
					const before = live.group.settings;
					// May fail: files of TLS settings are read by it.
					this.#update(live, settings, nowMs);
					updated.push(before);
				}
			}
		} catch (error) {
			for (const name of added) this.#close(name);
			this.#restore(updated, nowMs);
			throw error;
		}
	}

	/** When something was heard of all names, or not within this time. */
	async heard(waitMs: number): Promise<void> {
		let stop = () => {};
		const late = new Promise<void>((resolve) => {
			stop = this.#parts.timers.after(waitMs, resolve);
		});
		await Promise.race([late, Promise.all([...this.#byName.values()].map(({ group }) => group.heard()))]);
		stop();
	}

	/** Lets go of those that these settings do not have. */
	release(wanted: readonly UpstreamSettings[], drainMs: number): void {
		const names = new Set(wanted.map(({ name }) => name));
		for (const [name, { group }] of [...this.#byName]) {
			if (names.has(name)) continue;
			this.#byName.delete(name);
			this.#told.delete(name);
			void group.drain(drainMs).then(() => group.close());
		}
	}

	#close(name: string): void {
		this.#byName.get(name)?.group.close();
		this.#byName.delete(name);
	}

	#restore(before: readonly UpstreamSettings[], nowMs: number): void {
		for (const settings of before) {
			const live = this.#byName.get(settings.name);
			try {
				if (live !== undefined) this.#update(live, settings, nowMs);
			} catch {
				// A file of its own is gone meanwhile: what was read of it before goes on.
			}
		}
	}

	/** Of a topic that another process published; false: it is none of ours. */
	received(topic: string, value: unknown): boolean {
		if (!topic.startsWith(RING_TOPIC)) return false;
		const name = topic.slice(RING_TOPIC.length);
		const snapshot = value as RingSnapshot;
		const live = this.#byName.get(name);
		if (live === undefined) this.#heard.set(name, snapshot);
		else live.balancer.ring?.adopt(snapshot, this.#parts.now());
		return true;
	}

	close(): void {
		this.#stopTicking();
		for (const { group } of this.#byName.values()) group.close();
		this.#byName.clear();
	}

	#open(settings: UpstreamSettings, nowMs: number): LiveUpstream {
		const group = new UpstreamGroup(settings, this.#parts);
		const balancer = createBalancer(settings, group, this.#balancerParts, nowMs);
		const heard = this.#heard.get(settings.name);
		this.#heard.delete(settings.name);
		if (heard !== undefined) balancer.ring?.adopt(heard, nowMs);
		return { group, balancer };
	}

	#update(live: LiveUpstream, settings: UpstreamSettings, nowMs: number): void {
		const before = live.group.settings;
		// Also where nothing is another: a certificate file may have been replaced.
		live.group.update(settings);
		const balances = ({ balance, slowStartMs, zone }: UpstreamSettings) => ({ balance, slowStartMs, zone });
		if (isDeepStrictEqual(balances(before), balances(settings))) return;
		const ring = live.balancer.ring?.snapshot();
		live.balancer = createBalancer(settings, live.group, this.#balancerParts, nowMs);
		if (ring !== undefined) live.balancer.ring?.adopt(ring, nowMs);
	}

	#tickLater(): () => void {
		return this.#parts.timers.after(TICK_MS, () => {
			const nowMs = this.#parts.now();
			for (const [name, { balancer }] of this.#byName) {
				balancer.tick(nowMs);
				this.#tellRing(name, balancer);
			}
			this.#stopTicking = this.#tickLater();
		});
	}

	#tellRing(name: string, { ring }: Balancer): void {
		const snapshot = ring?.snapshot();
		if (snapshot === undefined || isDeepStrictEqual(snapshot, this.#told.get(name))) return;
		this.#told.set(name, snapshot);
		this.#parts.publish(`${RING_TOPIC}${name}`, snapshot);
	}
}
