/**
 * gc-pressure: the processor goes to garbage collection.
 *
 * The share comes from runtime.MemStats at both ends of the window (gc-view.ts), the lines that make the garbage
 * from the heap profile beside it. A collector that works hard for a program that works hard is no fault: what
 * counts is its share of the CPU used. Under a memory limit that the live heap nearly fills, it never rests:
 * each cycle frees almost nothing, and the program slows down long before it is killed.
 */
import type { AllocationSite } from "../allocation-sites.ts";
import type { Attribution } from "../attribution.ts";
import { plural } from "../evidence.ts";
import type { Evidence, Holder, Severity } from "../finding.ts";
import { type GcView, gcView } from "../gc-view.ts";
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
			"a profile or a dump that forces collections: forced ones are not counted here",
		],
		fix: [
			"allocate less on the named line: reuse buffers (sync.Pool), size slices and maps beforehand, stream instead of building copies",
			"fewer pointers in what lives long: each object that lives is visited in every cycle",
			"GOGC at its default of 100 or above where memory allows; GOMEMLIMIT well above the live heap, or none",
		],
		stop: ["raise GOMEMLIMIT or the container's memory, or GOGC, and restart; shed load meanwhile"],
		verify: [
			"run plumbline diagnose again under the same load: the share falls; `--profile-seconds 5` shows what the CPU does instead",
		],
	},
	examine(world) {
		const gc = gcView(world.signals, world.isApplication);
		if (gc === undefined || !isPressure(gc)) return undefined;
		const share = gc.shareOfUsed?.share ?? gc.shareOfAvailable ?? 0;
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
				`${plural(gc.cycles, "collection")} in ${(gc.spanMs / 1000).toFixed(1)} s` +
					(gc.coresUsed === undefined
						? ""
						: ` while the service used ${gc.coresUsed.toFixed(1)} processors' worth of CPU`),
				limited && gc.memoryLimit
					? `GOMEMLIMIT is ${mebibytes(gc.memoryLimit.bytes)}, and ${mebibytes(gc.memoryLimit.usedBytes)} of it are in use`
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

function severityOf({ shareOfUsed }: GcView): Severity {
	if (shareOfUsed === undefined) return "note";
	return shareOfUsed.share >= CRITICAL_SHARE ? "critical" : "warning";
}

function isPressure({ shareOfUsed, shareOfAvailable, coresUsed, cycles, spanMs }: GcView): boolean {
	if ((cycles * 1000) / spanMs < CYCLES_PER_SECOND_MIN) return false;
	if (shareOfUsed !== undefined && coresUsed !== undefined)
		return shareOfUsed.share >= WARNING_SHARE && coresUsed >= CORES_USED_MIN;
	return (shareOfAvailable ?? 0) >= NOTE_SHARE_OF_AVAILABLE;
}

function isLimited({ memoryLimit }: GcView): boolean {
	return memoryLimit !== undefined && memoryLimit.usedBytes >= memoryLimit.bytes * LIMIT_SHARE_MIN;
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
						"no single line of the service allocates most of it; see the candidates, or a heap profile",
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
	const { first, last } = gc;
	const at = ({ part }: { readonly part: GcView["last"]["part"] }) => ({
		part: part.name,
		atMs: part.start.monoMs - signals.window.start.monoMs,
	});
	const counters = ({ value: { memStats } }: GcView["last"]) =>
		`NumGC = ${memStats?.numGc ?? "?"}, GCCPUFraction = ${memStats?.gcCpuFraction ?? "?"}, NextGC = ${memStats?.nextGcBytes ?? "?"}`;
	const [top] = isLimited(gc) ? gc.living : gc.allocating;
	return present<Evidence>([
		{
			line: "runtime",
			says: `${gc.cycles} collections between the two readings`,
			quote: `${counters(first)}\n${counters(last)}`,
			offset: last.value.memStats?.offset ?? 0,
			...at(last),
		},
		top && {
			line: "runtime",
			says: isLimited(gc) ? "where most of what lives was allocated" : "where most of it is allocated",
			quote: top.frames
				.slice(0, QUOTE_CALLS)
				.map(({ func, file, line }) => `${func}\n\t${file}:${line}`)
				.join("\n"),
			offset: top.offset,
			...at(last),
		},
		pageEvidence(signals, gc),
	]);
}

/** The metrics page counts on its own: it agrees when it has seen at least half of the cycles. */
function pageEvidence({ metrics, window }: World["signals"], { cycles }: GcView): Evidence | undefined {
	const name = "go_gc_duration_seconds_count";
	const pages = metrics.filter(({ value }) => value.go[name] !== undefined);
	const [first, last] = [pages[0], pages.at(-1)];
	const [before, after] = [first?.value.go[name], last?.value.go[name]];
	if (last === undefined || before === undefined || after === undefined) return undefined;
	if (after - before < cycles / 2) return undefined;
	return {
		line: "pool",
		says: `the metrics page counts ${after - before} collections`,
		quote: `${name} ${before} -> ${after}`,
		part: last.part.name,
		offset: 0,
		atMs: last.part.start.monoMs - window.start.monoMs,
	};
}

function mebibytes(bytes: number): string {
	const mib = bytes / (1 << 20);
	return mib < 10 ? `${mib.toFixed(1)} MiB` : `${Math.round(mib)} MiB`;
}
