/**
 * Goroutines that come in sets: a stream with a reader, a writer and a keepalive gives 1,000 of each, and a person
 * wants to read "1,000 x {reader, writer, keepalive}". Counted by the function that the go statement started, whatever
 * each of them is at just now. Equal counts alone are chance; equal counts and a creator or a package in common are a
 * family. It can mislead where a worker pool is as large as another of the same package: it accuses nobody.
 */
import { packageOf } from "./application.ts";
import { functionName, withoutClosure } from "./cluster-stack.ts";
import { compareText } from "./compare-text.ts";
import type { GoroutineGroup } from "./goroutine-groups.ts";

export interface FamilyMember {
	/** The function that the go statement started. */
	readonly entry: string;
	readonly count: number;
	/** Indices into the groups, heaviest first. */
	readonly groups: readonly number[];
}

export interface Family {
	/** Of its largest member; the others are within the tolerance. */
	readonly count: number;
	/** Largest first; at least two. */
	readonly members: readonly FamilyMember[];
	/** What they have in common: `created by net/http.(*Transport).dialConn`, `package example.com/stream`. */
	readonly tie: string;
}

/** Below this, equal counts are chance. */
const FAMILY_COUNT_MIN = 8;
/** Some are being born or are ending when the dump is taken; of fewer than 50 the counts must be equal. */
const CREATOR_SLACK = 0.02;
/** A package has many kinds of goroutines, so that near counts among them are common. */
const PACKAGE_SLACK = 0.005;
/** Kinds of goroutines that are compared; a large program has a hundred. */
const ENTRIES_MAX = 500;
const MEMBERS_MAX = 12;

const CREATED_BY = "created by ";

/** They start what another function asked for: neither is what it is about. */
const SPAWNER =
	/^(?:golang\.org\/x\/sync\/errgroup\.\(\*Group\)\.(?:Go|TryGo)|sync\.\(\*WaitGroup\)\.Go|golang\.org\/x\/sync\/singleflight\.\(\*Group\)\.DoChan)(?:\.func\d+)?$/;

/** Heaviest first. An entry is in one family at most. */
export function familiesOf(groups: readonly GoroutineGroup[]): readonly Family[] {
	const entries = entriesOf(groups);
	const taken = new Set<FamilyMember>();
	const families: Family[] = [];
	entries.forEach(({ member, ties }, first) => {
		if (taken.has(member) || member.count < FAMILY_COUNT_MIN) return;
		const rest = entries.slice(first + 1).filter((other) => !taken.has(other.member));
		for (const tie of ties) {
			const slack = tie.startsWith(CREATED_BY) ? CREATOR_SLACK : PACKAGE_SLACK;
			const least = member.count - Math.floor(member.count * slack);
			const others = rest
				.filter((other) => other.member.count >= least && other.ties.includes(tie))
				.slice(0, MEMBERS_MAX - 1);
			if (others.length === 0) continue;
			const members = [member, ...others.map((other) => other.member)];
			for (const each of members) taken.add(each);
			families.push({ count: member.count, members, tie });
			return;
		}
	});
	return families;
}

interface Entry {
	readonly member: FamilyMember;
	/** Closest tie first: who created them, then in whose code. */
	readonly ties: readonly string[];
}

/** Most goroutines first. */
function entriesOf(groups: readonly GoroutineGroup[]): readonly Entry[] {
	const byEntry = Map.groupBy(groups.keys(), (index) => entryOf(groups[index]));
	const entries = [...byEntry].map(([entry, indices]): Entry => {
		const members = indices.flatMap((index) => groups[index] ?? []);
		const count = members.reduce((sum, group) => sum + group.count, 0);
		return { member: { entry, count, groups: indices }, ties: tiesOf(entry, members) };
	});
	return entries
		.sort((a, b) => b.member.count - a.member.count || compareText(a.member.entry, b.member.entry))
		.slice(0, ENTRIES_MAX);
}

/** The outermost function that is not a spawner's. */
function entryOf(group: GoroutineGroup | undefined): string {
	const frame = group?.frames.findLast(({ func }) => !SPAWNER.test(func)) ?? group?.frames.at(-1);
	return functionName(frame?.func ?? "");
}

function tiesOf(entry: string, members: readonly GoroutineGroup[]): readonly string[] {
	const creator = members[0]?.creators[0]?.frame.func;
	const told = creator === undefined || SPAWNER.test(creator) ? undefined : functionName(creator);
	const packages = [told, entry].flatMap((func) => (func ? `package ${packageOf(func)}` : []));
	return [...new Set([...(told === undefined ? [] : [CREATED_BY + withoutClosure(told)]), ...packages])];
}
