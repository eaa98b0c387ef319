/**
 * Equal asks under way at once are one exchange: a forger who makes a resolver ask the same question many times would
 * have to guess only one of many ids (RFC 5452 section 5). Resolvers join their callers already; this holds for
 * whoever does not. It goes on as long as one of them waits.
 */
import { endedBySignal } from "./transport-failure.ts";
import type { Ask, Exchange } from "./upstream.ts";

interface Joined {
	readonly controller: AbortController;
	readonly exchange: Promise<Exchange>;
	waiting: number;
}

export class JoinedExchanges {
	readonly #now: () => number;
	/** One for each question under way; the caller bounds those. */
	readonly #joined = new Map<string, Joined>();
	/** Those that were aborted as well, until they are over. */
	readonly #running = new Set<Joined>();

	constructor(now: () => number) {
		this.#now = now;
	}

	/** `run` is called unless an equal ask is under way. Its signal is not that of one caller. */
	exchange(
		ask: Ask,
		signal: AbortSignal,
		run: (signal: AbortSignal) => Promise<Exchange>,
	): Promise<Exchange> {
		const startedMs = this.#now();
		const joined = this.#join(ask, run);
		joined.waiting++;
		return new Promise((resolve, reject) => {
			const onAbort = () => {
				// The last one waits for the end: nothing is left of it then.
				if (--joined.waiting === 0) joined.controller.abort(signal.reason);
				else
					resolve({
						kind: "failed",
						...endedBySignal(signal, "no answer came"),
						tookMs: this.#now() - startedMs,
					});
			};
			signal.addEventListener("abort", onAbort, { once: true });
			joined.exchange.then((exchange) => {
				signal.removeEventListener("abort", onAbort);
				resolve({ ...exchange, tookMs: this.#now() - startedMs });
			}, reject);
		});
	}

	/** Ends all; returns when they are over. */
	async abort(): Promise<void> {
		const running = [...this.#running];
		for (const { controller } of running) controller.abort();
		await Promise.allSettled(running.map(({ exchange }) => exchange));
	}

	#join(ask: Ask, run: (signal: AbortSignal) => Promise<Exchange>): Joined {
		const key = keyOf(ask);
		const known = this.#joined.get(key);
		if (known !== undefined && !known.controller.signal.aborted) return known;
		const controller = new AbortController();
		const exchange = run(controller.signal);
		const joined: Joined = { controller, exchange, waiting: 0 };
		this.#joined.set(key, joined);
		this.#running.add(joined);
		const over = () => {
			this.#running.delete(joined);
			if (this.#joined.get(key) === joined) this.#joined.delete(key);
		};
		exchange.then(over, over);
		return joined;
	}
}

function keyOf({ question, dnssecOk = false, checkingDisabled = false, clientSubnet }: Ask): string {
	const { name, type, class: dnsClass } = question;
	const subnet = clientSubnet === undefined ? "" : `${clientSubnet.address}/${clientSubnet.sourcePrefix}`;
	return [name.toLowerCase(), type, dnsClass, dnssecOk, checkingDisabled, subnet].join(" ");
}
