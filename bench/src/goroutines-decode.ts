/** What is measured: one dump read and decoded in a process of its own, and what that cost, as JSON. */
import { readFileSync } from "node:fs";
import { decodeGoroutinesDebug2 } from "@plumbline/signals/goroutines-debug2";

/** What each decoder under test says; the peers are in ../go-goroutines/main.go. */
export interface DecodeCost {
	readonly goroutines: number;
	/** Distinct stacks; 0 where the library does not group. */
	readonly stacks: number;
	/** Reading and decoding, without grouping where that is a step of its own. */
	readonly parseSeconds: number;
	/** Reading, decoding and grouping. */
	readonly seconds: number;
	readonly cpuSeconds: number;
	readonly peakBytes: number;
}

/** Ours also tells its decoding apart from reading the file. */
export interface OurCost extends DecodeCost {
	readonly decodeSeconds: number;
	readonly decodeCpuSeconds: number;
}

const MS = 1e3;
const US = 1e6;

function decodeFile(path: string): OurCost {
	const start = performance.now();
	const bytes = readFileSync(path);
	const read = performance.now();
	const cpuBefore = process.cpuUsage();
	const answer = decodeGoroutinesDebug2(bytes);
	const cpu = process.cpuUsage(cpuBefore);
	const end = performance.now();
	if (answer.kind === "foreign" || answer.flaws.length > 0) throw new Error("the dump is not whole");
	const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
	return {
		goroutines: answer.value.count,
		stacks: answer.value.stacks.length,
		parseSeconds: (end - start) / MS,
		seconds: (end - start) / MS,
		decodeSeconds: (end - read) / MS,
		decodeCpuSeconds: (cpu.user + cpu.system) / US,
		cpuSeconds: (userCPUTime + systemCPUTime) / US,
		peakBytes: maxRSS * 1024,
	};
}

if (import.meta.main) process.stdout.write(JSON.stringify(decodeFile(process.argv[2] ?? "")));
