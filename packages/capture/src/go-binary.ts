/** The Go build info of the target's executable: Go version, modules, build settings. */
import { readGoBuildinfo } from "@plumbline/kernel/go-buildinfo";
import { readProcessStat } from "@plumbline/kernel/process-stat";
import { howToRead } from "./process-rights.ts";
import type { Recorder } from "./recorder.ts";

const WHAT = "Go build info";

export async function collectGoBinary(recorder: Recorder, { pid }: { readonly pid: number }): Promise<void> {
	const plan = {
		name: "go-binary.buildinfo",
		format: "go-buildinfo",
		sample: 0,
		source: `/proc/${pid}/exe`,
		line: "process",
		what: WHAT,
	} as const;
	const stat = readProcessStat(pid);
	const found = stat.kind === "refused" ? stat : readGoBuildinfo(pid);
	if (found.kind === "refused") {
		const why = found.code === "denied" ? `${found.why}: ${howToRead(pid)}` : found.why;
		// That a program is not Go, or keeps its build info to itself, is a fact about it and no loss of ours.
		const weight = found.code === "absent" && stat.kind === "read" ? "note" : "loss";
		recorder.gap({ line: "process", what: WHAT, why, weight });
		return;
	}
	await recorder.record(plan, () => ({ bytes: hideLinkerFlags(found.value) }));
}

/**
 * Overwrites the value of `-ldflags` with stars of the same length: `-X main.apiKey=…` is a common way to
 * build a secret in. Equal length keeps the lengths written before the strings true.
 */
function hideLinkerFlags(bytes: Uint8Array): Uint8Array {
	const kept = Uint8Array.from(bytes);
	const marker = Buffer.from("build\t-ldflags=");
	let at = Buffer.from(kept.buffer).indexOf(marker);
	while (at >= 0) {
		const start = at + marker.length;
		const newline = kept.indexOf(10, start);
		kept.fill(0x2a, start, newline < 0 ? kept.length : newline);
		at = Buffer.from(kept.buffer).indexOf(marker, start);
	}
	return kept;
}
