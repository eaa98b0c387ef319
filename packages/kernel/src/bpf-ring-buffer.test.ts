/** Records written by a probe in a running Go program, through a buffer smaller than all of them. */
import assert from "node:assert/strict";
import { after, before, type TestContext, test } from "node:test";
import { BpfAssembler } from "./bpf-assembler.ts";
import { type BpfMap, createMap } from "./bpf-maps.ts";
import { openRingBuffer, type RingBufferReader } from "./bpf-ring-buffer.ts";
import { counted, countIn, expectRead, liveBpf, makeCounters, tellHowManyRan } from "./testing/bpf-live.ts";
import { buildUprobeTarget, type UprobeTarget, type UprobeTargetBinary } from "./testing/uprobe-target.ts";
import { attachUprobes } from "./uprobes.ts";

/** Of `Counted(thread, n int)` in Go's calling convention: n is in BX on amd64, R1 on arm64 (struct pt_regs). */
const SECOND_ARGUMENT = process.arch === "x64" ? 40 : 8;
const BUFFER_BYTES = 16384;
const RECORD_BYTES = 24;
/** With its header of 8 bytes each. */
const RECORDS_THAT_FIT = Math.floor(BUFFER_BYTES / (RECORD_BYTES + 8));
const ALL = 1_000_000;

let binary: UprobeTargetBinary | undefined;
before(() => {
	binary = buildUprobeTarget();
});
after(() => binary?.remove());

interface Stage {
	readonly target: UprobeTarget;
	readonly ring: RingBufferReader;
	/** Counter 0: records that found no room. */
	readonly counters: BpfMap;
}

/** Each call of `Counted` becomes a record: n, twice n, three times n. */
async function withRecords(t: TestContext, run: (stage: Stage) => Promise<void>): Promise<void> {
	if (binary === undefined) return t.skip("missing tool: go");
	const bpf = await liveBpf(t);
	if (bpf === undefined) return;
	const target = await binary.start();
	const counters = makeCounters(bpf);
	const map = expectRead(
		createMap(bpf, {
			kind: "ring-buffer",
			keyBytes: 0,
			valueBytes: 0,
			entriesMax: BUFFER_BYTES,
			name: "ring",
		}),
	);
	const assembler = new BpfAssembler().load("dw", "r6", "r1", SECOND_ARGUMENT).store("dw", "r10", -24, "r6");
	assembler.move("r7", "r6").alu("add", "r7", "r6").store("dw", "r10", -16, "r7");
	assembler.alu("add", "r7", "r6").store("dw", "r10", -8, "r7");
	assembler
		.loadMap("r1", map.fd)
		.move("r2", "r10")
		.alu("add", "r2", -24)
		.move("r3", RECORD_BYTES)
		.move("r4", 0);
	assembler.call("ringbuf_output").jump("jeq", "r0", 0, "written");
	assembler.store("dw", "r10", -24, 0);
	countIn(assembler, counters);
	const instructions = assembler.label("written").move("r0", 0).exit().build();
	const path = `/proc/${target.pid}/exe`;
	const request = {
		path,
		pid: target.pid,
		offsets: [binary.offsetOf("main.Counted")],
		instructions,
		name: "ring",
	};
	const attachment = expectRead(await attachUprobes(bpf, request));
	const ring = expectRead(openRingBuffer(bpf, map));
	try {
		await run({ target, ring, counters });
	} finally {
		ring.close();
		assert.equal(
			ring.drain(ALL, () => {}),
			0,
			"a closed one gives nothing",
		);
		await attachment.close();
		map.close();
		counters.close();
		assert.equal(await target.end(), 0);
	}
}

/** The first words, each record checked against its other words. */
function take(ring: RingBufferReader, recordsMax = ALL): number[] {
	const numbers: number[] = [];
	const count = ring.drain(recordsMax, (record) => {
		assert.equal(record.length, RECORD_BYTES);
		const view = new DataView(record.buffer, record.byteOffset);
		const n = Number(view.getBigInt64(0, true));
		assert.deepEqual([Number(view.getBigInt64(8, true)), Number(view.getBigInt64(16, true))], [2 * n, 3 * n]);
		numbers.push(n);
	});
	assert.equal(count, numbers.length);
	return numbers;
}

function upTo(end: number): number[] {
	return Array.from({ length: end }, (_, n) => n);
}

test("every record arrives once, many times around the buffer", async (t) => {
	await withRecords(t, async ({ target, ring, counters }) => {
		for (let round = 0; round < 40; round++) {
			await target.call(307);
			assert.deepEqual(
				take(ring).toSorted((a, b) => a - b),
				upTo(307),
			);
		}
		assert.equal(counted(counters), 0);
	});
});

test("a drain is bounded and the next one goes on where it ended", async (t) => {
	await withRecords(t, async ({ target, ring }) => {
		await target.call(101);
		const parts = [take(ring, 7), take(ring, 0), take(ring, 90), take(ring, 90), take(ring)];
		assert.deepEqual(
			parts.map((part) => part.length),
			[7, 0, 90, 4, 0],
		);
		assert.deepEqual(
			parts.flat().toSorted((a, b) => a - b),
			upTo(101),
		);
	});
});

test("a full buffer: what fits is there, the program counts the rest", async (t) => {
	await withRecords(t, async ({ target, ring, counters }) => {
		await target.call(1_009);
		const kept = take(ring).length;
		assert.equal(kept + counted(counters), 1_009);
		// The kernel leaves the last byte free, so that full and empty differ.
		assert.ok(kept === RECORDS_THAT_FIT || kept === RECORDS_THAT_FIT - 1, `${kept}`);
		await target.call(11);
		assert.equal(take(ring).length, 11);
	});
});

test("a visitor that throws loses its own record only", async (t) => {
	await withRecords(t, async ({ target, ring }) => {
		await target.call(5);
		assert.throws(() => {
			ring.drain(ALL, () => {
				throw new Error("not me");
			});
		}, /not me/);
		assert.equal(take(ring).length, 4);
	});
});

tellHowManyRan();
