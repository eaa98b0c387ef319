/**
 * Changes of TCP state by BPF: the program of tcp-life-program.ts on its tracepoint, read from a ring buffer.
 * Takes CAP_BPF and CAP_PERFMON and kernel 5.8; no mount, no file. All of it are descriptors: when this process
 * ends, in whatever way, the kernel drops program and buffer.
 *
 * Compared with tracefs, by the kernel's types it leaves out other network namespaces, as the looks do: a
 * socket of ours in another one is not counted. The buffer hands out all processors' events in one order.
 */
import { readFileSync, statSync } from "node:fs";
import { type KernelTypes, readKernelTypes } from "./bpf-btf.ts";
import { type BpfMap, createMap } from "./bpf-maps.ts";
import { attachTracepoint, type BpfProgramSpec, loadProgram } from "./bpf-programs.ts";
import { openRingBuffer, type RingBufferReader } from "./bpf-ring-buffer.ts";
import { type Bpf, loadBpf } from "./bpf-system-call.ts";
import { explainFileError, type Reading, read, refused } from "./reading.ts";
import type { StateChangeSource } from "./tcp-life-events.ts";
import {
	type SocketLayout,
	type TracedProcess,
	tcpProgram,
	tcpRecordReader,
	typedLayout,
	UNTYPED_LAYOUT,
} from "./tcp-life-program.ts";

const TRACEPOINT = "inet_sock_set_state";
const NAME = "plumbline_tcp";
/** Room for a second of 100,000 events of 72 bytes; the kernel takes a power of two. */
const RING_BYTES = 8 << 20;
const DRAIN_RECORDS_MAX = 200_000;
const FIRST_ENTRY = new Uint8Array(4);

/** `types`: "untyped" where the kernel tells no types; what that costs is said in tcp-life-program.ts. */
export async function openBpfSource(
	pid: number,
	types: "typed" | "untyped",
	ringBytes = RING_BYTES,
): Promise<Reading<StateChangeSource>> {
	const bpf = await loadBpf();
	if (bpf.kind === "refused") return bpf;
	const traced = readTracedProcess(pid);
	if (traced.kind === "refused") return traced;
	const opened: { close: () => void }[] = [];
	const close = () => {
		for (const one of opened.splice(0).reverse()) one.close();
	};
	const keep = <T extends { close: () => void }>(reading: Reading<T>): Reading<T> => {
		if (reading.kind === "read") opened.push(reading.value);
		return reading;
	};
	const source = attach(bpf.value, { traced: traced.value, types, ringBytes, keep, close });
	if (source.kind === "refused") close();
	return source;
}

interface Attaching {
	readonly traced: TracedProcess;
	readonly types: "typed" | "untyped";
	readonly ringBytes: number;
	/** Remembers what `close` ends. */
	readonly keep: <T extends { close: () => void }>(reading: Reading<T>) => Reading<T>;
	readonly close: () => void;
}

function attach(bpf: Bpf, { traced, types, ringBytes, keep, close }: Attaching): Reading<StateChangeSource> {
	const ring = keep(
		createMap(bpf, { kind: "ring-buffer", keyBytes: 0, valueBytes: 0, entriesMax: ringBytes, name: NAME }),
	);
	if (ring.kind === "refused") return ring;
	const lost = keep(createMap(bpf, { kind: "array", keyBytes: 4, valueBytes: 8, entriesMax: 1, name: NAME }));
	if (lost.kind === "refused") return lost;
	// Last, for it takes 30 ms: without the rights the types need not be read.
	const form = types === "typed" ? typedForm() : read(UNTYPED_FORM);
	if (form.kind === "refused") return form;
	const { layout, ...spec } = form.value;
	const plan = { layout, process: traced, ring: ring.value.fd, lost: lost.value.fd };
	const program = keep(loadProgram(bpf, { ...spec, instructions: tcpProgram(plan), name: NAME }));
	if (program.kind === "refused") return program;
	const reader = keep(openRingBuffer(bpf, ring.value));
	if (reader.kind === "refused") return reader;
	const attached = keep(
		attachTracepoint(bpf, program.value, spec.kind === "tp-btf" ? undefined : TRACEPOINT),
	);
	return attached.kind === "refused" ? attached : read(openSource(reader.value, lost.value, close));
}

type Form = Pick<BpfProgramSpec, "kind" | "btfId"> & { readonly layout: SocketLayout };

const UNTYPED_FORM: Form = { kind: "raw-tracepoint", layout: UNTYPED_LAYOUT };

function typedForm(): Reading<Form> {
	const types: Reading<KernelTypes> = readKernelTypes();
	if (types.kind === "refused") return types;
	const btfId = types.value.idOf("typedef", `btf_trace_${TRACEPOINT}`);
	if (btfId === undefined) return refused("unsupported", `this kernel's types have no ${TRACEPOINT}`);
	const layout = typedLayout(types.value);
	return layout.kind === "refused" ? layout : read({ kind: "tp-btf", btfId, layout: layout.value });
}

function openSource(ring: RingBufferReader, lost: BpfMap, close: () => void): StateChangeSource {
	const readRecord = tcpRecordReader();
	let lostBefore = 0;
	let open = true;
	return {
		drain: (_untilNs, visit) => {
			if (!open) return 0;
			ring.drain(DRAIN_RECORDS_MAX, (record) => {
				const change = readRecord(record);
				if (change !== undefined) visit(change);
			});
			const value = lost.lookup(FIRST_ENTRY);
			const lostNow = value === undefined ? lostBefore : Number(Buffer.from(value).readBigUInt64LE());
			const fresh = lostNow - lostBefore;
			lostBefore = lostNow;
			return fresh;
		},
		close: () => {
			open = false;
			close();
		},
	};
}

/**
 * The device of namespace files is of the kernel's small ones, which stat tells and the kernel compares as the
 * same number.
 */
function readTracedProcess(pid: number): Reading<TracedProcess> {
	const folder = `/proc/${pid}`;
	try {
		const numbers = /^NSpid:\t(?:\d+\t)*(\d+)$/m.exec(readFileSync(`${folder}/status`, "utf8"));
		if (numbers?.[1] === undefined) return refused("unsupported", `${folder}/status tells no NSpid`);
		const { dev, ino } = statSync(`${folder}/ns/pid`, { bigint: true });
		const network = statSync(`${folder}/ns/net`, { bigint: true }).ino;
		return read({ pid: Number(numbers[1]), pidNamespace: { device: dev, inode: ino }, network });
	} catch (error) {
		return explainFileError(error, `${folder}/ns`);
	}
}
