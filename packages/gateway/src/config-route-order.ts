/**
 * In which order routes are asked, and which of them are never reached.
 *
 * A host of its own comes before `*.example.com`, that before any; then an exact path before a prefix, a long prefix
 * before a short one, more conditions on headers and methods before fewer; then the order of the file.
 */
import type { RouteMatch, RouteSettings } from "./settings.ts";

export function byParticularity(left: RouteSettings, right: RouteSettings): number {
	const [a, b] = [ranks(left.match), ranks(right.match)];
	for (const [at, rank] of a.entries()) {
		const difference = (b[at] ?? 0) - rank;
		if (difference !== 0) return difference;
	}
	return 0;
}

function ranks({ hosts, path, headers, methods }: RouteMatch): readonly number[] {
	return [
		Math.max(0, ...hosts.map(hostRank)),
		path.kind === "exact" ? 1 : 0,
		path.value.length,
		headers.reduce((sum, { value }) => sum + (value === undefined ? 1 : 2), 0),
		methods.length > 0 ? 1 : 0,
	];
}

/** An exact host is above each wildcard, and a longer wildcard above a shorter one. */
const EXACT_HOST_RANK = 1000;

function hostRank(host: string): number {
	return host.startsWith("*.") ? host.length : EXACT_HOST_RANK;
}

/** Whatever `second` takes, `first` takes too: nothing is left for the second if it is asked later. */
export function covers(first: RouteMatch, second: RouteMatch): boolean {
	return (
		coversHosts(first.hosts, second.hosts) &&
		coversPath(first.path, second.path) &&
		coversMethods(first.methods, second.methods) &&
		first.headers.every(({ name, value }) =>
			second.headers.some((other) => other.name === name && (value === undefined || other.value === value)),
		)
	);
}

function coversHosts(first: readonly string[], second: readonly string[]): boolean {
	if (first.length === 0) return true;
	if (second.length === 0) return false;
	return second.every((host) =>
		first.some((each) => each === host || (each.startsWith("*.") && host.endsWith(each.slice(1)))),
	);
}

function coversPath(first: RouteMatch["path"], second: RouteMatch["path"]): boolean {
	if (first.kind === "exact") return second.kind === "exact" && first.value === second.value;
	return isBelow(second.value, first.value);
}

/** `/a` has `/a` and `/a/b` below it, not `/ab`; `/` has all. */
function isBelow(path: string, prefix: string): boolean {
	if (path === prefix) return true;
	return path.startsWith(prefix.endsWith("/") ? prefix : `${prefix}/`);
}

function coversMethods(first: readonly string[], second: readonly string[]): boolean {
	if (first.length === 0) return true;
	return second.length > 0 && second.every((method) => first.includes(method));
}
