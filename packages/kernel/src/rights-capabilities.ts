/**
 * The capabilities of a process (capabilities(7)), from /proc/PID/status:
 *
 * ```
 * CapEff:	000001fffeffffff      hexadecimal, bit n = capability n; 0 = an ordinary user
 * CapBnd:	000001fffeffffff      what may ever be gained, by sudo too
 * ```
 */
import { readProcFile } from "./proc-file.ts";
import { type Reading, read, refused } from "./reading.ts";

/** Those that this house asks for, by their number in linux/capability.h. */
const NUMBERS = {
	CAP_DAC_OVERRIDE: 1,
	CAP_DAC_READ_SEARCH: 2,
	CAP_NET_ADMIN: 12,
	CAP_SYS_PTRACE: 19,
	CAP_SYS_ADMIN: 21,
	CAP_SYS_RESOURCE: 24,
	CAP_PERFMON: 38,
	CAP_BPF: 39,
} as const;
export type Capability = keyof typeof NUMBERS;
const CAPABILITIES = Object.keys(NUMBERS) as readonly Capability[];

export interface Capabilities {
	readonly effective: ReadonlySet<Capability>;
	/** What this process and its children could be given. */
	readonly bounding: ReadonlySet<Capability>;
}

export function readCapabilities(proc = "/proc"): Reading<Capabilities> {
	const path = `${proc}/self/status`;
	const text = readProcFile(path);
	if (text.kind === "refused") return text;
	const effective = /^CapEff:\s+([0-9a-f]{1,16})$/m.exec(text.value)?.[1];
	const bounding = /^CapBnd:\s+([0-9a-f]{1,16})$/m.exec(text.value)?.[1];
	if (effective === undefined || bounding === undefined) {
		return refused("failed", `${path} has no lines "CapEff:" and "CapBnd:"`);
	}
	return read({ effective: namesIn(effective), bounding: namesIn(bounding) });
}

function namesIn(hex: string): ReadonlySet<Capability> {
	const mask = BigInt(`0x${hex}`);
	return new Set(CAPABILITIES.filter((name) => ((mask >> BigInt(NUMBERS[name])) & 1n) === 1n));
}
