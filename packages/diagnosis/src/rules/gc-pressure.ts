/**
 * gc-pressure: the processor goes to garbage collection.
 *
 * The share comes from runtime.MemStats at both ends of the window (gc-view.ts), the lines that make the garbage
 * from the heap profile beside it. A collector that works hard for a program that works hard is no fault: what
 * counts is its share of the CPU used. Under a memory limit that the live heap nearly fills, it never rests:
 * each cycle frees almost nothing, and the program slows down long before it is killed.
 *
 * It is suspected at most: heap page, metrics page and profiles are all told by the one runtime.
 */
import type { AllocationSite } from "../allocation-sites.ts";
import type { Attribution } from "../attribution.ts";
import { plural, quoteCalls } from "../evidence.ts";
import type { Evidence, Holder, Severity } from "../finding.ts";
import { type GcView, gcView, pageCycles, type Readings } from "../gc-view.ts";
import { finding, present, type Rule } from "../rule.ts";
import type { World } from "../world.ts";

/** Of the CPU used. Programs that allocate a lot spend 10 to 20 %; the runtime itself plans with 25 % while it marks. */
const WARNING_SHARE = 0.3;
const CRITICAL_SHARE = 0.5;
/** Where its share of the CPU used is not known: of the CPU available. No more than a note, see gc-view.ts. */
const NOTE_SHARE_OF_AVAILABLE = 0.2;
/** A program that does next to nothing may spend what little it uses on a cycle. */
const CORES_USED_MIN = 0.2;
/** Fewer cycles make no habit: a forced one every two minutes is normal. */
const CYCLES_PER_SECOND_MIN = 1;
/** Of the limit in use, from which on it is what drives the collector. */
const LIMIT_SHARE_MIN = 0.85;
/** Of the limit alive. With less the collector has room; memory near the limit is then how GOGC=off is meant. */
const LIVE_SHARE_OF_LIMIT_MIN = 0.5;
/** A heap that grows so much in the window is being filled: a start, a batch. */
const FILLING_MIN = 1.5;
/** GOGC below this trades a lot of CPU for memory. */
const GOGC_LOW = 50;
/** Of all bytes allocated, from which on one line is the one to change. */
const HOLDER_SHARE_MIN = 0.3;
const CANDIDATE_SHARE_MIN = 0.05;
const CANDIDATES_MAX = 3;
/** Calls of the allocating stack that are quoted. */
const QUOTE_CALLS = 6;

export const gcPressure: Rule = {
	id: "gc-pressure",
	about: {
		sees: "a large part of the CPU used goes to garbage collection, cycle after cycle",
		hurts:
			"requests wait for processors and help to mark (mark assist); under a memory limit the program can come to a near stop without being killed",
		otherwise: [
			"a start-up or a batch that fills the heap once: look again a minute later",
			"a program that asks for collections itself (runtime.GC, debug.FreeOSMemory): those are not counted here",
		],
		fix: [
			"allocate less on the named line: reuse buffers (sync.Pool), size slices and maps beforehand, stream instead of building copies",
			"fewer pointers in what lives long: each object that lives is visited in every cycle",
			"GOGC at its default of 100 or above where memory allows; GOMEMLIMIT well above the live heap, or none",
		],
		stop: [
			"shed load; the collector follows at once",
			"under a memory limit: restart with a higher GOMEMLIMIT, and the container's memory raised with it",
			"without one, and with memory to spare: restart with a higher GOGC (200); the heap may then grow to three times what lives",
		],
		verify: [
			"run plumbline diagnose again under the same load: the share falls; `--profile-seconds 5` shows what the CPU does instead",
		],
	},
	examine(world) {
		const gc = gcView(world.signals, world.isApplication);
		if (gc === undefined || !isPressure(gc)) return undefined;
		const share = gc.shareOfUsed ?? gc.shareOfAvailable ?? 0;
		const percent = Math.round(share * 100);
		const limited = isLimited(gc);
		return finding("gc-pressure", gcPressure.about, {
			severity: severityOf(gc),
			confidence: gc.shareOfUsed === undefined ? 0.7 : 0.9,
			count: percent,
			title: limited
				? `The memory limit leaves the collector no room: it takes ${percent} % of the CPU`
				: `Garbage collection takes ${percent} % of the CPU ${gc.shareOfUsed === undefined ? "there is" : "used"}`,
			story: present([
				(gc.cycles === undefined
					? "how many collections there were is not known"
					: `${plural(gc.cycles, "collection")} in ${(gc.spanMs / 1000).toFixed(1)} s`) +
					(gc.coresUsed === undefined
						? ""
						: ` while the service used ${gc.coresUsed.toFixed(1)} processors' worth of CPU`),
				limited && gc.memoryLimit
					? `GOMEMLIMIT is ${mebibytes(gc.memoryLimit.bytes)}, and ${mebibytes(gc.memoryLimit.usedBytes)} of it are in use`
					: undefined,
				isFilling(gc)
					? `the heap grew ${gc.growth?.toFixed(1)} times in the window: it is being filled, look again when it is full`
					: undefined,
				gc.gogc !== undefined && gc.gogc < GOGC_LOW && !limited
					? `GOGC is ${gc.gogc}: a cycle begins when the heap has grown by ${gc.gogc} %`
					: undefined,
				allocationStory(gc),
			]).join("; "),
			attribution: attributionOf(gc, limited),
			evidence: evidenceOf(world, gc),
		});
	},
};

