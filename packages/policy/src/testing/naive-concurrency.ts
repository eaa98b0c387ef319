/** The concurrency limit as one would tell it: an array of those under way and one of those who wait. */

export class NaiveConcurrency {
	readonly queueMax: number;
	readonly queueMs: number;
	inFlight = 0;
	queue: { waiter: number; untilMs: number }[] = [];

	constructor(queueMax: number, queueMs: number) {
		this.queueMax = queueMax;
		this.queueMs = queueMs;
	}

	enter(waiter: number, nowMs: number, limit: number): "admitted" | "waiting" | "refused" {
		if (this.queue.length === 0 && this.inFlight < limit) {
			this.inFlight++;
			return "admitted";
		}
		if (this.queue.length >= this.queueMax) return "refused";
		this.queue.push({ waiter, untilMs: nowMs + this.queueMs });
		return "waiting";
	}

	next(nowMs: number, limit: number): string | undefined {
		const late = this.queue.find(({ untilMs }) => untilMs <= nowMs);
		if (late !== undefined) {
			this.queue = this.queue.filter((place) => place !== late);
			return `expired ${late.waiter}`;
		}
		const [first, ...rest] = this.queue;
		if (first === undefined || this.inFlight >= limit) return undefined;
		this.queue = rest;
		this.inFlight++;
		return `admitted ${first.waiter}`;
	}

	cancel(waiter: number): boolean {
		const before = this.queue.length;
		this.queue = this.queue.filter((place) => place.waiter !== waiter);
		return this.queue.length < before;
	}
}
