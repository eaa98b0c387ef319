/** A target's metrics page: pool counters and Go runtime values, as Prometheus text. */
import type { Part } from "@plumbline/signals/capture";
import { decodePrometheus } from "@plumbline/signals/pools-prometheus";
import { redactMetricLabels, redactUrl } from "@plumbline/signals/redact";
import { httpGet, quoteStart, refusal } from "./http-get.ts";
import type { Reach } from "./reach.ts";
import type { Recorder } from "./recorder.ts";

/** A page larger than this is read in part; busy services with many labels serve a few megabytes. */
export const METRICS_BYTES_MAX = 16 * 1024 * 1024;
/** By then a page has shown whether it holds metrics, comments before the first one included. */
const OPENING_BYTES = 65536;
/** For one page when nothing tighter is asked. */
const METRICS_MS_MAX = 2000;

/** The plain format first: OpenMetrics is understood, but costs the target exemplars nobody reads here. */
const ACCEPT = "text/plain;version=0.0.4, application/openmetrics-text;q=0.5, */*;q=0.1";

export interface MetricsSampling {
	/** Credentials in it are sent and not kept. */
	readonly url: string;
	readonly sample: number;
	readonly timeoutMs?: number;
	/** Rejects with an AbortError. */
	readonly signal?: AbortSignal;
	readonly reach?: Reach;
}

/** Reads the page once. What fails, or is no metrics page, becomes a gap that says what was found. */
export async function collectMetrics(
	recorder: Recorder,
	{ url, sample, timeoutMs = METRICS_MS_MAX, signal, reach = {} }: MetricsSampling,
): Promise<Part | undefined> {
	const plan = {
		name: `metrics.${sample}.txt`,
		format: "prometheus",
		sample,
		source: redactUrl(url),
		line: "pool",
		what: "metrics",
	} as const;
	return recorder.record(plan, async () => {
		const options = { timeoutMs, bytesMax: METRICS_BYTES_MAX, accept: ACCEPT, reach };
		const answer = await httpGet(url, signal ? { ...options, signal } : options);
		const refused = refusal(answer, url);
		if (refused !== undefined) throw new Error(refused);
		if (decodePrometheus(answer.bytes.subarray(0, OPENING_BYTES)).kind === "foreign") {
			if (answer.truncated !== undefined && answer.bytes.length < OPENING_BYTES)
				throw new Error(`the answer of ${plan.source} ended too early: ${answer.truncated}`);
			const type = answer.contentType === "" ? "no content type" : answer.contentType;
			const found = answer.bytes.length === 0 ? "is empty" : `begins "${quoteStart(answer.bytes)}"`;
			throw new Error(
				`${plan.source} serves no metrics (${type}): it ${found}; check the path, often /metrics`,
			);
		}
		const bytes = redactMetricLabels(answer.bytes);
		return { bytes, ...(answer.truncated === undefined ? {} : { truncated: answer.truncated }) };
	});
}
