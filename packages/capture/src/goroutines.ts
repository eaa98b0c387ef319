/**
 * The runtime line: goroutines over net/http/pprof.
 *
 * `debug=1` groups goroutines and barely stops the target, so it comes first and tells how many there
 * are. `debug=2` names each one, but the runtime stops the world while it prints them and starts over
 * whenever its buffer was too small; it is taken only below a bound the user can raise.
 */

import { redactLabels } from "@plumbline/signals/redact-labels";
import { redactUrl } from "@plumbline/signals/redact-url";
import { httpGet, quoteStart, refusal } from "./http-get.ts";
import type { Reach } from "./reach.ts";
import type { ReadBytes, Recorder } from "./recorder.ts";

/** Goroutines a full dump is taken of without being asked: about half a second of the stopped world. */
export const GOROUTINES_DEBUG2_MAX = 12_000;
/** Bytes of one dump. net/http/pprof itself never sends more than 64 MiB; other servers might. */
const DUMP_BYTES_MAX = 256 << 20;
/** Bytes of one grouped profile: thousands of distinct stacks. */
const PROFILE_BYTES_MAX = 16 << 20;
/** By then an answer has shown what it is. */
const OPENING_BYTES = 64;
/** Where runtime/pprof stops printing: its buffer doubles from 1 MiB up to this, then it is cut. */
const RUNTIME_DUMP_BYTES = 64 << 20;
/**
 * What one goroutine costs in a dump. Measured with Go 1.26 on two busy cores, stacks of 14 calls: 700
 * bytes, 35 to 50 us for the whole dump, of which the longest single stop was 10 to 20 us. Real services
 * have longer names, so the bytes are doubled. Deep stacks cost several times that.
 */
const DUMP_BYTES_PER_GOROUTINE = 1400;
const DUMP_US_PER_GOROUTINE = 40;

export interface GoroutinesRequest {
	/** Base URL ending in `/debug/pprof/`. */
	readonly pprof: string;
	readonly reach: Reach;
	readonly sample: number;
	readonly goroutinesMax: number;
	readonly timeoutMs: number;
	readonly signal: AbortSignal;
}

/** What the cheap profile told. */
export interface Probe {
	readonly total: number;
	readonly durationMs: number;
	readonly bytes: number;
}

/** Takes both texts, the second when affordable. Answers undefined when not even the first came. */
export async function collectGoroutines(
	recorder: Recorder,
	request: GoroutinesRequest,
): Promise<Probe | undefined> {
	const probe = await probeGoroutines(recorder, request);
	if (!probe) return undefined;
	if (probe.total > request.goroutinesMax) {
		recorder.gap({
			line: "runtime",
			what: "goroutine dump",
			why: tooMany(probe.total, request.goroutinesMax),
			weight: "loss",
		});
		return probe;
	}
	const url = `${request.pprof}goroutine?debug=2`;
	const plan = {
		name: `goroutines.${request.sample}.debug2.txt`,
		format: "go-debug2",
		sample: request.sample,
		source: redactUrl(url),
		line: "runtime",
		what: "goroutine dump",
	} as const;
	await recorder.record(plan, async () => {
		const dump = await read(url, DUMP_BYTES_MAX, "a goroutine dump", /^(?:goroutine \d|$)/, request);
		return dump.bytes.length < RUNTIME_DUMP_BYTES || dump.truncated !== undefined
			? dump
			: { ...dump, truncated: "the Go runtime cuts a dump at 64 MiB" };
	});
	return probe;
}

/** Takes the grouped profile alone: `goroutines.<sample>.debug1.txt`. */
export async function probeGoroutines(
	recorder: Recorder,
	request: Omit<GoroutinesRequest, "goroutinesMax">,
): Promise<Probe | undefined> {
	const url = `${request.pprof}goroutine?debug=1`;
	const plan = {
		name: `goroutines.${request.sample}.debug1.txt`,
		format: "go-debug1",
		sample: request.sample,
		source: redactUrl(url),
		line: "runtime",
		what: "goroutines",
	} as const;
	const part = await recorder.record(plan, () =>
		read(url, PROFILE_BYTES_MAX, "a goroutine profile", /^goroutine profile: total \d/, request),
	);
	if (!part) return undefined;
	const total = /^goroutine profile: total (\d+)/.exec(start(part.bytes))?.[1];
	return {
		total: Number(total ?? 0),
		durationMs: part.end.monoMs - part.start.monoMs,
		bytes: part.bytes.length,
	};
}

async function read(
	url: string,
	bytesMax: number,
	what: string,
	opening: RegExp,
	{ timeoutMs, signal, reach }: Omit<GoroutinesRequest, "goroutinesMax">,
): Promise<ReadBytes> {
	const answer = await httpGet(url, { timeoutMs, bytesMax, signal, reach });
	const refused = refusal(answer, url);
	if (refused !== undefined) throw new Error(refused);
	const shown = redactUrl(url);
	if (answer.bytes.length === 0) throw new Error(`${shown} answered with an empty body instead of ${what}`);
	if (!opening.test(start(answer.bytes))) {
		const found = quoteStart(answer.bytes);
		throw new Error(
			answer.truncated !== undefined && answer.bytes.length < OPENING_BYTES
				? `the answer of ${shown} ended too early: ${answer.truncated}: "${found}"`
				: `${shown} answered something else than ${what}: "${found}"`,
		);
	}
	const bytes = redactLabels(answer.bytes);
	return answer.truncated === undefined ? { bytes } : { bytes, truncated: answer.truncated };
}

function start(bytes: Uint8Array): string {
	return new TextDecoder("latin1").decode(bytes.subarray(0, OPENING_BYTES));
}

function tooMany(total: number, max: number): string {
	const megabytes = Math.ceil((total * DUMP_BYTES_PER_GOROUTINE) / 1e6);
	const pauseMs = Math.ceil((total * DUMP_US_PER_GOROUTINE) / 1000);
	return (
		`${total} goroutines are more than the ${max} a full dump is taken of: it would be about ` +
		`${megabytes} MB and hold the service up for about ${pauseMs} ms; ` +
		`allow it with --goroutines-max ${roundUp(total)}`
	);
}

/** To two digits, with room for growth, so that a command copied a minute later still suffices. */
function roundUp(total: number): number {
	const unit = 10 ** Math.max(0, Math.floor(Math.log10(total)) - 1);
	return Math.ceil((total * 1.2) / unit) * unit;
}
