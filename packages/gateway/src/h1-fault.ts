/** Why bytes are no HTTP/1.1 that we take. A value, one of few and shared: hostile bytes cost no stack trace. */
export interface H1Fault {
	/** What to answer a client; a fault of an upstream's is always 502 to the client. */
	readonly status: 400 | 413 | 414 | 417 | 431 | 501 | 505;
	/** What was expected, for logs. */
	readonly detail: string;
}
