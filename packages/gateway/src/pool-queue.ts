/**
 * Who waits for a connection, in the order of coming. Two queues in one: a fresh connection serves everybody, a used
 * one only those who take it, so each kind has its own list, and a number says who came first.
 *
 *   used or fresh   1 ─ 3 ─ 4
 *   fresh only      2 ─ 5
 */
import type { PoolTicket, PoolWaiter } from "./endpoint.ts";

/** One who waits. `onCancel` is the pool's; the ticket leaves its list first. */
export class QueueTicket implements PoolTicket {
	readonly waiter: PoolWaiter;
	readonly isFresh: boolean;
	readonly number: number;
	readonly sinceMs: number;
	readonly untilMs: number;
	readonly #queue: WaitQueue;
	before: QueueTicket | undefined = undefined;
	after: QueueTicket | undefined = undefined;
	isWaiting = true;

	constructor(
		queue: WaitQueue,
		waiter: PoolWaiter,
		isFresh: boolean,
		number: number,
		times: { readonly sinceMs: number; readonly untilMs: number },
	) {
		this.#queue = queue;
		this.waiter = waiter;
		this.isFresh = isFresh;
		this.number = number;
		this.sinceMs = times.sinceMs;
		this.untilMs = times.untilMs;
	}

	cancel(): void {
		if (!this.isWaiting) return;
		this.#queue.leave(this);
		this.#queue.onCancelled();
	}
}

class TicketList {
	first: QueueTicket | undefined = undefined;
	last: QueueTicket | undefined = undefined;
	size = 0;

	push(ticket: QueueTicket): void {
		ticket.before = this.last;
		if (this.last === undefined) this.first = ticket;
		else this.last.after = ticket;
		this.last = ticket;
		this.size++;
	}

	remove(ticket: QueueTicket): void {
		if (ticket.before === undefined) this.first = ticket.after;
		else ticket.before.after = ticket.after;
		if (ticket.after === undefined) this.last = ticket.before;
		else ticket.after.before = ticket.before;
		ticket.before = undefined;
		ticket.after = undefined;
		this.size--;
	}
}

export class WaitQueue {
	readonly onCancelled: () => void;
	readonly #any = new TicketList();
	readonly #fresh = new TicketList();
	#numbers = 0;

	constructor(onCancelled: () => void) {
		this.onCancelled = onCancelled;
	}

	get size(): number {
		return this.#any.size + this.#fresh.size;
	}

	get freshSize(): number {
		return this.#fresh.size;
	}

	join(waiter: PoolWaiter, isFresh: boolean, sinceMs: number, waitMs: number): QueueTicket {
		const times = { sinceMs, untilMs: sinceMs + waitMs };
		const ticket = new QueueTicket(this, waiter, isFresh, this.#numbers++, times);
		(isFresh ? this.#fresh : this.#any).push(ticket);
		return ticket;
	}

	leave(ticket: QueueTicket): void {
		ticket.isWaiting = false;
		(ticket.isFresh ? this.#fresh : this.#any).remove(ticket);
	}

	/** Who came first of all. */
	first(): QueueTicket | undefined {
		const any = this.#any.first;
		const fresh = this.#fresh.first;
		if (any === undefined || fresh === undefined) return any ?? fresh;
		return any.number < fresh.number ? any : fresh;
	}

	/** Of those who take a used connection. */
	firstOfAny(): QueueTicket | undefined {
		return this.#any.first;
	}

	/** Whose time is over first. After a reload that is not always who came first. */
	firstDue(): QueueTicket | undefined {
		const any = this.#any.first;
		const fresh = this.#fresh.first;
		if (any === undefined || fresh === undefined) return any ?? fresh;
		return any.untilMs <= fresh.untilMs ? any : fresh;
	}
}
