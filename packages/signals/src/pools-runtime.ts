/**
 * The series a process has of itself: the Go runtime's and those of its process, without labels of their own.
 *
 *     go_gc_duration_seconds_count 17                  go_info{version="go1.26.8"} 1
 *     process_cpu_seconds_total{instance="10.0.0.2:9090",job="orders"} 12.3     (off a Prometheus, or OpenTelemetry)
 *
 * Labels that only say whose page it is are passed over. A page of a Prometheus may be of many processes: then
 * the values of the first one stand, and the page has a flaw.
 */
import type { MetricSample } from "./pools-prometheus-text.ts";

/** Series kept of one page; all opt-in ones of Go together are about 150. */
const SERIES_MAX = 1000;
/** Labels that Prometheus, its operator and OpenTelemetry put on every series of a target. */
const TARGET_LABELS: ReadonlySet<string> = new Set([
	..."instance job pod namespace container service endpoint node app component cluster env environment".split(
		" ",
	),
	..."kubernetes_namespace kubernetes_pod_name pod_template_hash prometheus exported_job exported_instance".split(
		" ",
	),
	..."otel_scope_name otel_scope_version otel_scope_schema_url".split(" "),
]);
const OWN = /^(?:go|process)_/;

export class RuntimeSeries {
	readonly #values = new Map<string, number>();
	#whose: string | undefined;
	#goVersion: string | undefined;

	/** False for a series of another process than the first; true too for what is no such series. */
	read({ name, labels, value }: MetricSample): boolean {
		// When a counter was made, in OpenMetrics: no value of its own.
		if (!OWN.test(name) || name.endsWith("_created")) return true;
		const version = name === "go_info" ? labels.get("version") : undefined;
		const others = [...labels].filter(([key]) => !(version !== undefined && key === "version"));
		if (!others.every(([key]) => TARGET_LABELS.has(key))) return true;
		const whose = JSON.stringify(others.filter(([key]) => !key.startsWith("otel_")).toSorted());
		this.#whose ??= whose;
		if (whose !== this.#whose) return false;
		if (version !== undefined) this.#goVersion ??= version;
		else if (this.#values.size < SERIES_MAX || this.#values.has(name)) this.#values.set(name, value);
		return true;
	}

	get values(): Readonly<Record<string, number>> {
		return Object.fromEntries(this.#values);
	}

	get goVersion(): string | undefined {
		return this.#goVersion;
	}
}
