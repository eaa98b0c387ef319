/**
 * For tests: a process that attaches to another and waits to be killed.
 * `node uprobe-attacher.ts PID ROUTE OFFSET`; prints `attached` when it is.
 */

import { loadBpf } from "../bpf-system-call.ts";
import { attachUprobes } from "../uprobes.ts";
import { countingProgram, expectRead, makeCounters } from "./bpf-live.ts";

const [pid, route, offset] = process.argv.slice(2);
const bpf = expectRead(await loadBpf());
const counters = makeCounters(bpf);
const attached = await attachUprobes(bpf, {
	path: `/proc/${pid}/exe`,
	pid: Number(pid),
	offsets: [Number(offset)],
	instructions: countingProgram(counters),
	name: "killed",
	route: route === "multi" ? "multi" : "perf",
});
expectRead(attached);
process.stdout.write("attached\n");
process.stdin.resume();
