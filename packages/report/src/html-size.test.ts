/** The page of a service with 100,000 goroutines is no larger than one can mail. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { diagnose } from "@plumbline/diagnosis/diagnose";
import { app, call, dumpText, type Goroutine } from "@plumbline/diagnosis/testing/dump-text";
import { decodeCapture } from "@plumbline/signals/decode";
import { renderHtml } from "./html.ts";
import { capture, part } from "./testing/captures.ts";
import { reportView } from "./view-report.ts";

const GOROUTINES = 100_003;
const STACKS = 307;
const BYTES_MAX = 1_500_000;

/** Each stack differs from the others in where it branches off: high up, in the middle, or far inside. */
function goroutine(goid: number): Goroutine {
	const kind = goid % STACKS;
	const calls = Array.from({ length: 14 + (kind % 11) }, (_, depth) => {
		const branch = depth < 3 + (kind % 7) ? kind : kind % 13;
		return call(
			`github.com/acme/storefront/internal/orders/fulfilment.(*Worker${branch}).Step${depth}`,
			"0xc000112000",
		);
	});
	return {
		goid,
		state: ["select", "chan receive", "IO wait, 3 minutes", "semacquire"][kind % 4] ?? "running",
		calls: [...calls, app(`main.loop${kind % 17}`, 40 + (kind % 9))],
		createdBy: app(`main.start${kind % 5}`, 12),
		creator: 1,
	};
}

test("100,000 goroutines on 307 stacks are told in less than 1.5 MB", () => {
	const open: Goroutine[] = Array.from({ length: 997 }, (_, i) => ({
		goid: 200_000 + i,
		state: "chan receive",
		calls: [call("database/sql.(*Tx).awaitDone", `0xc000${(100_000 + i).toString(16)}`)],
		createdBy: call("database/sql.(*DB).beginDC"),
		creator: 300_000 + i,
	}));
	const text = dumpText([
		...Array.from({ length: GOROUTINES - open.length }, (_, i) => goroutine(i + 1)),
		...open,
	]);
	assert.ok(text.length > 150_000_000, `${text.length}`);
	const parts = [0, 9_900].map((atMs, sample) =>
		part(`goroutines.${sample}.debug2.txt`, "go-debug2", sample, atMs, sample === 0 ? dumpText(open) : text),
	);
	const taken = capture(parts);
	const signals = decodeCapture(taken);
	const diagnosis = diagnose(signals);
	assert.deepEqual(
		diagnosis.findings.map(({ id, count }) => `${id} ${count}`),
		["tx-open 997"],
	);
	const page = renderHtml(diagnosis, reportView(diagnosis, signals, taken));
	const bytes = new TextEncoder().encode(page).length;
	assert.ok(bytes < BYTES_MAX, `${bytes}`);
	assert.match(page, /100003 goroutines in goroutines\.1\.debug2\.txt/);
});
