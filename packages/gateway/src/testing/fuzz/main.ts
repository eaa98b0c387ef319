/**
 * `npm run fuzz`, the part of this room: hostile bytes, none of which may throw, hang, grow without bound, or be read in
 * two ways.
 *
 *   node packages/gateway/src/testing/fuzz/main.ts                       a million inputs a target
 *   … --inputs 10000000 --only h1-requests                               many of one
 *   … --only h1-requests --seed 7 --from 1234 --inputs 1                 one input again
 *
 * A target runs in a thread of its own, which may eat what it is given and can be stopped in the middle of a loop.
 */
import { inspect, parseArgs } from "node:util";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { Chance } from "@plumbline/resolver/testing/fuzz/chance";
import { TARGETS } from "./targets.ts";

/** Inputs between two signs of life; those of the slowest target take seconds on a busy machine. */
const BATCH = 500;
const SILENT_MS_MAX = 60_000;
const HEAP_MB_MAX = 256;

interface Plan {
	readonly name: string;
	readonly inputs: number;
	readonly seed: number;
	/** The first input's number. */
	readonly from: number;
}

type Sign =
	| { readonly kind: "tried"; readonly inputs: number }
	| { readonly kind: "fault"; readonly input: number; readonly why: string };

interface Outcome {
	readonly tried: number;
	readonly fault: string | undefined;
	readonly seconds: number;
}

/** In this thread; the last sign is a fault or all inputs. */
async function tryInputs({ name, inputs, seed, from }: Plan, tell: (sign: Sign) => void): Promise<void> {
	const make = TARGETS[name];
	if (make === undefined) throw new RangeError(`no target ${name}: ${Object.keys(TARGETS).join(", ")}`);
	const target = make();
	for (let tried = 0; tried < inputs; tried++) {
		if (tried % BATCH === 0) tell({ kind: "tried", inputs: tried });
		try {
			const later = target.run(new Chance(seed, from + tried));
			if (later !== undefined) await later;
		} catch (error) {
			const why = inspect(error);
			tell({ kind: "fault", input: from + tried, why });
			return;
		}
	}
	tell({ kind: "tried", inputs });
}

/** In a thread of its own. */
export async function fuzz(plan: Plan): Promise<Outcome> {
	const beganMs = performance.now();
	const worker = new Worker(import.meta.filename, {
		workerData: plan,
		resourceLimits: { maxOldGenerationSizeMb: HEAP_MB_MAX },
	});
	let tried = 0;
	let fault: string | undefined;
	const watch = setTimeout(() => {
		fault = `silent for ${SILENT_MS_MAX} ms after input ${plan.from + tried}`;
		worker.terminate();
	}, SILENT_MS_MAX);
	worker.on("message", (sign: Sign) => {
		watch.refresh();
		if (sign.kind === "tried") tried = sign.inputs;
		else fault = `input ${sign.input}: ${sign.why}`;
	});
	worker.on("error", (error) => {
		fault ??= String(error);
	});
	await new Promise((resolve) => worker.once("exit", resolve));
	clearTimeout(watch);
	if (tried !== plan.inputs) fault ??= `ended after input ${plan.from + tried}`;
	return { tried, fault, seconds: (performance.now() - beganMs) / 1000 };
}

async function main(): Promise<void> {
	const text = { type: "string" } as const;
	const { values } = parseArgs({ options: { inputs: text, seed: text, from: text, only: text } });
	const number = (given: string | undefined, otherwise: number) => {
		if (given === undefined) return otherwise;
		if (!/^\d{1,10}$/.test(given)) throw new RangeError(`not a whole number: ${given}`);
		return Number(given);
	};
	const inputs = number(values.inputs, 1_000_000);
	const seed = number(values.seed, 1);
	const names = values.only === undefined ? Object.keys(TARGETS) : [values.only];
	for (const name of names) {
		const { tried, fault, seconds } = await fuzz({ name, inputs, seed, from: number(values.from, 0) });
		if (fault !== undefined) process.exitCode = 1;
		const speed = `${Math.round(tried / seconds)}/s`;
		const how = fault === undefined ? "ok" : `FAULT ${fault}`;
		process.stdout.write(
			`${name.padEnd(14)} ${tried} inputs in ${seconds.toFixed(0)} s, ${speed}, seed ${seed}  ${how}\n`,
		);
	}
}

if (!isMainThread && parentPort !== null) {
	const port = parentPort;
	await tryInputs(workerData as Plan, (sign) => port.postMessage(sign));
} else if (import.meta.main) await main();
