/**
 * `npm run fuzz`: damaged inputs for every decoder, none of which may throw, hang or grow without bound.
 *
 *   npm run fuzz                                  a million inputs a decoder: half an hour and more
 *   npm run fuzz -- --inputs 2000 --only pprof
 *   npm run fuzz -- --seed 7                      other damage
 */
import { fork } from "node:child_process";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { fuzzTargets } from "./decoders.ts";

/** Two thousand inputs of some kilobytes take a second or two; an input that takes this long hangs. */
const SILENT_MS_MAX = 60_000;
/** Node itself takes some 80 MB. */
const HEAP_MB_MAX = 256;
/** With what lies outside the heap, such as byte arrays; two thousand inputs peak at some 300. */
const RSS_MB_MAX = 1_024;

export interface FuzzEnd {
	readonly name: string;
	readonly inputs: number;
	readonly seconds: number;
	readonly peakMb?: number;
	/** What went wrong, with what it takes to see it again. */
	readonly fault?: string;
}

interface Message {
	readonly kind: "alive" | "done" | "fault";
	readonly n?: number;
	readonly why?: string;
	readonly input?: string;
	readonly peakMb?: number;
}

/** Runs one decoder in a process of its own. `silentMsMax` is for tests. */
export async function fuzzOne(
	name: string,
	{ inputs, seed, silentMsMax = SILENT_MS_MAX }: { inputs: number; seed: number; silentMsMax?: number },
	worker = join(import.meta.dirname, "worker.ts"),
): Promise<FuzzEnd> {
	const startMs = performance.now();
	const child = fork(worker, [name, String(inputs), String(seed)], {
		execArgv: [`--max-old-space-size=${HEAP_MB_MAX}`],
		stdio: ["ignore", "ignore", "pipe", "ipc"],
	});
	let last: Message = { kind: "alive", n: 0 };
	let errors = "";
	child.stderr?.on("data", (text: Buffer) => {
		errors = (errors + text.toString()).slice(-2_000);
	});
	let silent = setTimeout(() => child.kill("SIGKILL"), silentMsMax);
	child.on("message", (message) => {
		last = message as Message;
		clearTimeout(silent);
		silent = setTimeout(() => child.kill("SIGKILL"), silentMsMax);
	});
	const [code, signal] = await new Promise<[number | null, string | null]>((resolve) =>
		child.on("exit", (...how) => resolve(how)),
	);
	clearTimeout(silent);
	const end = { name, inputs: last.n ?? 0, seconds: (performance.now() - startMs) / 1000 };
	if (last.kind === "done") {
		const told = { ...end, ...(last.peakMb === undefined ? {} : { peakMb: last.peakMb }) };
		if (last.n !== inputs) return { ...told, fault: `${last.n} inputs were tried of ${inputs}` };
		if ((last.peakMb ?? 0) <= RSS_MB_MAX) return told;
		return { ...told, fault: `it took ${Math.round(last.peakMb ?? 0)} MB, more than ${RSS_MB_MAX}` };
	}
	const again = `npm run fuzz -- --only ${name} --seed ${seed}`;
	if (last.kind === "fault")
		return { ...end, fault: `${last.why}\ninput ${last.n}: ${last.input ?? ""}\nagain: ${again}` };
	const how = signal === "SIGKILL" ? `silent for ${silentMsMax} ms` : `ended by ${signal ?? code}`;
	return { ...end, fault: `${how} after input ${last.n}\n${errors}\nagain: ${again}` };
}

if (import.meta.main) {
	const { values } = parseArgs({
		options: {
			inputs: { type: "string", default: "1000000" },
			seed: { type: "string", default: "1" },
			only: { type: "string" },
		},
	});
	const names = (await fuzzTargets(values.only)).map(({ name }) => name);
	if (names.length === 0) throw new Error(`no decoder ${values.only}`);
	const plan = { inputs: Number(values.inputs), seed: Number(values.seed) };
	if (!(plan.inputs > 0) || !Number.isSafeInteger(plan.inputs) || !Number.isSafeInteger(plan.seed))
		throw new Error(`--inputs and --seed are whole numbers, not ${values.inputs} and ${values.seed}`);
	let faults = 0;
	const next = async (): Promise<void> => {
		for (let name = names.shift(); name !== undefined; name = names.shift()) {
			const { inputs, seconds, peakMb, fault } = await fuzzOne(name, plan);
			if (fault !== undefined) faults++;
			const told = fault === undefined ? "ok" : `FAULT ${fault}`;
			process.stdout.write(
				`${name.padEnd(22)} ${String(inputs).padStart(8)} inputs ${seconds.toFixed(0).padStart(5)} s ${(peakMb ?? 0).toFixed(0).padStart(5)} MB  ${told}\n`,
			);
		}
	};
	await Promise.all(Array.from({ length: availableParallelism() }, next));
	process.exitCode = faults === 0 ? 0 : 1;
}
