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

type Run = (ask: Ask, signal: AbortSignal) => Promise<Exchange>;

export class JoinedExchanges {
	readonly #now: () => number;
	readonly #run: Run;
	/** As many as `run` lets be under way. */
	readonly #joined = new Map<string, Joined>();

	constructor(now: () => number, run: Run) {
		this.#now = now;
		this.#run = run;
	}

	exchange(ask: Ask, signal: AbortSignal): Promise<Exchange> {
		const startedMs = this.#now();
		const joined = this.#join(ask);
		joined.waiting++;
		return new Promise((resolve) => {
			const onAbort = () => {
				// Not of one that ends for this very reason: it says more.
				if (--joined.waiting === 0) joined.controller.abort(signal.reason);
				else resolve(failed());
			};
			const failed = (): Exchange => ({
				kind: "failed",
				...endedBySignal(signal, "no answer came"),
				tookMs: this.#now() - startedMs,
			});
			signal.addEventListener("abort", onAbort, { once: true });
			void joined.exchange.then((exchange) => {
				signal.removeEventListener("abort", onAbort);
				resolve({ ...exchange, tookMs: this.#now() - startedMs });
			});
			if (signal.aborted) onAbort();
		});
	}

	#join(ask: Ask): Joined {
		const key = keyOf(ask);
		const known = this.#joined.get(key);
		if (known !== undefined && !known.controller.signal.aborted) return known;
		const controller = new AbortController();
		const exchange = this.#run(ask, controller.signal);
		const joined: Joined = { controller, exchange, waiting: 0 };
		this.#joined.set(key, joined);
		void exchange.then(() => {
			if (this.#joined.get(key) === joined) this.#joined.delete(key);
		});
		return joined;
	}
}

function keyOf({ question, dnssecOk = false, checkingDisabled = false, clientSubnet }: Ask): string {
	const { name, type, class: dnsClass } = question;
	const subnet = clientSubnet === undefined ? "" : `${clientSubnet.address}/${clientSubnet.sourcePrefix}`;
	return [name.toLowerCase(), type, dnsClass, dnssecOk, checkingDisabled, subnet].join(" ");
}
