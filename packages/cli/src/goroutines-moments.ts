/** The goroutines of one moment in decoded signals: the full dump where there is one, else the grouped profile. */
import {
	type GoroutineGroup,
	type GoroutineGroups,
	groupsOfProfile,
	groupsOfTable,
} from "@plumbline/diagnosis/goroutine-groups";
import { gapInWords } from "@plumbline/report/phrases";
import type { GoroutineProfile, GoroutineTable } from "@plumbline/signals/goroutines";
import type { Sampled, Signals } from "@plumbline/signals/signals";
import { CommandError, EXIT_UNEXAMINED } from "./exit-code.ts";

export interface Moment {
	readonly name: string;
	readonly source: "full dump" | "grouped profile";
	readonly groups: GoroutineGroups;
	readonly notes: readonly string[];
	readonly quote?: (group: GoroutineGroup) => string;
}

const QUOTE_LINES_MAX = 60;

/** Of a capture the end of its window. */
export function lastMoment(signals: Signals, name: string): Moment {
	const dump = signals.goroutines.at(-1);
	if (dump !== undefined && dump.value.count > 0) return ofDump(dump, name, signals);
	const profile = signals.goroutineProfiles.at(-1) ?? signals.leakProfiles.at(-1);
	if (profile !== undefined) return ofProfile(profile, name, signals);
	throw noGoroutines(signals, name);
}

/** Of a capture its first and its last sample: full dumps where there are two, else profiles. */
export function firstAndLast(signals: Signals, name: string): readonly [Moment, Moment] {
	const { goroutines, goroutineProfiles } = signals;
	const at = (part: { readonly name: string }): string => `${name}, ${part.name}`;
	const [dump, lastDump] = [goroutines[0], goroutines.at(-1)];
	if (dump !== undefined && lastDump !== undefined && dump !== lastDump) {
		return [ofDump(dump, at(dump.part), signals), ofDump(lastDump, at(lastDump.part), undefined)];
	}
	const [profile, lastProfile] = [goroutineProfiles[0], goroutineProfiles.at(-1)];
	if (profile !== undefined && lastProfile !== undefined && profile !== lastProfile) {
		return [
			ofProfile(profile, at(profile.part), signals),
			ofProfile(lastProfile, at(lastProfile.part), undefined),
		];
	}
	if (dump ?? profile) {
		throw new CommandError(
			`${name} has one sample of goroutines only: --diff wants a second FILE`,
			EXIT_UNEXAMINED,
		);
	}
	throw noGoroutines(signals, name);
}

function ofDump({ value }: Sampled<GoroutineTable>, name: string, signals: Signals | undefined): Moment {
	const quote = ({ example }: GoroutineGroup): string =>
		example.row === undefined ? "" : value.quote(example.row, QUOTE_LINES_MAX);
	return { name, source: "full dump", groups: groupsOfTable(value), notes: notesOf(signals), quote };
}

function ofProfile({ value }: Sampled<GoroutineProfile>, name: string, signals: Signals | undefined): Moment {
	return { name, source: "grouped profile", groups: groupsOfProfile(value), notes: notesOf(signals) };
}

/** What was lost of the goroutines, and in a pasted text what was mended; the other lines are nobody's business here. */
function notesOf(signals: Signals | undefined): readonly string[] {
	const gaps = signals?.gaps.filter(
		({ line, weight, at }) => line === "runtime" && (weight === "loss" || at !== undefined),
	);
	return gaps?.filter(({ why }) => !why.startsWith("not given: ")).map(gapInWords) ?? [];
}

function noGoroutines(signals: Signals, name: string): CommandError {
	const [gap] = signals.gaps.filter(({ line }) => line === "runtime");
	const why = gap === undefined ? "" : `: ${gap.what}: ${gap.why}`;
	return new CommandError(`${name} holds no goroutines${why}`, EXIT_UNEXAMINED);
}
