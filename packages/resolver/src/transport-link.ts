/** One connection of a transport that keeps connections, and what becomes of a query on it. */
import type { DnsMessage } from "@plumbline/signals/dns-message";
import type { Timers } from "./timers.ts";
import type { Query } from "./transport-query.ts";
import type { FailureKind, UpstreamServer } from "./upstream.ts";

export type Carried =
	| { readonly kind: "answer"; readonly message: DnsMessage; readonly ageSeconds?: number }
	/** It is of no use to ask again. */
	| { readonly kind: "failed"; readonly why: FailureKind; readonly detail: string }
	/**
	 * The connection ended before the answer came: on another one it may. `isUnsent`: the query still waited for its
	 * turn when others on that connection were sent, so this is no try of it.
	 */
	| { readonly kind: "lost"; readonly detail: string; readonly isUnsent?: boolean };

/** What ends a connection. */
export type LinkEnd = Exclude<Carried, { readonly kind: "answer" }>;

/** Called once. */
export type CarriedTo = (carried: Carried) => void;

/**
 * A connection with any number of queries on it. It opens by itself, and ends by itself: when the other side ends it,
 * when nobody has used it for a while, when it is of no use any more.
 */
export interface Link {
	/** Whether it takes queries. Once false, false for ever. */
	readonly isOpen: boolean;
	/** What comes back takes the query off: `to` is not called any more. */
	carry(query: Query, to: CarriedTo): () => void;
	/** Ends it at once. What it carries is lost. */
	destroy(detail: string): void;
	/** Settles when nothing of it is left. */
	readonly closed: Promise<void>;
}

export interface LinkOptions {
	readonly server: UpstreamServer;
	readonly now: () => number;
	readonly timers: Timers;
	/** A connection without use is closed after so long. */
	readonly idleMs: number;
	/** Silence of a connection on which something is awaited, until it is probed; and then until it is given up. */
	readonly stallMs: number;
	/** It was probed in vain. It takes no more queries; those on it may be carried elsewhere as well. */
	readonly onSuspect: (link: Link) => void;
}
