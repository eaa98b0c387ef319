/**
 * A Go execution trace of a part of the window, when asked for: who made each goroutine born in it, and where those
 * that did not end are blocked. It is decoded when it comes and only what was decoded is kept: a trace holds the
 * service's own log and task texts (docs/decisions/0016-a-trace-is-kept-decoded.md).
 *
 * It is the dearest thing that can be asked of a service: the runtime writes down every step of its scheduler, up to
 * tens of megabytes a second (docs/traces.md). Breaking off the request ends the tracing.
 */
import { encodeGoTrace } from "@plumbline/signals/go-trace-json";
import { decodeGoTraceV2 } from "@plumbline/signals/go-trace-v2";
import { redactUrl } from "@plumbline/signals/redact-url";
import { httpGet, quoteStart, refusal } from "./http-get.ts";
import type { Reach } from "./reach.ts";
import type { Recorder } from "./recorder.ts";

/** Bytes of trace taken at most; then the tracing is broken off. About a second of ours to decode. */
export const TRACE_BYTES_MAX: number = 64 << 20;

export const TRACE_NAMES = { line: "runtime", what: "execution trace" } as const;

export interface GoTraceRequest {
	/** Base URL ending in `/debug/pprof/`. */
	readonly pprof: string;
	readonly reach: Reach;
	readonly seconds: number;
	readonly timeoutMs: number;
	readonly signal: AbortSignal;
	/** For tests; default {@link TRACE_BYTES_MAX}. */
	readonly bytesMax?: number;
}

/** What fails becomes a gap, and costs no other line. */
export async function collectGoTrace(recorder: Recorder, request: GoTraceRequest): Promise<void> {
	const { pprof, reach, seconds, timeoutMs, signal, bytesMax = TRACE_BYTES_MAX } = request;
	const url = `${pprof}trace?seconds=${seconds}`;
	const shown = redactUrl(url);
	const plan = {
		name: "go-trace.json",
		format: "go-trace",
		sample: 0,
		source: shown,
		...TRACE_NAMES,
		weight: "loss",
	} as const;
	await recorder.record(plan, async () => {
		const answer = await httpGet(url, { timeoutMs, bytesMax, signal, reach });
		const refused = refusal(answer, url);
		if (refused !== undefined) throw new Error(refused);
		const decoded = decodeGoTraceV2(answer.bytes);
		if (decoded.kind === "foreign") {
			const isOld = answer.bytes.length > 0 && /^an execution trace/.test(decoded.found);
			const found = isOld ? decoded.found : `something else than a trace: "${quoteStart(answer.bytes)}"`;
			throw new Error(`${shown} answered ${found}`);
		}
		const { flaws, value } = decoded;
		for (const { kind, why } of flaws) {
			if (kind === "malformed") recorder.gap({ ...TRACE_NAMES, why, weight: "note" });
		}
		const truncated = answer.truncated ?? flaws.find(({ kind }) => kind === "truncated")?.why;
		const bytes = encodeGoTrace(value);
		return truncated === undefined ? { bytes } : { bytes, truncated };
	});
}
