/** The resolv.conf(5) that a process sees, in its own mount namespace. */
import type { ResolverFacts } from "@plumbline/signals/process";
import { parseResolvConf } from "@plumbline/signals/resolv-conf";
import { type Reading, read } from "./reading.ts";
import { readTargetFile } from "./target-file.ts";

export function readResolver(pid: number, proc = "/proc"): Reading<ResolverFacts> {
	const text = readTargetFile(pid, "/etc/resolv.conf", proc);
	return text.kind === "refused" ? text : read(parseResolvConf(text.value));
}
