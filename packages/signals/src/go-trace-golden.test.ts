/**
 * Small traces by the releases that changed the format, as fixtures/go-traced writes them with `small`, and what they
 * tell, as text that a person can check against that program. UPDATE_GOLDENS=1 writes the texts anew.
 */
import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { GoTrace } from "./go-trace.ts";
import { decodeGoTraceV2 } from "./go-trace-v2.ts";

const FOLDER = join(import.meta.dirname, "..", "fixtures", "go-trace");
const TRACES = readdirSync(FOLDER).filter((name) => name.endsWith(".trace"));
/** Calls of a stack that are shown. */
const CALLS = 3;

for (const name of TRACES) {
	test(name, () => {
		const path = join(FOLDER, name);
		const decoded = decodeGoTraceV2(readFileSync(path));
		assert.ok(decoded.kind === "decoded");
		assert.deepEqual(decoded.flaws, []);
		const text = textOf(decoded.value);
		const golden = path.replace(/\.trace$/, ".txt");
		if (process.env.UPDATE_GOLDENS === "1") writeFileSync(golden, text);
		assert.equal(text, readFileSync(golden, "utf8"));
	});
}

function textOf(trace: GoTrace): string {
	const { version, durationNs, born, ended } = trace;
	const callsOf = (stack: number | undefined): string =>
		stack === undefined
			? "-"
			: (trace.stacks[stack] ?? [])
					.slice(0, CALLS)
					.map(({ func, file, line }) => `${func} ${file.split("/").at(-1)}:${line}`)
					.join(" < ");
	const sites = trace.sites.map(
		({ stack, entry, born, ended }) => `${born} born, ${ended} ended: ${entry} by ${callsOf(stack)}`,
	);
	const groups = new Map<string, number>();
	for (const { bornNs, endedNs, blocked, creatorGoid } of trace.goroutines) {
		const from =
			bornNs === undefined ? "there before" : creatorGoid === undefined ? "born" : "made by a goroutine";
		const state = blocked ? `blocked: ${blocked.reason} at ${callsOf(blocked.stack)}` : "runs";
		const key = `${from}, ${endedNs === undefined ? state : "ended"}`;
		groups.set(key, (groups.get(key) ?? 0) + 1);
	}
	const lines = [...groups].sort().map(([key, count]) => `${count} ${key}`);
	const milliseconds = Math.round(durationNs / 1e6);
	const head = `go ${version}, ${milliseconds} ms, ${born} born, ${ended} ended, ${trace.leftOut} left out`;
	return `${[head, "", ...sites.sort(), "", ...lines].join("\n")}\n`;
}
