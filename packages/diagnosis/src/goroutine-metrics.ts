/** The number of goroutines by the service's own metrics page: the one count that no dump had a part in. */
import { plural } from "./evidence.ts";
import type { Evidence } from "./finding.ts";
import { floors } from "./parked-growth.ts";
import type { World } from "./world.ts";

/** Between the ends of the window, for thirds of them. */
const INNER_PAGES_MIN = 3;
/** client_golang's, and that of runtime/metrics. */
const SERIES = ["go_goroutines", "go_sched_goroutines_goroutines"] as const;

/** Evidence where it rose by `least` and more over the window; undefined otherwise. */
export function goroutinesRose({ signals }: World, least: number): Evidence | undefined {
	const name = SERIES.find((series) => signals.metrics.every(({ value }) => value.go[series] !== undefined));
	const last = signals.metrics.at(-1);
	if (name === undefined || last === undefined) return undefined;
	const counts = signals.metrics.map(({ value }) => value.go[name] ?? 0);
	const rise = riseOf(counts, least);
	if (rise === undefined) return undefined;
	return {
		line: "pool",
		says: `the metrics page counts more goroutines too: ${rise}`,
		quote: `${name} ${last.value.go[name]}`,
		part: last.part.name,
		// The series is known by its name alone; pages have it once.
		offset: 0,
		atMs: last.part.end.monoMs - signals.window.start.monoMs,
	};
}

/**
 * At the ends of the window everything is read at once, and between them there are the connections of those who read
 * on: a page is compared with its like. That it rises by either is enough, as the dumps have told of it before.
 */
function riseOf(counts: readonly number[], least: number): string | undefined {
	const [first, last] = [counts[0] ?? 0, counts.at(-1) ?? 0];
	const inner = counts.slice(1, -1);
	if (inner.length >= INNER_PAGES_MIN) {
		const [from, middle, to] = floors(inner);
		const pages = plural(inner.length, "page");
		const told = `never fewer than ${from} in the first third of ${pages} between the ends of the window`;
		if (to - from >= least) return `${told}, ${to} in the last`;
		// Idle connections that close meanwhile take theirs along, all at once.
		if (middle - from >= least) return `${told}, ${middle} in the second`;
	}
	return counts.length > 1 && last - first >= least
		? `${first} at the start of the window, ${last} at its end`
		: undefined;
}