function severityOf(gc: GcView): Severity {
	const { shareOfUsed, coresUsed, cycles } = gc;
	if (shareOfUsed === undefined || coresUsed === undefined || cycles === undefined) return "note";
	if (isFilling(gc)) return "note";
	return shareOfUsed >= CRITICAL_SHARE ? "critical" : "warning";
}

function isPressure({ shareOfUsed, shareOfAvailable, coresUsed, cycles, spanMs }: GcView): boolean {
	if (cycles !== undefined && (cycles * 1000) / spanMs < CYCLES_PER_SECOND_MIN) return false;
	if (shareOfUsed !== undefined && coresUsed !== undefined)
		return shareOfUsed >= WARNING_SHARE && coresUsed >= CORES_USED_MIN;
	return (shareOfAvailable ?? 0) >= NOTE_SHARE_OF_AVAILABLE;
}

function isLimited({ memoryLimit }: GcView): boolean {
	if (memoryLimit === undefined) return false;
	const { bytes, usedBytes, liveBytes } = memoryLimit;
	if (liveBytes !== undefined && liveBytes < bytes * LIVE_SHARE_OF_LIMIT_MIN) return false;
	return usedBytes >= bytes * LIMIT_SHARE_MIN;
}

function isFilling(gc: GcView): boolean {
	return (gc.growth ?? 1) >= FILLING_MIN && !isLimited(gc);
}

function allocationStory({ allocating, spanMs }: GcView): string | undefined {
	const bytes = allocating.reduce((sum, site) => sum + site.bytes, 0);
	return bytes === 0 ? undefined : `it allocated about ${mebibytes((bytes * 1000) / spanMs)} a second`;
}

/** Under a limit what lives is the matter, else what is thrown away. */
function attributionOf({ allocating, living }: GcView, limited: boolean): Attribution {
	const sites = (limited ? living : allocating).filter(({ ofService }) => ofService);
	const holders = sites
		.filter(({ share }) => share >= CANDIDATE_SHARE_MIN)
		.slice(0, CANDIDATES_MAX + 1)
		.map((site) => asHolder(site, limited));
	const [top] = sites;
	const named = top !== undefined && top.share >= HOLDER_SHARE_MIN;
	return {
		...(named && holders[0] ? { holder: holders[0] } : {}),
		candidates: holders.slice(named ? 1 : 0, named ? CANDIDATES_MAX + 1 : CANDIDATES_MAX),
		siblings: [],
		...(named
			? {}
			: {
					holderGap:
						sites.length === 0
							? "no heap profile tells who allocates: the page is cut or missing, or runtime.MemProfileRate is 0"
							: `no single line of the service ${limited ? "holds" : "allocates"} most of it; see the candidates`,
				}),
	};
}

function asHolder({ frame: { func, file, line }, share, bytes }: AllocationSite, living: boolean): Holder {
	const what = living
		? "of the live heap were allocated here"
		: "of the bytes of the window were allocated here";
	return {
		func,
		file,
		line,
		how: `${Math.round(share * 100)} % ${what} (about ${mebibytes(bytes)})`,
		confidence: Math.min(0.95, 0.5 + share / 2),
	};
}

function evidenceOf({ signals }: World, gc: GcView): Evidence[] {
	return present<Evidence>([
		gc.heaps && counterEvidence(signals, gc.heaps),
		siteEvidence(signals, gc),
		pageEvidence(signals),
	]);
}

function counterEvidence({ window }: World["signals"], { last, before, after }: Readings): Evidence {
	const cycles = `${before.numGc ?? "?"} -> ${after.numGc ?? "?"}`;
	return {
		line: "runtime",
		says: `collections between the two readings: ${cycles}; share of all CPU since the start: ${before.gcCpuFraction ?? "?"} -> ${after.gcCpuFraction ?? "?"}`,
		quote: [
			`# NextGC = ${after.nextGcBytes ?? "?"}`,
			"...",
			`# NumGC = ${after.numGc ?? "?"}`,
			`# NumForcedGC = ${after.numForcedGc ?? "?"}`,
			`# GCCPUFraction = ${after.gcCpuFraction ?? "?"}`,
		].join("\n"),
		part: last.part.name,
		offset: after.offset,
		atMs: last.part.start.monoMs - window.start.monoMs,
	};
}

function siteEvidence({ window }: World["signals"], gc: GcView): Evidence | undefined {
	const limited = isLimited(gc);
	const [top] = limited ? gc.living : gc.allocating;
	const last = gc.heaps?.last.part;
	const lives = last && { part: last.name, atMs: last.start.monoMs - window.start.monoMs };
	const from = limited ? lives : gc.allocatedIn;
	if (top === undefined || from === undefined) return undefined;
	return {
		line: "runtime",
		says: limited ? "where most of what lives was allocated" : "where most of it is allocated",
		quote: quoteCalls(top.frames.slice(0, QUOTE_CALLS)),
		part: from.part,
		offset: top.offset,
		atMs: from.atMs,
	};
}

function pageEvidence(signals: World["signals"]): Evidence | undefined {
	const page = pageCycles(signals);
	if (page === undefined) return undefined;
	const { name, before, after, last } = page;
	return {
		line: "runtime",
		says: `the same runtime's metrics page counts ${after - before} collections, forced ones too`,
		quote: `${name} ${after}`,
		part: last.part.name,
		offset: 0,
		atMs: last.part.start.monoMs - signals.window.start.monoMs,
	};
}

function mebibytes(bytes: number): string {
	const mib = bytes / (1 << 20);
	return mib < 10 ? `${mib.toFixed(1)} MiB` : `${Math.round(mib)} MiB`;
}
