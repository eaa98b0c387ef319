/**
 * BPF maps: tables the kernel's side of a program fills and ours reads. A map lives as long as a descriptor
 * or a loaded program holds it; it stays readable after the process that was watched has ended.
 *
 * All calls are synchronous: one costs 2 to 3 us, reading 4,096 entries of 424 bytes 2 to 10 ms.
 */
import {
	BPF_COMMAND,
	type Bpf,
	BpfAttribute,
	type BpfDescriptor,
	ERRNO,
	explainBpf,
	ownDescriptor,
} from "./bpf-system-call.ts";
import { type Reading, read } from "./reading.ts";

/** enum bpf_map_type. `lru-hash` evicts old entries silently: never for what must not be lost. */
const KINDS = { hash: 1, array: 2, "lru-hash": 9, "ring-buffer": 27 } as const;
const MODES = { any: 0, new: 1, existing: 2 } as const;

export interface BpfMapSpec {
	readonly kind: keyof typeof KINDS;
	/** 4 for an array; 0 for a ring buffer. */
	readonly keyBytes: number;
	/** 0 for a ring buffer. */
	readonly valueBytes: number;
	/** Entries at most, taken from memory at once. A ring buffer: its bytes, a power of two of whole pages. */
	readonly entriesMax: number;
	/** Shown by bpftool; the first 15 characters count. */
	readonly name: string;
}

export interface BpfEntry {
	readonly key: Uint8Array;
	readonly value: Uint8Array;
}

/** `fd` is for `BpfAssembler.loadMap`. `close` ends ours; the map itself when no program uses it either. */
export interface BpfMap extends BpfDescriptor {
	readonly spec: BpfMapSpec;
	readonly lookup: (key: Uint8Array) => Uint8Array | undefined;
	/** False when `mode` forbids it or the map is full. */
	readonly update: (key: Uint8Array, value: Uint8Array, mode?: keyof typeof MODES) => boolean;
	/** False when there is no such key. */
	readonly delete: (key: Uint8Array) => boolean;
	/**
	 * All entries, while programs may go on writing: an entry made or deleted meanwhile is there or not, a
	 * value may be half written. By batch; one by one before kernel 5.6.
	 */
	readonly entries: () => Reading<readonly BpfEntry[]>;
}

/** Entries a batch asks for at first: a few hundred kB with the largest values here. */
const BATCH_ENTRIES = 1024;
/** A walk by keys starts anew when its key goes away; after so many steps per entry it ends. */
const STEPS_PER_ENTRY_MAX = 4;

export function createMap(bpf: Bpf, spec: BpfMapSpec): Reading<BpfMap> {
	const attribute = new BpfAttribute(bpf.libc)
		.u32(0, KINDS[spec.kind])
		.u32(4, spec.keyBytes)
		.u32(8, spec.valueBytes)
		.u32(12, spec.entriesMax)
		.name(28, spec.name);
	const made = bpf.call(BPF_COMMAND.mapCreate, attribute);
	if (made.kind === "failed")
		return explainBpf(bpf, `making BPF map ${spec.name} (${spec.kind})`, made.errno);
	return read(openMap(bpf, made.value, spec));
}

function openMap(bpf: Bpf, fd: number, spec: BpfMapSpec): BpfMap {
	const element = (key: Uint8Array, value?: Uint8Array) => {
		checkLength("key", key, spec.keyBytes);
		const attribute = new BpfAttribute(bpf.libc).u32(0, fd).address(8, key);
		return value === undefined ? attribute : attribute.address(16, value);
	};
	const lookup = (key: Uint8Array) => {
		const value = new Uint8Array(spec.valueBytes);
		return bpf.call(BPF_COMMAND.mapLookup, element(key, value)).kind === "done" ? value : undefined;
	};
	return {
		...ownDescriptor(bpf, fd),
		spec,
		lookup,
		update: (key, value, mode = "any") => {
			checkLength("value", value, spec.valueBytes);
			const attribute = element(key, value).u64(24, BigInt(MODES[mode]));
			return bpf.call(BPF_COMMAND.mapUpdate, attribute).kind === "done";
		},
		delete: (key) => bpf.call(BPF_COMMAND.mapDelete, element(key)).kind === "done",
		entries: () => {
			const inBatches = readInBatches(bpf, fd, spec);
			return inBatches === "unknown" ? walkKeys(bpf, fd, spec, lookup) : inBatches;
		},
	};
}

