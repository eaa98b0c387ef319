/**
 * goroutine-leak: goroutines that never go on and never end.
 *
 * Runtime line: nobody alive owns them (no request whose client still waits, no connection that is read from, no call
 * that is under way: see live-owners.ts), and one of these proves it: the place where they wait goes on filling up
 * through the window and nobody leaves it; the runtime's own goroutineleak profile, or its mark `(leaked)`; what they
 * wait for cannot happen, as with a nil channel, or with a lock for which everybody waited all the time. One dump
 * alone shows who waits, not for how long. Pool line: the goroutines that the metrics page counts.
 */
import { goroutineEvidence, plural, quoteCalls, seconds } from "../evidence.ts";
import type { Evidence, Severity } from "../finding.ts";
import { holderOf } from "../goroutine-leak-holder.ts";
import { WAIT_WORDS } from "../goroutine-leak-words.ts";
import { goroutinesRose } from "../goroutine-metrics.ts";
import { MANY_MIN, type Suspect, suspectsIn } from "../goroutine-suspects.ts";
import { finding, present, type Rule } from "../rule.ts";
import type { World } from "../world.ts";

/** From here on it is the service's memory that is at stake: some kilobytes each at the least. */
const CRITICAL_MIN = 10_000;
/** Other groups told in the story. */
const OTHERS_MAX = 3;
/** Of what joined in the window that the metrics must count too: other goroutines come and go meanwhile. */
const METRICS_SHARE = 0.3;

export const goroutineLeak: Rule = {
	id: "goroutine-leak",
	about: {
		sees: "goroutines that wait for what never comes: more and more at one place, or proved by the runtime or by what they wait for",
		hurts:
			"each keeps its stack and all it refers to, from kilobytes to whole requests, until the process is killed for memory; behind a lock, requests hang",
		otherwise: [
			"something that is meant to live long and has grown in just this window: a worker for each new tenant, a cache that starts a goroutine for each key",
			"goroutines that wait for an event which is rare, or for a timer longer than the window, and then all end",
		],
		fix: [
			"know for every `go` statement what ends it; give it a context and `case <-ctx.Done(): return`",
			"senders: a buffer of one, or a select with the receiver's context; receivers: `defer close(ch)` where the channel was made",
			"`defer cancel()`, `defer mu.Unlock()`, `defer wg.Done()` on the line after what they undo",
		],
		stop: ["restart the service when its memory runs short; a leaked goroutine cannot be ended from outside"],
		verify: [
			"run plumbline diagnose again under the same load: go_goroutines comes back to where it was before it",
			"in tests: go.uber.org/goleak, or the goroutineleak profile of Go 1.27 (`plumbline diagnose --leak-profile`)",
		],
	},
	examine(world) {
		const [worst, ...others] = suspectsIn(world);
		if (worst === undefined) return undefined;
		const { kind, count } = worst;
		const words = WAIT_WORDS[kind];
		const attribution = holderOf(world, worst);
		return finding("goroutine-leak", goroutineLeak.about, {
			severity: severityOf(worst),
			confidence: confidenceOf(worst),
			count,
			title: `${plural(count, "goroutine")} ${words.does}${worst.growth === undefined ? "" : ", and more come"}`,
			story: present([
				howProved(world, worst),
				words.means,
				hangs(worst),
				others.length > 0 ? alsoSeen(others) : undefined,
			]).join("; "),
			fix: words.fix,
			...(worst.locks === undefined ? {} : { stop: LOCK_STOP }),
			...(attribution === undefined ? {} : { attribution }),
			evidence: evidenceOf(world, worst),
		});
	},
};

const LOCK_STOP = [
	"restart the service now: nothing from outside gives the lock back, and everybody who comes to it hangs",
];

function severityOf({ count, locks, growth, leaked, flagged, inHandlers, kind }: Suspect): Severity {
	if (count >= CRITICAL_MIN || (locks !== undefined && inHandlers > 0)) return "critical";
	// A sleep ends by itself, and nothing shows that another one follows.
	if (kind === "sleep" && !growth?.wakes && leaked === undefined) return "note";
	const sure = growth !== undefined || leaked !== undefined || flagged > 0 || locks !== undefined;
	// One dump: nobody sends on one channel for so long in such numbers and is received yet.
	if (!sure && kind === "chan send" && count >= MANY_MIN) return "warning";
	return sure || kind === "nil channel" ? "warning" : "note";
}

