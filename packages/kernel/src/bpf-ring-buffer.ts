/**
 * Reads a BPF ring buffer: a map (`createMap` with kind "ring-buffer", kernel 5.8) into which programs
 * write records and which we read from shared memory, with no system call.
 *
 * ```
 * page 0    u64 consumer position, ours to write
 * page 1    u64 producer position, the kernel's
 * page 2    data: 2^n bytes, and the same bytes again behind, so that no record is ever split
 *
 * record    u32 length, bit 31: still being written, bit 30: discarded · u32 · data · pad to 8
 * ```
 * Positions only grow; a record lies at its position modulo the size. The kernel hands records over in the
 * order they were reserved: one still being written holds up those behind it. When the buffer is full the
 * program's `ringbuf_output` or `ringbuf_reserve` fails, and only the program can count that.
 */
import type { BpfMap } from "./bpf-maps.ts";
import { type Bpf, explainBpf } from "./bpf-system-call.ts";
import { type Reading, read } from "./reading.ts";

export interface RingBufferReader {
	/**
	 * Hands the records that are there to `visit`, oldest first, at most `recordsMax`; gives their number.
	 * The bytes are the kernel's and valid only within `visit`: copy what is kept. Should `visit` throw, the
	 * record counts as read.
	 */
	readonly drain: (recordsMax: number, visit: (record: Uint8Array) => void) => number;
	/** The map itself stays. */
	readonly close: () => void;
}

const BUSY = 1 << 31;
const DISCARDED = 1 << 30;
const LENGTH_MASK = (1 << 30) - 1;
const HEADER_BYTES = 8;

export function openRingBuffer(bpf: Bpf, map: BpfMap): Reading<RingBufferReader> {
	const { libc } = bpf;
	const size = map.spec.entriesMax;
	const consumer = libc.mapShared(map.fd, 0, libc.pageBytes, "write");
	if (consumer === undefined) return explainBpf(bpf, `mapping ring buffer ${map.spec.name}`, libc.errno());
	const producer = libc.mapShared(map.fd, libc.pageBytes, libc.pageBytes + 2 * size, "read");
	if (producer === undefined) {
		const refusal = explainBpf(bpf, `mapping ring buffer ${map.spec.name}`, libc.errno());
		consumer.unmap();
		return refusal;
	}
	// Atomics order our reads against the kernel's writes: a position first, then what it stands for.
	const consumed = new BigInt64Array(consumer.bytes, 0, 1);
	const produced = new BigInt64Array(producer.bytes, 0, 1);
	const headers = new Int32Array(producer.bytes, libc.pageBytes);
	let open = true;
	return read({
		drain: (recordsMax, visit) => {
			if (!open) return 0;
			let position = Atomics.load(consumed, 0);
			let records = 0;
			while (records < recordsMax && position < Atomics.load(produced, 0)) {
				const at = Number(position & BigInt(size - 1));
				const header = Atomics.load(headers, at / 4);
				if ((header & BUSY) !== 0) break;
				const length = header & LENGTH_MASK;
				position += BigInt((HEADER_BYTES + length + 7) & ~7);
				try {
					if ((header & DISCARDED) === 0) {
						records++;
						visit(new Uint8Array(producer.bytes, libc.pageBytes + at + HEADER_BYTES, length));
					}
				} finally {
					Atomics.store(consumed, 0, position);
				}
			}
			return records;
		},
		close: () => {
			if (!open) return;
			open = false;
			consumer.unmap();
			producer.unmap();
		},
	});
}
