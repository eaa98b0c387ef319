/**
 * Servers that can be exchanged for others while they are used: the cache above them stays.
 *
 *   use(next) ─▶ new asks go to the next ones; the former are closed when the last ask they had is done
 */
import type { Ask, Asked, Upstreams } from "./upstream.ts";

export interface ExchangeableUpstreams<Servers extends Upstreams> extends Upstreams {
	current(): Servers;
	use(next: Servers): void;
}

interface Generation<Servers> {
	readonly servers: Servers;
	underWay: number;
}

export function exchangeable<Servers extends Upstreams>(first: Servers): ExchangeableUpstreams<Servers> {
	let now: Generation<Servers> = { servers: first, underWay: 0 };
	/** Each ask has a time limit, so none stays for long. */
	const former = new Set<Generation<Servers>>();
	let isClosed = false;

	function closeIfDone(generation: Generation<Servers>): void {
		if (generation.underWay > 0 || !former.delete(generation)) return;
		void generation.servers.close();
	}

	async function ask(question: Ask, signal: AbortSignal): Promise<Asked> {
		const mine = now;
		mine.underWay++;
		try {
			return await mine.servers.ask(question, signal);
		} finally {
			mine.underWay--;
			closeIfDone(mine);
		}
	}

	return {
		ask,
		current: () => now.servers,
		use(next) {
			if (isClosed) return void next.close();
			former.add(now);
			const before = now;
			now = { servers: next, underWay: 0 };
			closeIfDone(before);
		},
		async close() {
			isClosed = true;
			const all = [now, ...former];
			former.clear();
			await Promise.all(all.map(({ servers }) => servers.close()));
		},
	};
}
