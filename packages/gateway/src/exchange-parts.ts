/** What exchanges share: the services of the process, and the configuration in force. */
import type { Forwarding } from "./forwarded.ts";
import type { LiveRoute } from "./live-route.ts";
import type { RequestHead } from "./message.ts";
import type { ExchangeObserver } from "./observer.ts";
import type { TimerWheel } from "./timer-wheel.ts";

/** One configuration at work; a reload makes another. */
export interface LiveSite {
	readonly forwarding: Forwarding;
	find(head: RequestHead): LiveRoute | undefined;
}

export interface ExchangeParts {
	/** Monotonic milliseconds. */
	readonly now: () => number;
	readonly wheel: TimerWheel;
	readonly observer: ExchangeObserver;
	/** Of traces that begin here. */
	traceShare(): number;
	traceIdField(): boolean;
}
