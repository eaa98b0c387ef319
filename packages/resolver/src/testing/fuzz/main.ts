/**
 * `npm run fuzz`, the part of this room: hostile queries, streams, answers, snapshots, comparisons and configurations,
 * none of which may throw, hang, grow without bound, or win what is not theirs.
 *
 *   node packages/resolver/src/testing/fuzz/main.ts                      a million inputs a target
 *   … --inputs 2000 --only answers                                       some of one
 *   … --only answers --seed 7 --from 1234 --inputs 1                     one input again
 */
import { fork } from "node:child_process";
import { parseArgs } from "node:util";
import { Chance } from "./chance.ts";
import { TARGETS } from "./targets.ts";

/** A report takes a second or so; who is silent for so long hangs. */
const SILENT_MS_MAX = 60_000;
const HEAP_MB_MAX = 256;
/** With what lies outside the heap. */
const RESIDENT_MB_MAX = 768;
const REPORT_EVERY = 1_000;
const ERROR_CHARS_MAX = 2_000;
/** Told to the child, which is this file again. */
const CHILD = "PLUMBLINE_FUZZ_CHILD";

interface Plan {
	readonly inputs: number;
	readonly seed: number;
	/** The first input's number. */
	readonly from: number;
}

interface Report {
	readonly tried: number;
	readonly residentMb: number;
	readonly fault?: string;
}

interface Outcome extends Report {
	readonly name: string;
	readonly seconds: number;
}

/** In this process. Answers what went wrong, with the number of the input. */
export async function tryInputs(name: string, plan: Plan, report: (report: Report) => void): Promise<void> {
	const target = TARGETS[name];
	if (target === undefined) throw new RangeError(`no target ${name}: ${Object.keys(TARGETS).join(", ")}`);
	const { run, close } = await target();
	let peakMb = 0;
	const told = (tried: number) => {
		peakMb = Math.max(peakMb, process.resourceUsage().maxRSS / 1024);
		return { tried, residentMb: peakMb };
	};
	try {
		for (let tried = 0; tried < plan.inputs; tried++) {
			if (tried % REPORT_EVERY === 0) report(told(tried));
			const number = plan.from + tried;
			try {
				await run(new Chance(plan.seed, number));
			} catch (error) {
				const why = error instanceof Error ? (error.stack ?? error.message) : String(error);
				report({ ...told(tried), fault: `input ${number}: ${why}` });
				return;
			}
		}
		report(told(plan.inputs));
	} finally {
		await close?.();
	}
}

/** In a process of its own, which may hang, or eat what it is given. `program` and `silentMs` are for tests. */
export async function fuzz(
	name: string,
	plan: Plan,
	{ program = import.meta.filename, silentMs = SILENT_MS_MAX } = {},
): Promise<Outcome> {
	const startedMs = performance.now();
	const child = fork(program, [], {
		env: { ...process.env, [CHILD]: JSON.stringify({ name, plan }) },
		execArgv: [`--max-old-space-size=${HEAP_MB_MAX}`],
		stdio: ["ignore", "ignore", "pipe", "ipc"],
	});
	let report: Report = { tried: 0, residentMb: 0 };
	let errors = "";
	let isSilent = false;
	const watch = setTimeout(() => {
		isSilent = true;
		child.kill("SIGKILL");
	}, silentMs);
	child.stderr?.setEncoding("utf8").on("data", (text: string) => {
		errors = (errors + text).slice(-ERROR_CHARS_MAX);
	});
	child.on("message", (message: Report) => {
		report = message;
		watch.refresh();
	});
	const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
	clearTimeout(watch);
	const outcome = { ...report, name, seconds: (performance.now() - startedMs) / 1000 };
	const fault = faultOf(report, plan);
	if (fault === undefined) return outcome;
	const end = isSilent ? `silent for ${silentMs} ms` : `ended with ${code}`;
	return { ...outcome, fault: `${fault}\n${end}; seed ${plan.seed}\n${errors}` };
}

function faultOf({ fault, tried, residentMb }: Report, { inputs }: Plan): string | undefined {
	if (fault !== undefined) return fault;
	if (tried !== inputs) return `${tried} inputs were tried of ${inputs}`;
	return residentMb > RESIDENT_MB_MAX ? `${residentMb} MB, more than ${RESIDENT_MB_MAX}` : undefined;
}

function wholeNumber(text: string): number {
	if (!/^\d{1,10}$/.test(text)) throw new RangeError(`not a whole number: ${text}`);
	return Number(text);
}

async function main(): Promise<void> {
	const { values } = parseArgs({
		options: {
			inputs: { type: "string", default: "1000000" },
			seed: { type: "string", default: "1" },
			from: { type: "string", default: "0" },
			only: { type: "string" },
		},
	});
	const plan = {
		inputs: wholeNumber(values.inputs),
		seed: wholeNumber(values.seed),
		from: wholeNumber(values.from),
	};
	for (const name of Object.keys(TARGETS)) {
		if (values.only !== undefined && values.only !== name) continue;
		const { tried, residentMb, seconds, fault } = await fuzz(name, plan);
		if (fault !== undefined) process.exitCode = 1;
		const row = [
			name.padEnd(14),
			`${tried} inputs`.padStart(15),
			`${seconds.toFixed(0)} s`.padStart(7),
			`${residentMb.toFixed(0)} MB`.padStart(8),
			`seed ${plan.seed}`,
			fault === undefined ? "ok" : `FAULT ${fault}`,
		];
		process.stdout.write(`${row.join("  ")}\n`);
	}
}

if (import.meta.main) {
	const child = process.env[CHILD];
	if (child === undefined) await main();
	else {
		const { name, plan }: { name: string; plan: Plan } = JSON.parse(child);
		await tryInputs(name, plan, (report) => process.send?.(report));
		process.disconnect?.();
	}
}
