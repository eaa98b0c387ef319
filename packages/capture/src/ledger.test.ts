/** When the line leaves the target alone, and what it says then. Attaching needs root: packages/kernel tries it. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import type { Part } from "@plumbline/signals/capture";
import { readCapture } from "./file.ts";
import { LEDGER_NAMES, LedgerLine } from "./ledger.ts";
import { recordingOf } from "./testing/recording.ts";

const FOLDER = join(import.meta.dirname, "..", "..", "..", "captures");
const FORMATS = ["prometheus", "go-debug1"] as const;

/** The notes of a line that watched this process beside the first samples of a recorded service. */
async function notes(
	capture: string,
	windowMs: number,
	more: readonly Part[] = [],
	until = new AbortController().signal,
): Promise<string[]> {
	const { parts } = await readCapture(join(FOLDER, `${capture}.plumb`));
	const { gaps, parts: recorded } = await recordingOf(async (recorder) => {
		for (const { bytes, ...part } of [...parts.filter(({ sample }) => sample === 0), ...more]) {
			await recorder.record({ ...part, ...LEDGER_NAMES }, () => ({ bytes }));
		}
		const line = new LedgerLine(recorder, { pid: process.pid, awaited: FORMATS });
		const { signal } = new AbortController();
		await line.watch({ until, signal, windowMs });
		await line.read(9, signal);
		await line.close();
	});
	assert.ok(recorded.every(({ format }) => format !== "ledger"));
	return gaps.map(({ line, what, why, weight }) => `${line}: ${what}: ${weight}: ${why}`);
}

test("an idle service is left alone", async () => {
	assert.deepEqual(await notes("healthy-idle", 100), [
		"runtime: borrow ledger: note: not attached: no connection was in use or waited for at the start of the window",
	]);
});

test("one whose HTTP client is caught dialling a little later is not", async () => {
	const text =
		"goroutine profile: total 1\n1 @ 0x1\n#\t0x1\tnet/http.(*Transport).dialConn+0x1\t/src/a.go:1\n";
	const bytes = new TextEncoder().encode(text);
	const at = { wallMs: 0, monoMs: 0 } as Part["start"];
	const dials = {
		name: "later",
		format: "go-debug1",
		sample: 1,
		source: "test",
		start: at,
		end: at,
		bytes,
	} as const;
	const [note] = await notes("healthy-idle", 10_000, [dials]);
	assert.match(note ?? "", /^runtime: borrow ledger: note: not /);
	assert.doesNotMatch(note ?? "", /no connection was in use/);
});

test("a window too short to see who gives back", async () => {
	assert.deepEqual(await notes("healthy-busy", 900), [
		"runtime: borrow ledger: note: not attached: a window of 900 ms is too short to see who gives back",
	]);
});

test("what cannot be attached to is a note with the reason", async () => {
	const [note, ...rest] = await notes("healthy-busy", 10_000);
	assert.deepEqual(rest, []);
	assert.match(note ?? "", /^runtime: borrow ledger: note: .{10,}/);
});

test("interrupted while it waits for the first samples: nothing is done or said", async () => {
	const { gaps } = await recordingOf(async (recorder) => {
		const line = new LedgerLine(recorder, { pid: process.pid, awaited: FORMATS });
		await line.watch({ until: AbortSignal.abort(), signal: AbortSignal.abort(), windowMs: 10_000 });
	});
	assert.deepEqual(gaps, []);
});