function confidenceOf({ growth, leaked, flagged, locks, kind }: Suspect): number {
	if (leaked !== undefined || flagged > 0 || kind === "nil channel") return 0.95;
	if (locks !== undefined) return 0.85;
	if (growth === undefined) return 0.5;
	// Workers that somebody takes on for rising load look much the same.
	if (growth.wakes) return 0.7;
	return growth.growth === undefined ? 0.6 : 0.85;
}

function howProved(
	world: World,
	{ growth, leaked, flagged, locks, rows, joined, spreadMinutes }: Suspect,
): string {
	const windowMs = (world.lastDump?.atMs ?? 0) - (world.firstDump?.atMs ?? 0);
	const ways = present([
		locks &&
			`the ${locks.kept} who waited at the start of the window wait still, ${seconds(windowMs)} later, for ${plural(locks.locks.length, "lock")}${joined > 0 ? `, and ${joined} more have come` : ""}`,
		growth &&
			`${rows.length - joined} were there at the start of the window and ${growth.wakes ? "live" : "wait"} still, ${joined} came in ${seconds(windowMs)} and stayed`,
		growth?.growth &&
			`never fewer than ${growth.from} in the first third of ${growth.samples} samples, ${growth.to} in the last`,
		leaked && `the runtime's leak profile has ${leaked.count} of them`,
		flagged > 0 ? `the runtime marks ${flagged} of them as leaked` : undefined,
		spreadMinutes === undefined
			? undefined
			: `by the dump they came over ${spreadMinutes} minutes; one dump alone does not show whether any goes on`,
	]);
	return ways.length === 0 ? "they can never be woken" : ways.join("; ");
}

function hangs({ inHandlers, count }: Suspect): string | undefined {
	if (inHandlers === 0) return undefined;
	return `${inHandlers === count ? "all" : inHandlers} of them are requests that nobody will answer`;
}

function alsoSeen(others: readonly Suspect[]): string {
	const told = others
		.slice(0, OTHERS_MAX)
		.map(({ count, kind }) => `${plural(count, "goroutine")} that ${WAIT_WORDS[kind].does}`);
	const more = others.length > OTHERS_MAX ? ` and ${others.length - OTHERS_MAX} more groups` : "";
	return `beside them ${told.join(", ")}${more}`;
}

function evidenceOf(world: World, suspect: Suspect): readonly Evidence[] {
	const { rows, growth, leaked, joined } = suspect;
	const { lastDump, signals } = world;
	const [row] = rows;
	const startMs = signals.window.start.monoMs;
	const sample = growth?.growth;
	const lastPoint = sample?.points.at(-1);
	return present<Evidence>([
		row === undefined || lastDump === undefined
			? undefined
			: goroutineEvidence(
					lastDump,
					row,
					`${plural(rows.length, "goroutine")} ${rows.length === 1 ? "is" : "are"} here at the end of the window`,
				),
		sample &&
			lastPoint && {
				line: "runtime",
				says: `${sample.first} of this stack in the first sample, ${sample.last} in the last of ${sample.points.length}`,
				quote: quoteCalls(sample.group.frames.slice(0, QUOTE_FRAMES)),
				part: sample.groupPart,
				offset: sample.group.example.offset,
				atMs: partAtMs(world, sample.groupPart, startMs) ?? lastPoint.atMs,
			},
		leaked?.evidence,
		joined > 0 ? goroutinesRose(world, Math.max(2, joined * METRICS_SHARE)) : undefined,
	]);
}

const QUOTE_FRAMES = 2;

function partAtMs({ signals }: World, name: string, startMs: number): number | undefined {
	const part = signals.goroutineProfiles.find((p) => p.part.name === name)?.part;
	return part && part.start.monoMs - startMs;
}
