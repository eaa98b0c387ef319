/**
 * What can only be known by trying, tried where it harms nothing: each thing made here is a descriptor of
 * this process, attached to nothing, and closed at once.
 */
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { BpfAssembler } from "./bpf-assembler.ts";
import { type BpfMapSpec, createMap } from "./bpf-maps.ts";
import { type BpfProgramKind, loadProgram } from "./bpf-programs.ts";
import { type Bpf, loadBpf } from "./bpf-system-call.ts";
import { loadLibc } from "./libc.ts";
import { type Reading, read, refused } from "./reading.ts";
import { openTracefs } from "./tracefs.ts";

export interface Trials {
	/** C functions from Node. */
	readonly koffi: Reading<true>;
	/** Where ss(8) is. */
	readonly ss: Reading<string>;
	/** A BPF map, which takes CAP_BPF. */
	readonly bpfMap: Reading<true>;
	/** A program for a uprobe, which takes CAP_PERFMON too. */
	readonly bpfProgram: Reading<true>;
	/** The same in the form for many uprobes at once. */
	readonly uprobeMulti: Reading<true>;
	/** A program for a tracepoint, and the ring buffer it writes to (5.8). */
	readonly tracepoint: Reading<true>;
	/** The kernel's tracing as files, mounted or mountable: where. */
	readonly tracefs: Reading<string>;
}

export async function tryRights(searchPath: string): Promise<Trials> {
	const libc = await loadLibc();
	const bpf = await loadBpf();
	return {
		koffi: libc.kind === "read" ? read(true) : libc,
		ss: findCommand("ss", searchPath),
		bpfMap: bpf.kind === "read" ? tryMap(bpf.value, ARRAY) : bpf,
		bpfProgram: bpf.kind === "read" ? tryProgram(bpf.value, "uprobe") : bpf,
		uprobeMulti: bpf.kind === "read" ? tryProgram(bpf.value, "uprobe-multi") : bpf,
		tracepoint: bpf.kind === "read" ? tryTracepoint(bpf.value) : bpf,
		tracefs: await tryTracefs(),
	};
}

const ARRAY: BpfMapSpec = { kind: "array", keyBytes: 4, valueBytes: 8, entriesMax: 1, name: "doctor" };

function tryTracepoint(bpf: Bpf): Reading<true> {
	const { pageBytes } = bpf.libc;
	const spec = {
		kind: "ring-buffer",
		keyBytes: 0,
		valueBytes: 0,
		entriesMax: pageBytes,
		name: "doctor",
	} as const;
	const ring = tryMap(bpf, spec);
	return ring.kind === "refused" ? ring : tryProgram(bpf, "raw-tracepoint");
}

function tryMap(bpf: Bpf, spec: BpfMapSpec): Reading<true> {
	const map = createMap(bpf, spec);
	if (map.kind === "refused") return map;
	map.value.close();
	return read(true);
}

function tryProgram(bpf: Bpf, kind: BpfProgramKind): Reading<true> {
	const instructions = new BpfAssembler().move("r0", 0).exit().build();
	const program = loadProgram(bpf, { kind, instructions, name: "doctor" });
	if (program.kind === "refused") return program;
	program.value.close();
	return read(true);
}

async function tryTracefs(): Promise<Reading<string>> {
	const tracefs = await openTracefs();
	if (tracefs.kind === "refused") return tracefs;
	const { folder, close } = tracefs.value;
	try {
		accessSync(`${folder}/instances`, constants.W_OK);
		return read(folder.startsWith("/proc/") ? "mounted nowhere, can be" : folder);
	} catch {
		return refused("denied", `${folder} may not be written; it takes root`);
	} finally {
		close();
	}
}

function findCommand(name: string, searchPath: string): Reading<string> {
	for (const folder of searchPath.split(delimiter)) {
		const path = join(folder, name);
		try {
			accessSync(path, constants.X_OK);
			return read(path);
		} catch {
			// Not there: on to the next.
		}
	}
	return refused("absent", `no ${name} in PATH (package iproute2)`);
}
