/** A profile of some stacks, one value each. */
import type { Profile, ProfileFrame, ValueType } from "@plumbline/signals/profiles";

export const DELAY: ValueType = { type: "delay", unit: "nanoseconds" };
export const ALLOCATED: ValueType = { type: "alloc_space", unit: "bytes" };
export const CPU: ValueType = { type: "cpu", unit: "nanoseconds" };

/** `["main.work:12", "main.main:3"]`, innermost first, with its value. */
export type CountedCalls = readonly [value: number, ...calls: string[]];

export function profileOf(type: ValueType, ...counted: readonly CountedCalls[]): Profile {
	return {
		types: [type],
		count: counted.length,
		values: BigInt64Array.from(counted, ([value]) => BigInt(Math.round(value))),
		stacks: counted.map(([, ...calls]) => calls.map(frameOf)),
		stackOf: Uint32Array.from(counted.keys()),
		labels: [],
		labelsOf: new Uint32Array(counted.length),
		comments: [],
	};
}

function frameOf(call: string): ProfileFrame {
	const at = call.lastIndexOf(":");
	if (at < 0) return { func: call, file: "/usr/local/go/src/source.go", line: 1 };
	return { func: call.slice(0, at), file: "/srv/app/main.go", line: Number(call.slice(at + 1)) };
}
