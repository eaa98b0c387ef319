/** Whole services in a known condition, on every line at once; tests take lines away or put more in. */
import { app, type Goroutine } from "./dump-text.ts";
import {
	handler,
	idleConnection,
	opener,
	requestContext,
	requestReader,
	runsStatement,
	txWatcher,
	waitsForPool,
} from "./goroutines.ts";
import { dbSocket, idleFor, idleInTx, pool, running } from "./lines.ts";
import type { Service } from "./service.ts";
import { times } from "./verdict.ts";

/** Where the model service begins its transactions. */
export const PLACE_ORDER = app("main.(*Orders).Place", 42);

/** `n` transactions whose goroutines have ended; a live sibling begins one in the first dump. */
export function leakedTransactions(n: number, poolMax = 50): Service {
	const leaked = times(n, (i) => txWatcher(200 + i, 150 + i));
	const sibling = [handler(90, waitsForPool("begin", requestContext(1)), PLACE_ORDER), requestReader(91, 90)];
	const age = 60_000;
	return {
		dumps: [
			[opener(5), idleConnection(80), ...sibling, ...leaked],
			[opener(5), idleConnection(80), idleConnection(90), ...leaked],
		],
		sessions: [0, 10_000].map((at) => times(n, (i) => idleInTx(40_000 + i, age + at))),
		sockets: [0, 10_000].map((at) => times(n, (i) => dbSocket(40_000 + i, age + at))),
		pools: [0, 10_000].map(() => [pool({ maxOpen: poolMax, open: n, inUse: n, idle: 0 })]),
	};
}

/** A service under load: `n` connections of a pool of `max`, all of them moving, nothing held. */
export function busy(n: number, max: number): Service {
	const workers = (round: number): Goroutine[] =>
		times(n, (i) => [
			handler(300 + i, runsStatement("db"), app("main.list", 12)),
			requestReader(1_000 + round * 500 + i, 300 + i),
		]).flat();
	return {
		dumps: [0, 1].map((round) => [opener(5), ...workers(round)]),
		sessions: [0, 1].map(() => times(n, (i) => (i % 2 ? running(41_000 + i, 3) : idleFor(41_000 + i, 4)))),
		sockets: [0, 1].map(() => times(n, (i) => dbSocket(41_000 + i, 2))),
		pools: [0, 1].map((round) => [
			pool({
				maxOpen: max,
				open: n,
				inUse: n,
				idle: 0,
				waitCount: round * 900,
				waitSeconds: round * 4,
			}),
		]),
	};
}
