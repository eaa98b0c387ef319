/** Compares a verdict with a scenario's expected answer. Pure, but for where the marker is read. */
import { leakLine } from "./leak-marker.ts";
import type { Count, Expectation, ExpectedFinding, ExpectedHolder } from "./scenario.ts";

/** As much of a diagnosis as is compared. */
export interface Verdict {
	readonly findings: readonly VerdictFinding[];
}

export interface VerdictFinding {
	readonly id: string;
	readonly severity: "critical" | "warning" | "note";
	readonly level: "confirmed" | "suspected";
	readonly count: number;
	readonly holder?: Place;
	readonly candidates?: readonly Place[];
	readonly title?: string;
	readonly story?: string;
	readonly evidence?: readonly { readonly says: string; readonly quote: string }[];
}

interface Place {
	readonly func: string;
	readonly file: string;
	readonly line: number;
}

/** Every way in which the verdict is not as expected, in words. Empty = as expected. */
export function compareVerdict(
	{ expect, server }: { readonly expect: Expectation; readonly server?: string },
	{ findings }: Verdict,
	lineOf: (file: string) => number = leakLine,
): readonly string[] {
	if ("none" in expect) {
		return findings.filter(isLoud).map((one) => `expected nothing of warning or worse, found ${shown(one)}`);
	}
	const [first, ...rest] = findings;
	if (!first) return [`expected ${expect.first.id}, found nothing`];
	return [
		...compareFirst(expect.first, first, lineOf),
		...compareWords(expect.first, first, server),
		...compareRest(expect.first, rest),
	];
}

function compareFirst(
	expected: ExpectedFinding,
	found: VerdictFinding,
	lineOf: (file: string) => number,
): readonly string[] {
	if (found.id !== expected.id) return [`expected ${expected.id} first, found ${shown(found)}`];
	const wrong: string[] = [];
	if (found.level !== expected.level) wrong.push(`expected level ${expected.level}, found ${found.level}`);
	if (expected.severity && found.severity !== expected.severity)
		wrong.push(`expected severity ${expected.severity}, found ${found.severity}`);
	if (!isWithin(expected.count, found.count))
		wrong.push(`expected count ${shownCount(expected.count)}, found ${found.count}`);
	if (expected.holder) wrong.push(...compareHolder(expected.holder, found, lineOf));
	if (expected.unnamed && found.holder) wrong.push(`expected no holder, found ${found.holder.func}`);
	if (expected.candidate) wrong.push(...compareCandidate(expected.candidate, found));
	return wrong;
}

function compareWords(
	{ id, says = [] }: ExpectedFinding,
	{ title = "", story = "", evidence = [] }: VerdictFinding,
	server = "{server}",
): readonly string[] {
	const words = [title, story, ...evidence.flatMap((one) => [one.says, one.quote])].join("\n");
	return says
		.map((wanted) => wanted.replaceAll("{server}", server))
		.filter((wanted) => !words.includes(wanted))
		.map((wanted) => `expected ${id} to tell of ${wanted}`);
}

function compareHolder(
	expected: ExpectedHolder,
	{ holder }: VerdictFinding,
	lineOf: (file: string) => number,
): readonly string[] {
	const { func, file } = expected;
	const wanted = `${func} at ${file}${expected.anyLine ? "" : `:${lineOf(file)}`}`;
	if (!holder) return [`expected holder ${wanted}, found none`];
	const same = isAt(expected, holder) && (expected.anyLine || holder.line === lineOf(file));
	return same ? [] : [`expected holder ${wanted}, found ${holder.func} at ${holder.file}:${holder.line}`];
}

function compareCandidate(
	expected: NonNullable<ExpectedFinding["candidate"]>,
	{ candidates = [] }: VerdictFinding,
): readonly string[] {
	if (candidates.some((place) => isAt(expected, place))) return [];
	const listed = candidates.map((c) => c.func).join(", ") || "none";
	return [`expected candidate ${expected.func}, found ${listed}`];
}

/** Compiled-in paths are absolute, or start with the module's name under -trimpath. */
function isAt({ func, file }: Pick<Place, "func" | "file">, place: Place): boolean {
	return place.func === func && `/${place.file}`.endsWith(`/${file}`);
}

function compareRest(expected: ExpectedFinding, rest: readonly VerdictFinding[]): readonly string[] {
	const { also = [], followedBy = [] } = expected;
	const missing = followedBy.filter((id) => !rest.some((one) => one.id === id));
	const surplus = rest.filter((one) => isLoud(one) && !also.includes(one.id) && !followedBy.includes(one.id));
	return [
		...missing.map((id) => `expected ${id} to follow`),
		...surplus.map((one) => `did not expect ${shown(one)}`),
	];
}

function isLoud({ severity }: VerdictFinding): boolean {
	return severity !== "note";
}

function isWithin(expected: Count, found: number): boolean {
	if (typeof expected === "number") return found === expected;
	return found >= expected.min && found <= expected.max;
}

function shownCount(count: Count): string {
	return typeof count === "number" ? String(count) : `${count.min} to ${count.max}`;
}

function shown({ id, level, severity, count }: VerdictFinding): string {
	return `${id} (${level} ${severity}, ${count})`;
}
