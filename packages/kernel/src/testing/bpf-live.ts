/**
 * For tests against the running kernel's BPF: skips where a right or a feature is missing, and counts, so
 * that a file can say at its end how many of its tests ran for true.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { type TestContext, test } from "node:test";
import { BpfAssembler, type BpfRegister } from "../bpf-assembler.ts";
import { type BpfMap, type BpfMapSpec, createMap } from "../bpf-maps.ts";
import { type Bpf, kernelIsAtLeast, loadBpf } from "../bpf-system-call.ts";
import { isLockedDown } from "../lockdown.ts";
import type { Reading } from "../reading.ts";

let ran = 0;
let skipped = 0;

/** Undefined after it has skipped the test. */
export async function liveBpf(t: TestContext): Promise<Bpf | undefined> {
	const bpf = await loadBpf();
	const probe = bpf.kind === "refused" ? bpf : createMap(bpf.value, COUNTERS);
	if (bpf.kind === "read" && probe.kind === "read") {
		probe.value.close();
		ran++;
		return bpf.value;
	}
	skipped++;
	t.skip(`not possible here: ${probe.kind === "refused" ? probe.why : ""}`);
	return undefined;
}

/** The last test of a file. Where BPF is possible by all that the system says, skipping everything is a failure. */
export function tellHowManyRan(): void {
	test("how many ran against the kernel", (t) => {
		t.diagnostic(`live: ${ran} ran, ${skipped} skipped`);
		if (ran === 0 && skipped > 0)
			assert.ok(!mayUseBpf(), "all were skipped, and there is every right to BPF");
	});
}

const CAP_PERFMON = 38n;
const CAP_BPF = 39n;
/** Every user there is, as /proc/self/uid_map has it outside of any user namespace. */
const ALL_USERS = /^ +0 +0 +4294967295$/m;

/** Not by the code that is tested: root in the first user namespace, no filter on system calls, no lockdown. */
function mayUseBpf(): boolean {
	if (!kernelIsAtLeast(6, 10) || process.geteuid?.() !== 0) return false;
	const status = readFileSync("/proc/self/status", "utf8");
	const held = BigInt(`0x${/^CapEff:\s*(\w+)/m.exec(status)?.[1] ?? "0"}`);
	const has = (capability: bigint) => ((held >> capability) & 1n) === 1n;
	const isFree = /^Seccomp:\s*0$/m.test(status) && !isLockedDown();
	return (
		has(CAP_BPF) && has(CAP_PERFMON) && isFree && ALL_USERS.test(readFileSync("/proc/self/uid_map", "utf8"))
	);
}

export function expectRead<T>(reading: Reading<T>): T {
	assert.ok(reading.kind === "read", reading.kind === "refused" ? `${reading.code}: ${reading.why}` : "");
	return reading.value;
}

const COUNTERS: BpfMapSpec = { kind: "array", keyBytes: 4, valueBytes: 8, entriesMax: 4, name: "counters" };

/** Four counters of 64 bits that a program increments by `countIn`. */
export function makeCounters(bpf: Bpf): BpfMap {
	return expectRead(createMap(bpf, COUNTERS));
}

export function counted(counters: BpfMap, index = 0): number {
	const value = counters.lookup(u32(index));
	assert.ok(value);
	return Number(Buffer.from(value).readBigUInt64LE());
}

export function u32(value: number): Uint8Array {
	return new Uint8Array(Uint32Array.of(value).buffer);
}

/** Appends: the counter of this number grows by one. r0 to r5 are lost. */
export function countIn(assembler: BpfAssembler, counters: BpfMap, index: BpfRegister | number = 0): void {
	const label = `counted ${assembler.size}`;
	assembler.store("w", "r10", -4, index).loadMap("r1", counters.fd).move("r2", "r10").alu("add", "r2", -4);
	assembler.call("map_lookup_elem").jump("jeq", "r0", 0, label).move("r1", 1).atomicAdd("dw", "r0", 0, "r1");
	assembler.label(label).move("r0", 0);
}

/** A whole program that counts how often it runs. */
export function countingProgram(counters: BpfMap): Uint8Array {
	const assembler = new BpfAssembler();
	countIn(assembler, counters);
	return assembler.exit().build();
}
