/**
 * cpu-spike: where the CPU goes, told when a CPU profile was asked for.
 *
 * A service that is busy is not at fault, so this never is more than a note. It crosses the profile with what the
 * kernel counted and with the collector's own counters: a spike that is garbage collection has gc-pressure as its
 * cause.
 */
import type { Profile } from "@plumbline/signals/profiles";
import type { Sampled } from "@plumbline/signals/signals";
import { collectorShare, cpuType } from "../collector-share.ts";
import { cpuUsed, cpuWanted, goValue } from "../cpu-time.ts";
import { percent, shortName } from "../evidence.ts";
import type { Evidence, Holder } from "../finding.ts";
import { type TopRow, topOf } from "../profile-top.ts";
import { finding, present, type Rule } from "../rule.ts";
import type { World } from "../world.ts";

/** Of the processors the service may use (of one, where that is not known), from which on it is worth telling. */
const BUSY_SHARE_MIN = 0.7;
/** Of the time on a processor, from which on the time spent waiting for one is told. */
const WAITING_SHARE_TOLD_MIN = 0.2;
/** Of the samples, from which on one function of the service is where the time goes. */
const HOLDER_SHARE_MIN = 0.3;
const CANDIDATE_SHARE_MIN = 0.1;
const CANDIDATES_MAX = 4;
/** Functions quoted from the top of the profile. */
const QUOTE_ROWS = 5;

export const cpuSpike: Rule = {
	id: "cpu-spike",
	about: {
		sees: "a CPU profile (--profile-seconds) of a service that uses most of the processors it may use",
		hurts:
			"what is not on a processor waits: latency rises for everybody, and timeouts fire that look like leaks",
		otherwise: ["honest work at its limit: then it is a matter of capacity"],
		fix: [
			"look at the named line: do less of it, cache it, or bound how many do it at once",
			"where garbage collection is the cause: see gc-pressure",
		],
		stop: ["shed load, or add instances"],
		verify: ["run plumbline diagnose --profile-seconds 5 again: the share of the named function falls"],
	},
	examine(world, found) {
		const profile = world.signals.profiles.findLast(({ value }) => cpuType(value) >= 0);
		const use = cpuUse(world);
		if (profile === undefined || use === undefined || !use.isBusy) return undefined;
		const type = cpuType(profile.value);
		const gc = collectorShare(profile.value, type);
		const { holder, holderShare, candidates, rows } = whereItGoes(world, profile.value, type);
		const causes = found.some(({ id }) => id === "gc-pressure") ? (["gc-pressure"] as const) : [];
		return finding("cpu-spike", cpuSpike.about, {
			severity: "note",
			confidence: 0.9,
			count: Math.round(use.share * 100),
			title: `The service uses ${use.words}${holder === undefined ? "" : `, ${percent(holderShare)} of it in ${shortName(holder.func)}`}`,
			story: present([
				gc >= 0.01
					? `garbage collection is ${percent(gc)} of the profile`
					: "garbage collection has next to no part in it",
				...rows.map(({ func, cum }) => `${shortName(func)} and what it calls ${percent(cum)}`),
			]).join("; "),
			causes,
			attribution: {
				...(holder === undefined
					? { holderGap: "no single line of the service takes a large part of the CPU" }
					: { holder }),
				candidates,
				siblings: [],
			},
			evidence: [profileEvidence(world, profile, type)],
		});
	},
};

interface CpuUse {
	readonly isBusy: boolean;
	/** What it uses and waits for, of what it may use; of one processor where that is not known. */
	readonly share: number;
	readonly words: string;
}

function cpuUse({ signals }: World): CpuUse | undefined {
	const used = cpuUsed(signals);
	if (used === undefined) return undefined;
	const wanted = cpuWanted(signals) ?? used;
	const cores = used.cpuMs / used.spanMs;
	const coresWanted = Math.max(cores, wanted.cpuMs / wanted.spanMs);
	const limit = processorsAllowed(signals);
	const share = Math.min(1, coresWanted / (limit ?? 1));
	const more = coresWanted - cores;
	return {
		isBusy: share >= BUSY_SHARE_MIN,
		share,
		words:
			(limit === undefined
				? processors(cores)
				: `${cores.toFixed(1)} of the ${processors(limit)} it may use`) +
			(more < cores * WAITING_SHARE_TOLD_MIN ? "" : ` and waits for ${more.toFixed(1)} more`),
	};
}

