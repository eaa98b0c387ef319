/**
 * Who gave locks back that others waited for, by the mutex profile of the window: the runtime charges what everybody
 * waited to the stack that unlocks.
 *
 * ```
 *   sync.(*Mutex).Unlock
 *   main.(*RateTable).Rate      rates.go:38     160 s of waiting ended here
 * ```
 *
 * With `defer mu.Unlock()` the line is the end of the function. Empty unless the program asked for it
 * (runtime.SetMutexProfileFraction).
 */
import type { Frame } from "@plumbline/signals/goroutines";
import type { Signals } from "@plumbline/signals/signals";
import { ownerOf } from "./lock-taker.ts";
import { grownStacks, profileGrowth } from "./profile-growth.ts";

export interface Unlocks {
	readonly sites: readonly UnlockSite[];
	/** Waited for locks of this name, in all. */
	readonly waitedMs: number;
	readonly spanMs: number;
	readonly part: string;
	readonly atMs: number;
}

export interface UnlockSite {
	/** The call that gives it back. */
	readonly frame: Frame;
	readonly waitedMs: number;
}

const UNLOCK = /^(internal\/)?sync\.\(\*(RW)?(Mutex|locker|rlocker)\)\.(R?Unlock|unlockSlow|rUnlockSlow)$/;
const SYNC = /^(internal\/)?sync\./;
/** Frames from the top by which a stack is known to unlock: inlined calls and the slow path. */
const UNLOCK_FRAMES_MAX = 6;
const SITES_MAX = 20;
const NANOSECONDS_PER_MS = 1e6;

/** Of the locks that `name` takes: see lock-view.ts. Most waited for first. */
export function unlocksOf(signals: Signals, name: string): Unlocks | undefined {
	const growth = profileGrowth(signals, "mutex", { type: "delay", unit: "nanoseconds" });
	if (growth === undefined) return undefined;
	const sites = new Map<string, UnlockSite>();
	let waitedMs = 0;
	for (const [stack, nanoseconds] of grownStacks(growth)) {
		const frame = unlocker(growth.profile.stacks.at(stack) ?? []);
		if (frame === undefined || ownerOf(frame.func) !== name) continue;
		const ms = nanoseconds / NANOSECONDS_PER_MS;
		waitedMs += ms;
		const key = `${frame.func}:${frame.line}`;
		sites.set(key, { frame, waitedMs: (sites.get(key)?.waitedMs ?? 0) + ms });
	}
	if (waitedMs === 0) return undefined;
	const most = [...sites.values()].toSorted((a, b) => b.waitedMs - a.waitedMs).slice(0, SITES_MAX);
	const { spanMs, part, atMs } = growth;
	return { sites: most, waitedMs, spanMs, part, atMs };
}

function unlocker(frames: readonly Frame[]): Frame | undefined {
	if (!frames.slice(0, UNLOCK_FRAMES_MAX).some(({ func }) => UNLOCK.test(func))) return undefined;
	return frames.find(({ func }) => !SYNC.test(func));
}
