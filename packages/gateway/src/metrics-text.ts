/** Families to Prometheus text 0.0.4: one TYPE and HELP, then all its samples; families without samples are left out. */
import { METRIC_FAMILIES, type MetricFamily, type MetricName } from "./metrics-families.ts";

/** Upper bounds in seconds; from a cache hit next door to a time limit. */
const DURATION_BOUNDS = [
	0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30,
] as const;
const BUCKETS = DURATION_BOUNDS.length + 1;
const BOUNDS_MS = Float64Array.from(DURATION_BOUNDS, (seconds) => seconds * 1000);

/** Counts by bucket, each for itself; the page wants sums. */
export class DurationHistogram {
	readonly #counts = new Float64Array(BUCKETS);
	#sumMs = 0;

	observe(ms: number): void {
		let bucket = 0;
		while (bucket < BUCKETS - 1 && ms > (BOUNDS_MS[bucket] as number)) bucket++;
		(this.#counts[bucket] as number)++;
		this.#sumMs += ms;
	}

	/** [upper bound, how many up to there], and the sum in seconds. */
	read(): { readonly cumulative: readonly (readonly [string, number])[]; readonly sum: number } {
		let count = 0;
		const cumulative = Array.from(this.#counts, (own, bucket): readonly [string, number] => {
			count += own;
			return [bucket < DURATION_BOUNDS.length ? String(DURATION_BOUNDS[bucket]) : "+Inf", count];
		});
		return { cumulative, sum: this.#sumMs / 1000 };
	}
}

/** Values of labels in the order of the family's. */
type LabelValues = readonly string[];

export class MetricsPage {
	/** By family, then by name and labels as they are written: a page that says one of them twice is refused. */
	readonly #samples = new Map<MetricName, Map<string, number>>();

	/** Again for the same labels: as several processes' would be merged. */
	add(name: MetricName, values: LabelValues, value: number): void {
		const samples = this.#of(name);
		const key = `${name}${labelsOf(name, values)}`;
		const before = samples.get(key);
		const { merge }: MetricFamily = METRIC_FAMILIES[name];
		if (before === undefined) samples.set(key, value);
		else samples.set(key, merge === "max" ? Math.max(before, value) : before + value);
	}

	histogram(name: MetricName, values: LabelValues, histogram: DurationHistogram): void {
		const samples = this.#of(name);
		const { cumulative, sum } = histogram.read();
		for (const [bound, count] of cumulative)
			samples.set(`${name}_bucket${labelsOf(name, values, bound)}`, count);
		samples.set(`${name}_sum${labelsOf(name, values)}`, sum);
		samples.set(`${name}_count${labelsOf(name, values)}`, cumulative.at(-1)?.[1] ?? 0);
	}

	text(): string {
		let text = "";
		for (const [name, samples] of this.#samples) {
			const { type, help }: MetricFamily = METRIC_FAMILIES[name];
			text += `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`;
			for (const [key, value] of samples) text += `${key} ${value === Infinity ? "+Inf" : value}\n`;
		}
		return text;
	}

	#of(name: MetricName): Map<string, number> {
		const known = this.#samples.get(name);
		if (known !== undefined) return known;
		const samples = new Map<string, number>();
		this.#samples.set(name, samples);
		return samples;
	}
}

function labelsOf(name: MetricName, values: LabelValues, bound?: string): string {
	const names: readonly string[] = METRIC_FAMILIES[name].labels;
	if (names.length !== values.length)
		throw new Error(`${name} has the labels ${names.join(", ")}, and got ${values.length} values`);
	const pairs = names.map((label, at) => `${label}="${escapeLabel(values[at] ?? "")}"`);
	if (bound !== undefined) pairs.push(`le="${bound}"`);
	return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}

function escapeLabel(value: string): string {
	return /["\\\n]/.test(value)
		? value.replace(/["\\\n]/g, (char) => (char === "\n" ? "\\n" : `\\${char}`))
		: value;
}
