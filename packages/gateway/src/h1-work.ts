/**
 * What a request needs while it is under way, and a connection between requests does not: lent to connections, so that
 * twenty thousand idle ones hold none of it.
 *
 *   free ─ take ─▶ with a connection ─ giveBack ─▶ returned ─ (the next take) ─▶ free
 *
 * Whoever ends an exchange still looks at its head until its call has returned. So what is given back is used again
 * only at the next take, which comes from another turn of the event loop.
 */
import { H1Body } from "./h1-body.ts";
import { H1RequestHead } from "./h1-request.ts";

/** More than this go to the garbage collector. */
const FREE_MAX = 4096;

export class H1Work {
	readonly head: H1RequestHead;
	readonly body = new H1Body();

	constructor(scheme: "http" | "https") {
		this.head = new H1RequestHead(scheme);
	}
}

export class H1WorkPool {
	readonly #free: { readonly http: H1Work[]; readonly https: H1Work[] } = { http: [], https: [] };
	#returned: H1Work[] = [];

	take(scheme: "http" | "https"): H1Work {
		if (this.#returned.length > 0) this.#gather();
		return this.#free[scheme].pop() ?? new H1Work(scheme);
	}

	giveBack(work: H1Work): void {
		this.#returned.push(work);
		if (this.#returned.length > FREE_MAX) this.#returned.shift();
	}

	#gather(): void {
		for (let work = this.#returned.pop(); work !== undefined; work = this.#returned.pop()) {
			const free = this.#free[work.head.scheme];
			if (free.length >= FREE_MAX) continue;
			work.head.release();
			free.push(work);
		}
	}
}