/** By the container and by Go itself: the lower counts. */
function processorsAllowed(signals: World["signals"]): number | undefined {
	const limits = [signals.process.at(-1)?.value.cpuLimit, goValue(signals, "go_sched_gomaxprocs_threads")];
	const known = present(limits).filter((count) => count > 0);
	return known.length === 0 ? undefined : Math.min(...known);
}

function processors(count: number): string {
	return `${Number(count.toFixed(1))} ${count === 1 ? "processor" : "processors"}`;
}

/** Functions of the service by all the time below them; a caller that only passes it on is left to its callee. */
function whereItGoes(
	{ isApplication }: World,
	profile: Profile,
	type: number,
): {
	holder: Holder | undefined;
	holderShare: number;
	candidates: Holder[];
	rows: { func: string; cum: number }[];
} {
	const lines = innermostLines(profile, type, isApplication);
	const holders = lines
		.filter(({ share }) => share >= CANDIDATE_SHARE_MIN)
		.slice(0, CANDIDATES_MAX)
		.map(({ frame: { func, file, line }, share }) => ({
			func,
			file,
			line,
			how: `${percent(share)} of the CPU profile is at or below this line`,
			confidence: Math.min(0.95, 0.5 + share / 2),
		}));
	const named = (lines[0]?.share ?? 0) >= HOLDER_SHARE_MIN;
	return {
		holder: named ? holders[0] : undefined,
		holderShare: lines[0]?.share ?? 0,
		candidates: named ? holders.slice(1) : holders,
		rows: lines
			.slice(0, QUOTE_ROWS)
			.filter(({ share }) => share >= CANDIDATE_SHARE_MIN)
			.map(({ frame, share }) => ({ func: frame.func, cum: share })),
	};
}

interface Line {
	readonly frame: { readonly func: string; readonly file: string; readonly line: number };
	readonly share: number;
}

/** Each sample counts for the innermost line of the service on its stack. */
function innermostLines(profile: Profile, type: number, isApplication: World["isApplication"]): Line[] {
	const sums = new Map<string, { readonly frame: Line["frame"]; ns: number }>();
	const lineOf = new Map<number, Line["frame"] | undefined>();
	let total = 0;
	for (let sample = 0; sample < profile.count; sample++) {
		const ns = Number(profile.values[sample * profile.types.length + type] ?? 0n);
		total += ns;
		const stack = profile.stackOf[sample] ?? 0;
		if (!lineOf.has(stack)) lineOf.set(stack, profile.stacks.at(stack)?.find(isApplication));
		const frame = lineOf.get(stack);
		if (frame === undefined) continue;
		const key = `${frame.func} ${frame.file}:${frame.line}`;
		const known = sums.get(key);
		if (known === undefined) sums.set(key, { frame, ns });
		else known.ns += ns;
	}
	return (
		[...sums.values()]
			// Hostile values may be below zero.
			.map(({ frame, ns }) => ({ frame, share: total <= 0 ? 0 : Math.min(1, Math.max(0, ns / total)) }))
			.toSorted((a, b) => b.share - a.share)
	);
}

function profileEvidence({ signals }: World, { part, value }: Sampled<Profile>, type: number): Evidence {
	const { rows, total } = topOf(value, type);
	const shown = rows.slice(0, QUOTE_ROWS).map((row: TopRow) => {
		const share = total === 0n ? 0 : Number(row.flat) / Number(total);
		return `${(Number(row.flat) / 1e9).toFixed(2)}s ${percent(share)} ${row.func}`;
	});
	return {
		line: "runtime",
		says: `the functions on top of ${(Number(total) / 1e9).toFixed(1)} s of CPU time in the profile, summed up`,
		quote: shown.join("\n"),
		part: part.name,
		offset: 0,
		atMs: part.start.monoMs - signals.window.start.monoMs,
	};
}
