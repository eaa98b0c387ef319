/** What a server counts as it goes. One object, written in place: the fast path has no time for more. */
export interface ServerCounters {
	/** Packets and messages that came, whatever became of them. */
	udpQueries: number;
	tcpQueries: number;
	dotQueries: number;
	dohQueries: number;
	/** Answered out of the table. */
	hits: number;
	/** Given to the resolver. */
	misses: number;
	/** Asked again before their time was over. */
	refreshes: number;
	/** Too short, or answers: never answered. */
	dropped: number;
	/** FORMERR, NOTIMP, BADVERS, and questions that are nobody's to ask. */
	rejected: number;
	/** From networks that are not allowed. */
	refusedClients: number;
	/** Over the rate of their client: dropped, and answered by TC. */
	limited: number;
	slipped: number;
	/** SERVFAIL because too many were under way. */
	overloaded: number;
	/** Resolutions that failed. */
	failed: number;
	/** Served past their time (RFC 8767). */
	stale: number;
	/** The kernel took no more, or had no way to the client. */
	sendFailures: number;
	/** Connections closed at once because there were too many. */
	connectionsRefused: number;
}

export function newServerCounters(): ServerCounters {
	return {
		udpQueries: 0,
		tcpQueries: 0,
		dotQueries: 0,
		dohQueries: 0,
		hits: 0,
		misses: 0,
		refreshes: 0,
		dropped: 0,
		rejected: 0,
		refusedClients: 0,
		limited: 0,
		slipped: 0,
		overloaded: 0,
		failed: 0,
		stale: 0,
		sendFailures: 0,
		connectionsRefused: 0,
	};
}
