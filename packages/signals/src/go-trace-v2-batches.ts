/**
 * Cuts a Go execution trace into generations and their batches, without looking into them.
 *
 *     go 1.26 trace\0\0\0
 *     01 gen thread time size  <size bytes>        batch of one thread's events, or a table
 *     31 exp gen thread time size  <size bytes>    batch of an experiment, passed over
 *     34                                           end of the generation (Go 1.26)
 *
 * All but the first byte and the experiment are LEB128 numbers. Until Go 1.25 a generation ends where a batch of
 * another one comes. Batches of one thread are in order; those of different threads lie mixed.
 */
import type { Flaws } from "./flaws.ts";
import { TraceBytes } from "./go-trace-v2-bytes.ts";
import {
	CPU_SAMPLES,
	END_OF_GENERATION,
	EVENT_BATCH,
	EXPERIMENTAL_BATCH,
	FREQUENCY,
	STACKS,
	STRINGS,
	SYNC,
} from "./go-trace-v2-events.ts";

/** Largest batch: the runtime's buffers are 64 KiB. */
const BATCH_BYTES_MAX = 64 << 10;
/** Batches of one generation: each thread has a few, a busy one some hundred. */
const BATCHES_MAX = 500_000;
/** From this release on the trace itself says where a generation ends. */
const MARKS_ENDS_SINCE = 26;

export interface Batch {
	readonly thread: number;
	/** In units of the trace's clock. */
	readonly time: number;
	readonly start: number;
	readonly end: number;
}

/** About a second of the trace. It has its own tables; times and goroutines go on over all of them. */
export interface Generation {
	readonly events: Batch[];
	readonly strings: Batch[];
	readonly stacks: Batch[];
	/** Batches that may hold the frequency of the clock. */
	readonly clocks: Batch[];
	count: number;
	/** Nothing of it is missing. */
	whole: boolean;
}

/** From `at`, behind the header. What is cut or no batch ends it, with a flaw. */
export function* generationsOf(
	bytes: Uint8Array,
	at: number,
	release: number,
	flaws: Flaws,
): Generator<Generation> {
	const cursor = new TraceBytes(bytes, at, bytes.length);
	let number: number | undefined;
	let current = newGeneration();
	while (cursor.at < bytes.length) {
		const start = cursor.at;
		const kind = cursor.byte();
		if (kind === END_OF_GENERATION && release >= MARKS_ENDS_SINCE) {
			yield { ...current, whole: true };
			current = newGeneration();
			number = undefined;
			continue;
		}
		if (kind !== EVENT_BATCH && kind !== EXPERIMENTAL_BATCH) {
			flaws.truncated(`expected a batch of the trace, found byte ${kind}; the rest is not read`, start);
			break;
		}
		if (kind === EXPERIMENTAL_BATCH) cursor.byte();
		const generation = cursor.number();
		const thread = cursor.number();
		const time = cursor.number();
		const size = cursor.number();
		if (cursor.broken) {
			flaws.truncated("expected the head of a batch, found the end of the trace", start);
			break;
		}
		if (size > BATCH_BYTES_MAX) {
			const found = `expected a batch of at most ${BATCH_BYTES_MAX} bytes, found one of ${size}`;
			flaws.truncated(`${found}; the rest is not read`, start);
			break;
		}
		if (number !== undefined && number !== generation) {
			// Before 1.26 this is how a generation ends. Since then it is one whose end mark is missing.
			const whole = release < MARKS_ENDS_SINCE;
			if (!whole) flaws.malformed(`expected the end of generation ${number}, found ${generation}`, start);
			yield { ...current, whole };
			current = newGeneration();
		}
		number = generation;
		if (current.count++ === BATCHES_MAX) {
			flaws.truncated(`more than ${BATCHES_MAX} batches in one generation; the rest is not read`, start);
			break;
		}
		const end = Math.min(cursor.at + size, bytes.length);
		if (cursor.at + size > bytes.length) {
			const left = bytes.length - cursor.at;
			flaws.truncated(`expected a batch of ${size} bytes, found the first ${left} of them`, start);
		}
		if (kind === EVENT_BATCH) sort(current, bytes, { thread, time, start: cursor.at, end });
		cursor.at = end;
	}
	if (number === undefined) return;
	yield current;
}

function newGeneration(): Generation {
	return { events: [], strings: [], stacks: [], clocks: [], count: 0, whole: false };
}

/** The first byte tells what a batch holds. */
function sort(generation: Generation, bytes: Uint8Array, batch: Batch): void {
	if (batch.start === batch.end) return;
	switch (bytes[batch.start]) {
		case STRINGS:
			generation.strings.push(batch);
			return;
		case STACKS:
			generation.stacks.push(batch);
			return;
		case FREQUENCY:
		case SYNC:
			generation.clocks.push(batch);
			return;
		case CPU_SAMPLES:
			return;
		default:
			generation.events.push(batch);
	}
}
