/** What is measured: one profile read and decoded in a process of its own, first cold, then warm, as JSON. */
import { readFileSync } from "node:fs";
import { goroutineProfileOf } from "@plumbline/signals/goroutines-pprof";
import { decodePprof } from "@plumbline/signals/profiles-pprof";
import { Profile } from "pprof-format";

export interface PprofCost {
	readonly samples: number;
	/** Sum of the first type's values: fast and wrong is not fast. */
	readonly sum: string;
	/** The first decoding of the process. */
	readonly coldMs: number;
	/** Of all threads of the process, the collector's and the compiler's too. */
	readonly cpuMs: number;
	/** The quickest of those after it. */
	readonly warmMs: number;
	readonly peakBytes: number;
}

const WARM_ROUNDS = 5;

function decodeOurs(bytes: Uint8Array): { samples: number; sum: bigint } {
	const answer = decodePprof(bytes);
	if (answer.kind === "foreign" || answer.flaws.length > 0) throw new Error("the profile is not whole");
	const { count, values, types } = answer.value;
	let sum = 0n;
	for (let i = 0; i < count; i++) sum += values[i * types.length] ?? 0n;
	return { samples: count, sum };
}

function decodeTheirs(bytes: Uint8Array): { samples: number; sum: bigint } {
	const { sample } = Profile.decode(bytes);
	let sum = 0n;
	for (const { value } of sample) sum += BigInt(value[0] ?? 0);
	return { samples: sample.length, sum };
}

function timed<T>(work: () => T): { ms: number; cpuMs: number; value: T } {
	const cpuBefore = process.cpuUsage();
	const start = performance.now();
	const value = work();
	const ms = performance.now() - start;
	const { user, system } = process.cpuUsage(cpuBefore);
	return { ms, cpuMs: (user + system) / 1000, value };
}

function goroutines(bytes: Uint8Array) {
	return timed(() => {
		const answer = decodePprof(bytes);
		return answer.kind === "decoded" ? goroutineProfileOf(answer.value) : undefined;
	});
}

function measure(decoder: string, path: string): PprofCost {
	const bytes = readFileSync(path);
	if (decoder === "goroutines") {
		const { ms, cpuMs, value } = goroutines(bytes);
		const samples = value?.value.records.length ?? 0;
		return { samples, sum: String(value?.value.total), coldMs: ms, cpuMs, warmMs: 0, peakBytes: peak() };
	}
	const decode = () => (decoder === "plumbline" ? decodeOurs(bytes) : decodeTheirs(bytes));
	const { ms, cpuMs, value } = timed(decode);
	const peakBytes = peak();
	const warm = Array.from({ length: WARM_ROUNDS }, () => timed(decode).ms);
	return {
		samples: value.samples,
		sum: String(value.sum),
		coldMs: ms,
		cpuMs,
		warmMs: Math.min(...warm),
		peakBytes,
	};
}

function peak(): number {
	return process.resourceUsage().maxRSS * 1024;
}

if (import.meta.main) {
	const [decoder = "", path = ""] = process.argv.slice(2);
	process.stdout.write(JSON.stringify(measure(decoder, path)));
}
