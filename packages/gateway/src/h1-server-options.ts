/** What connections of clients over HTTP/1 have in common: one object for all of a listener's. */
import type { ConnectionFacts } from "./client-facts.ts";
import type { H1WorkPool } from "./h1-work.ts";
import type { LocalAnswer } from "./local-answer.ts";
import type { ClientTimeouts, MessageLimits } from "./settings.ts";
import type { Failure, OnRequest } from "./stream.ts";
import type { TimerWheel } from "./timer-wheel.ts";
import type { Scratch } from "./transport-scratch.ts";

/** May be changed while connections live: each request sees what is there then. */
export interface H1ServerOptions {
	limits: MessageLimits;
	timeouts: ClientTimeouts;
	onRequest: OnRequest;
	readonly wheel: TimerWheel;
	readonly scratch: Scratch;
	readonly work: H1WorkPool;
	/** What a client is told whose request never became one; called once for each. */
	readonly faultAnswer?: (failure: Failure, client: ConnectionFacts) => LocalAnswer;
	/** Once, when the connection is gone. */
	readonly onClosed?: () => void;
}
