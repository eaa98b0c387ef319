/**
 * For tests: a process that traces connections by BPF and waits to be killed. `node tcp-tracer.ts PID`; says
 * `tracing`, or why not.
 */
import { openBpfSource } from "../tcp-life-bpf.ts";

const source = await openBpfSource(Number(process.argv[2] ?? process.pid), "typed");
process.stdout.write(`${source.kind === "read" ? "tracing" : source.why}\n`);
process.stdin.resume();
