/** One subject in a process of its own, warmed up, then timed; then, where it keeps keys, its memory. As JSON. */
import { heldBytes } from "./held-bytes.ts";
import { SUBJECTS } from "./policy-subjects.ts";

export interface PolicyCost {
	/** CPU time of the thread that runs it, an operation: other work on the machine hardly shows in it. */
	readonly ns: number;
	/** Heap and array buffers that stay after it has met its keys, the keys themselves not counted. */
	readonly bytesPerKey?: number;
}

const WARM_UP = 400_000;
const TIMED = 1_000_000;
const NS_PER_US = 1000;

async function measure(group: string, name: string): Promise<PolicyCost> {
	const subject = SUBJECTS[group]?.find((candidate) => candidate.name === name);
	if (subject === undefined) throw new Error(`no subject "${name}" in "${group}"`);
	const run = await subject.prepare();
	if (subject.keys === undefined) return { ns: await timed(run) };
	const before = heldBytes();
	await run(subject.keys);
	const bytesPerKey = (heldBytes() - before) / subject.keys;
	return { ns: await timed(run), bytesPerKey };
}

async function timed(run: (count: number) => Promise<void> | void): Promise<number> {
	await run(WARM_UP);
	const before = process.threadCpuUsage();
	await run(TIMED);
	const { user, system } = process.threadCpuUsage(before);
	return ((user + system) * NS_PER_US) / TIMED;
}

if (import.meta.main) {
	const [group = "", name = ""] = process.argv.slice(2);
	process.stdout.write(JSON.stringify(await measure(group, name)));
	// The peers' timers would hold it.
	process.exit();
}