/** The kernel reads that many bytes whatever we hand it. */
function checkLength(what: string, bytes: Uint8Array, expected: number): void {
	if (bytes.length !== expected) throw new RangeError(`a ${what} of ${bytes.length} bytes, not ${expected}`);
}

/** "unknown" when the kernel or this kind of map has no batches. */
function readInBatches(bpf: Bpf, fd: number, spec: BpfMapSpec): Reading<readonly BpfEntry[]> | "unknown" {
	const entries: BpfEntry[] = [];
	// Where the kernel stands: a bucket's number for a hash, a key for an array.
	const cursor = new Uint8Array(Math.max(spec.keyBytes, 8));
	let room = Math.min(BATCH_ENTRIES, spec.entriesMax);
	let begun = false;
	// Every call but the last brings an entry or doubles the room.
	while (true) {
		const keys = new Uint8Array(room * spec.keyBytes);
		const values = new Uint8Array(room * spec.valueBytes);
		const attribute = new BpfAttribute(bpf.libc)
			.address(8, cursor)
			.address(16, keys)
			.address(24, values)
			.u32(32, room)
			.u32(36, fd);
		if (begun) attribute.address(0, cursor);
		const answer = bpf.call(BPF_COMMAND.mapLookupBatch, attribute);
		const errno = answer.kind === "failed" ? answer.errno : 0;
		if (errno === ERRNO.ENOSPC && room < spec.entriesMax) {
			// One bucket alone has more entries than there was room for.
			room = Math.min(room * 2, spec.entriesMax);
			continue;
		}
		if (errno !== 0 && errno !== ERRNO.ENOENT) {
			if (!begun && isUnknownBatch(errno)) return "unknown";
			return explainBpf(bpf, `reading BPF map ${spec.name}`, errno);
		}
		begun = true;
		const count = Math.min(attribute.readU32(32), room);
		for (let i = 0; i < count; i++) {
			entries.push({
				key: keys.subarray(i * spec.keyBytes, (i + 1) * spec.keyBytes),
				value: values.subarray(i * spec.valueBytes, (i + 1) * spec.valueBytes),
			});
		}
		// ENOENT is the end; so is nothing at all, and more than there can be.
		if (errno !== 0 || count === 0 || entries.length >= 2 * spec.entriesMax) return read(entries);
	}
}

function isUnknownBatch(errno: number): boolean {
	// ENOTSUPP (524) is the kernel's own number, which leaks out here.
	return errno === ERRNO.EINVAL || errno === ERRNO.EOPNOTSUPP || errno === 524;
}

/** Before 5.6: from key to key. A key deleted under our feet sends the walk back to the start. */
function walkKeys(
	bpf: Bpf,
	fd: number,
	spec: BpfMapSpec,
	lookup: BpfMap["lookup"],
): Reading<readonly BpfEntry[]> {
	const entries = new Map<string, BpfEntry>();
	let key: Uint8Array | undefined;
	for (let step = 0; step < STEPS_PER_ENTRY_MAX * spec.entriesMax; step++) {
		const next = new Uint8Array(spec.keyBytes);
		const attribute = new BpfAttribute(bpf.libc).u32(0, fd).address(16, next);
		if (key !== undefined) attribute.address(8, key);
		const answer = bpf.call(BPF_COMMAND.mapNextKey, attribute);
		if (answer.kind === "failed" && answer.errno !== ERRNO.ENOENT) {
			return explainBpf(bpf, `reading BPF map ${spec.name}`, answer.errno);
		}
		if (answer.kind === "failed") break;
		const value = lookup(next);
		if (value !== undefined) entries.set(Buffer.from(next).toString("latin1"), { key: next, value });
		key = next;
	}
	return read([...entries.values()]);
}
