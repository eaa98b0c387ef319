/**
 * Who made what lives on the heap: allocating stacks that pass through a library's function and come from the
 * service's own code. Whoever begins a transaction, dials or starts a timer allocates in that library, and what is
 * never ended is never freed.
 *
 * Estimates: the runtime looks at one allocation in 512 KiB on average, so a few dozen leaked objects are mostly not
 * seen at all, and what lives for good reason looks the same. So only growth counts, where there are two snapshots,
 * and it makes candidates, never a holder.
 */
import type { Frame } from "@plumbline/signals/goroutines";
import type { HeapSite } from "@plumbline/signals/heap";
import { quoteCalls } from "./evidence.ts";
import type { Evidence } from "./finding.ts";
import type { World } from "./world.ts";

export interface HeapMaker {
	/** The innermost call of the service that led to `func`. */
	readonly frame: Frame;
	/** Objects more at the end of the window than at its start; all that live where there is one snapshot. */
	readonly objects: number;
	readonly evidence: Evidence;
}

/** Most first; empty where no heap was read or nothing grew. */
export function heapMakers(world: World, through: (func: string) => boolean): readonly HeapMaker[] {
	const { heaps, window } = world.signals;
	const [first, last] = [heaps[0], heaps.at(-1)];
	if (first === undefined || last === undefined) return [];
	const before = first === last ? new Map<string, Tally>() : tally(world, first.value.sites, through);
	const makers: HeapMaker[] = [];
	for (const [key, { frame, objects, site }] of tally(world, last.value.sites, through)) {
		const more = Math.round(objects - (before.get(key)?.objects ?? 0));
		if (more <= 0) continue;
		const what = first === last ? "live" : "more live than at the start of the window";
		makers.push({
			frame,
			objects: more,
			evidence: {
				line: "runtime",
				says: `some ${more} objects allocated from here ${what}, by the heap profile`,
				quote: quoteUpTo(site.frames, frame),
				part: last.part.name,
				offset: site.offset,
				atMs: last.part.start.monoMs - window.start.monoMs,
			},
		});
	}
	return makers.sort((a, b) => b.objects - a.objects);
}

interface Tally {
	readonly frame: Frame;
	readonly objects: number;
	readonly site: HeapSite;
}

function tally(
	world: World,
	sites: readonly HeapSite[],
	through: (func: string) => boolean,
): Map<string, Tally> {
	const tallies = new Map<string, Tally>();
	for (const site of sites) {
		const at = site.frames.findIndex(({ func }) => through(func));
		const frame = at < 0 ? undefined : site.frames.slice(at).find(world.isApplication);
		if (frame === undefined) continue;
		const key = `${frame.func} ${frame.file}:${frame.line}`;
		const known = tallies.get(key);
		const heavier = known !== undefined && known.site.liveObjects >= site.liveObjects ? known.site : site;
		tallies.set(key, { frame, objects: (known?.objects ?? 0) + site.liveObjects, site: heavier });
	}
	return tallies;
}

const QUOTED_MAX = 12;

function quoteUpTo(frames: readonly Frame[], own: Frame): string {
	const end = frames.findIndex(({ func, line }) => func === own.func && line === own.line) + 1;
	return quoteCalls(frames.slice(0, Math.min(end, QUOTED_MAX)));
}
