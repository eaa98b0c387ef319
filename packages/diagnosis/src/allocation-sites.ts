/**
 * Where the service's own code allocates: the sites of the heap profile, summed by the innermost line of the service.
 * Library calls count for the line that made them. Estimates: the runtime looks at one allocation in 512 KiB.
 */
import type { Frame } from "@plumbline/signals/goroutines";
import type { HeapSite, HeapSnapshot } from "@plumbline/signals/heap";
import type { IsApplication } from "./application.ts";
import { grownStacks, type ProfileGrowth } from "./profile-growth.ts";

export interface AllocationSite {
	/** Innermost frame of the service; the innermost of all where none is. */
	readonly frame: Frame;
	readonly ofService: boolean;
	readonly bytes: number;
	/** Of all bytes counted, 0..1. */
	readonly share: number;
	/** Of its heaviest record, in the last snapshot. */
	readonly offset: number;
	/** Calls of that record, innermost first. */
	readonly frames: readonly Frame[];
}

/** Sites kept; the few on top are what matters. */
const SITES_MAX = 50;

/** Bytes allocated between two snapshots of one process. */
export function allocatedBetween(
	first: HeapSnapshot,
	last: HeapSnapshot,
	isApplication: IsApplication,
): AllocationSite[] {
	const before = byStack(first, ({ allocBytes }) => allocBytes);
	const stacks = [...byStack(last, ({ allocBytes }) => allocBytes)].map(([key, stack]) => ({
		...stack,
		bytes: stack.bytes - (before.get(key)?.bytes ?? 0),
	}));
	return bySite(stacks, isApplication);
}

/** The same by the growth of an allocs profile. */
export function allocatedIn(growth: ProfileGrowth, isApplication: IsApplication): AllocationSite[] {
	const stacks = [...grownStacks(growth)].map(([stack, bytes]) => ({
		frames: growth.profile.stacks.at(stack) ?? [],
		bytes,
		offset: 0,
	}));
	return bySite(stacks, isApplication);
}

/** Bytes that lived at the last collection. */
export function livingSites(heap: HeapSnapshot, isApplication: IsApplication): AllocationSite[] {
	return bySite([...byStack(heap, ({ liveBytes }) => liveBytes).values()], isApplication);
}

interface AllocatingStack {
	readonly frames: readonly Frame[];
	readonly bytes: number;
	readonly offset: number;
}

/** The page has a record for each stack of addresses; those that read alike are one. */
function byStack({ sites }: HeapSnapshot, bytesOf: (site: HeapSite) => number): Map<string, AllocatingStack> {
	const stacks = new Map<string, AllocatingStack>();
	for (const site of sites) {
		const key = site.frames.map(({ func, line }) => `${func}:${line}`).join(" ");
		const { frames, bytes, offset } = stacks.get(key) ?? { ...site, bytes: 0 };
		stacks.set(key, { frames, offset, bytes: bytes + bytesOf(site) });
	}
	return stacks;
}

function bySite(stacks: readonly AllocatingStack[], isApplication: IsApplication): AllocationSite[] {
	const sites = new Map<string, Omit<AllocationSite, "share">>();
	let total = 0;
	// The heaviest stack of a site comes first, and is the one shown.
	for (const { frames, bytes, offset } of stacks.toSorted((a, b) => b.bytes - a.bytes)) {
		const own = frames.find(isApplication);
		const frame = own ?? frames[0];
		if (bytes <= 0 || frame === undefined) continue;
		total += bytes;
		const key = `${frame.func} ${frame.file}:${frame.line}`;
		const known = sites.get(key) ?? { frame, ofService: own !== undefined, bytes: 0, offset, frames };
		sites.set(key, { ...known, bytes: known.bytes + bytes });
	}
	return [...sites.values()]
		.toSorted((a, b) => b.bytes - a.bytes)
		.slice(0, SITES_MAX)
		.map((site) => ({ ...site, share: site.bytes / total }));
}
