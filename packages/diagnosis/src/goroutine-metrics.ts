/** The number of goroutines by the service's own metrics page: the one count that no dump had a part in. */
import { plural } from "./evidence.ts";
import type { Evidence } from "./finding.ts";
import { floors } from "./parked-growth.ts";
import type { World } from "./world.ts";

/** One each third, and one more. */
const PAGES_MIN = 4;
/** client_golang's, and that of runtime/metrics. */
const SERIES = ["go_goroutines", "go_sched_goroutines_goroutines"] as const;

/** Evidence where it rose by `least` and more over the window; undefined otherwise. */
export function goroutinesRose({ signals }: World, least: number): Evidence | undefined {
	const name = SERIES.find((series) => signals.metrics.every(({ value }) => value.go[series] !== undefined));
	const last = signals.metrics.at(-1);
	if (name === undefined || last === undefined) return undefined;
	const counts = signals.metrics.map(({ value }) => value.go[name] ?? 0);
	if (counts.length < PAGES_MIN) return undefined;
	const [from, , to] = floors(counts);
	if (to - from < least) return undefined;
	return {
		line: "pool",
		says: `the metrics page counts more goroutines too: never fewer than ${from} in the first third of ${plural(counts.length, "page")}, ${to} in the last`,
		quote: `${name} ${last.value.go[name]}`,
		part: last.part.name,
		// The series is known by its name alone; pages have it once.
		offset: 0,
		atMs: last.part.end.monoMs - signals.window.start.monoMs,
	};
}
