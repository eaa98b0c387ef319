import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { Capture, Gap, Instant, Part, PartFormat } from "./capture.ts";
import { decodeCapture, FORMATS } from "./decode.ts";

const AT = { wallMs: 1_790_000_000_000, monoMs: 0 } as Instant;
const fixture = (name: string) => readFileSync(join(import.meta.dirname, "..", "fixtures", name));
const DUMP = fixture("goroutines/go1.26-states.debug2.txt");

function part(name: string, format: PartFormat, bytes: Uint8Array, more: Partial<Part> = {}): Part {
	return { name, format, sample: 0, source: "test", start: AT, end: AT, bytes, ...more };
}

function capture(parts: readonly Part[], gaps: readonly Gap[] = []): Capture {
	return { takenBy: "test", target: {}, window: { start: AT, end: AT }, parts, gaps };
}

const text = (value: string) => new TextEncoder().encode(value);

test("each part lands in its list, in the order of samples, without its bytes", () => {
	const { goroutines, goroutineProfiles, metrics, fds, gaps, build } = decodeCapture(
		capture([
			part("goroutines.2.debug2.txt", "go-debug2", DUMP, { sample: 2 }),
			part("metrics.0.prom", "prometheus", text("go_goroutines 7\n")),
			part("goroutines.0.debug2.txt", "go-debug2", DUMP),
			part("goroutines.0.debug1.txt", "go-debug1", fixture("goroutines/go1.26-states.debug1.txt")),
			part("fds.0.tsv", "fd-table", text("4711\t7\t90210\n")),
		]),
	);
	assert.deepEqual(gaps, []);
	assert.deepEqual(
		goroutines.map(({ part: { name } }) => name),
		["goroutines.0.debug2.txt", "goroutines.2.debug2.txt"],
	);
	assert.equal("bytes" in (goroutines[0]?.part ?? {}), false);
	assert.equal(goroutineProfiles.length, 1);
	assert.equal(metrics[0]?.value.go.go_goroutines, 7);
	assert.equal(fds[0]?.value.byInode.get(90210)?.fd, 7);
	assert.equal(build, undefined);
});

test("what a decoder does not know is a loss that names the part and quotes it", () => {
	const foreign = text("<html><title>502 Bad Gateway");
	for (const format of Object.keys(FORMATS) as PartFormat[]) {
		const { gaps } = decodeCapture(capture([part("strange", format, foreign)]));
		assert.ok(gaps.length > 0, `${format}: silent about what it does not know`);
		const { line, what } = FORMATS[format];
		for (const gap of gaps) assert.deepEqual([gap.line, gap.what], [line, what], format);
		assert.match(gaps[0]?.at ?? "", /^strange/, format);
	}
});

test("a broken line among good ones is a note with its byte offset", () => {
	const page = text("go_goroutines 7\n### } what\ngo_threads nine\ngo_info 1\n");
	const { gaps, metrics } = decodeCapture(capture([part("metrics.0.prom", "prometheus", page)]));
	assert.equal(metrics[0]?.value.go.go_goroutines, 7);
	assert.equal(gaps[0]?.weight, "note");
	assert.match(gaps[0]?.at ?? "", /^metrics\.0\.prom byte \d+$/);
});

test("the collector's reason for a cut part stands in for the decoder's", () => {
	const cut = DUMP.subarray(0, DUMP.lastIndexOf("\n\t") + 5);
	const plain = decodeCapture(capture([part("d.txt", "go-debug2", cut)]));
	assert.deepEqual(
		plain.gaps.map(({ weight }) => weight),
		["loss"],
	);
	const truncated = "stopped after 2700 ms";
	const told = decodeCapture(capture([part("d.txt", "go-debug2", cut, { truncated })]));
	assert.deepEqual(told.gaps, [
		{ line: "runtime", what: "goroutines", why: truncated, at: "d.txt", weight: "loss" },
	]);
});

test("a dump cut at every byte of its last 2 kB keeps every whole goroutine and never throws", () => {
	const whole = decodeCapture(capture([part("d.txt", "go-debug2", DUMP)])).goroutines[0]?.value.count ?? 0;
	assert.ok(whole > 10);
	let fewest = whole;
	for (let cut = 1; cut <= 2048; cut++) {
		const bytes = DUMP.subarray(0, DUMP.length - cut);
		const { goroutines, gaps } = decodeCapture(capture([part("d.txt", "go-debug2", bytes)]));
		const count = goroutines[0]?.value.count ?? 0;
		assert.ok(count <= fewest, `cut ${cut}: goroutines came back`);
		const headers = bytes.toString("latin1").match(/^goroutine \d+ \[/gm)?.length ?? 0;
		assert.ok(count >= headers - 1, `cut ${cut}: ${count} of ${headers}`);
		assert.ok(gaps.every(({ line, what }) => line === "runtime" && what === "goroutines"));
		fewest = count;
	}
	assert.ok(fewest < whole);
});

test("what every sample of a line lacks is told once", () => {
	const page = text("# TYPE up gauge\nup 1\nodd{ 7\n");
	const samples = [0, 1, 2].map((sample) => ({
		...part(`metrics.${sample}.txt`, "prometheus", page),
		sample,
	}));
	const { gaps, metrics } = decodeCapture(capture(samples));
	assert.equal(metrics.length, 3);
	assert.equal(gaps.length, 1);
	assert.match(gaps[0]?.at ?? "", /^metrics\.0\.txt byte \d+ and 2 more like it$/);
});
