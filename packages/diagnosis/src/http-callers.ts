/** Where the service's own code calls net/http's client, as seen in any sample, and by the ledger where it was kept. */
import type { Frame } from "@plumbline/signals/goroutines";
import { CANDIDATES_MAX } from "./attribution.ts";
import type { Holder } from "./finding.ts";
import type { World } from "./world.ts";

/** An application frame that called the client, and how often it was seen to. */
export interface HttpCaller {
	readonly frame: Frame;
	readonly seen: number;
}

const CLIENT_CALL = /^net\/http\.\(\*(Client\)\.do|Transport\)\.[rR]oundTrip)$/;
/** Distinct lines kept. */
const CALLERS_MAX = 1_000;

/** Most often seen first. What the ledger counted goes before what samples caught. */
export function httpCallers(world: World): HttpCaller[] {
	const { ledger, isApplication, samples } = world;
	const places = ledger?.places.filter(({ kind, acquired }) => kind === "http" && acquired > 0) ?? [];
	if (places.length > 0) return sorted(places.map(({ frame, acquired }) => ({ frame, seen: acquired })));
	const callers = new Map<string, HttpCaller>();
	const note = (frames: readonly Frame[], count: number): void => {
		const call = frames.findLastIndex(({ func }) => CLIENT_CALL.test(func));
		const frame = call < 0 ? undefined : frames.slice(call).find(isApplication);
		if (frame === undefined) return;
		const key = `${frame.func} ${frame.file}:${frame.line}`;
		const seen = (callers.get(key)?.seen ?? 0) + count;
		if (callers.has(key) || callers.size < CALLERS_MAX) callers.set(key, { frame, seen });
	};
	for (const { stacks } of samples) for (const { frames, count } of stacks) note(frames, count);
	return sorted([...callers.values()]);
}

function sorted(callers: HttpCaller[]): HttpCaller[] {
	return callers.toSorted((a, b) => b.seen - a.seen);
}

/** One a function, likeliest first: who calls most is not who leaks. */
export function asCandidates(callers: readonly HttpCaller[]): Holder[] {
	const total = callers.reduce((sum, { seen }) => sum + seen, 0);
	const functions = Map.groupBy(callers, ({ frame }) => frame.func);
	return [...functions.values()].slice(0, CANDIDATES_MAX).flatMap((same) => {
		const [first] = same;
		if (first === undefined) return [];
		const seen = same.reduce((sum, caller) => sum + caller.seen, 0);
		return [
			{ ...first.frame, how: `seen ${seen} times calling the HTTP client`, confidence: 0.5 * (seen / total) },
		];
	});
}
