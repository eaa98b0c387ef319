/**
 * How net/http's client comes by its connections, as samples of goroutines show it.
 *
 * ```
 *   net/http.(*Transport).dialConn                      a connection is being made
 *   net/http.(*Transport).getConn            [select]   a request waits for one: to be made, or for MaxConnsPerHost
 *   ... bufio.(*Reader).Peek <- (*persistConn).readLoop a connection waits: idle, or for the answer
 *   net/http.(*persistConn).roundTrip                   a request waits for its answer
 *   (*persistConn).readLoop.funcN <- (*bodyEOFSignal).Close   a body closed before its end was read
 * ```
 *
 * A client that keeps its connections is hardly ever caught dialling, and has idle ones nearly always.
 */
import type { GoroutineSample } from "./goroutine-samples.ts";
import type { World } from "./world.ts";

export interface HttpDials {
	/** Full dumps and grouped profiles. */
	readonly samples: number;
	/** Samples that caught it dialling. */
	readonly dialling: number;
	/** Samples with more connections than requests: some of them idle. */
	readonly idling: number;
	/** Goroutines caught closing a body early, over all samples. */
	readonly closingEarly: number;
}

const DIAL = /^net\/http\.\(\*Transport\)\.(dialConn|getConn)$/;
const READ_LOOP = "net/http.(*persistConn).readLoop";
const ROUND_TRIP = "net/http.(*persistConn).roundTrip";
const BODY_CLOSE = "net/http.(*bodyEOFSignal).Close";
const PEEK = "bufio.(*Reader).Peek";
const EARLY_CLOSE = /^net\/http\.\(\*persistConn\)\.readLoop\.func\d+/;

export function httpDials({ samples }: Pick<World, "samples">): HttpDials {
	const looks = samples.map(lookAt);
	return {
		samples: samples.length,
		dialling: looks.filter(({ dials }) => dials > 0).length,
		idling: looks.filter(({ waiting, asking }) => waiting > asking).length,
		closingEarly: looks.reduce((sum, { closing }) => sum + closing, 0),
	};
}

function lookAt({ stacks }: GoroutineSample) {
	const seen = { dials: 0, waiting: 0, asking: 0, closing: 0 };
	for (const { frames, count } of stacks) {
		const has = (name: string) => frames.some(({ func }) => func === name);
		if (frames.some(({ func }) => DIAL.test(func))) seen.dials += count;
		else if (has(READ_LOOP)) seen.waiting += has(PEEK) ? count : 0;
		else if (has(ROUND_TRIP)) seen.asking += count;
		else if (has(BODY_CLOSE) && frames.some(({ func }) => EARLY_CLOSE.test(func))) seen.closing += count;
	}
	return seen;
}
