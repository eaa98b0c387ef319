/** A few damaged inputs for every decoder in each test run; a million in `npm run fuzz`. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fuzzTargets } from "./testing/fuzz/decoders.ts";
import { Dice, damaged } from "./testing/fuzz/inputs.ts";
import { fuzzOne } from "./testing/fuzz/main.ts";

const INPUTS = 150;

test("every decoder has real inputs to start from, and stands some hundred damaged ones", async () => {
	const targets = await fuzzTargets();
	assert.ok(targets.length > 15);
	for (const { name, seeds, run } of targets) {
		assert.ok(seeds.length > 0, `no real input for ${name}`);
		for (let n = 0; n < INPUTS; n++) {
			const bytes = damaged(seeds, new Dice(n));
			try {
				run(bytes);
			} catch (cause) {
				throw new Error(`${name}, input ${n}: ${Buffer.from(bytes).toString("base64")}`, { cause });
			}
		}
	}
});

test("the same seed makes the same input, another one another", () => {
	const seeds = [new TextEncoder().encode("goroutine 1 [running]:\nmain.main()\n".repeat(20))];
	assert.deepEqual(damaged(seeds, new Dice(7)), damaged(seeds, new Dice(7)));
	const different = new Set(Array.from({ length: 50 }, (_, n) => String(damaged(seeds, new Dice(n)))));
	assert.ok(different.size > 40);
});

test("what throws, hangs or ends is told with what it takes to see it again", async (t) => {
	const folder = mkdtempSync(join(tmpdir(), "plumbline-fuzz-"));
	t.after(() => rmSync(folder, { recursive: true }));
	const planted = (name: string, code: string) => {
		const path = join(folder, `${name}.mjs`);
		writeFileSync(path, code);
		return fuzzOne("planted", { inputs: 3, seed: 5, silentMsMax: 2_000 }, path);
	};
	const thrown = await planted("throws", 'process.send({kind:"fault",n:2,why:"boom",input:"AAA="});');
	assert.match(thrown.fault ?? "", /^boom\ninput 2: AAA=\nagain: npm run fuzz -- --only planted --seed 5$/);
	const hung = await planted("hangs", "for (;;);");
	assert.match(hung.fault ?? "", /^silent for 2000 ms after input 0/);
	const ended = await planted("ends", 'process.send({kind:"alive",n:1}, () => process.exit(3));');
	assert.match(ended.fault ?? "", /^ended by 3 after input 1/);
	const good = await planted("good", 'process.send({kind:"done",n:3,peakMb:1}, () => process.exit(0));');
	assert.equal(good.fault, undefined);
	const fewer = await planted("fewer", 'process.send({kind:"done",n:0,peakMb:1}, () => process.exit(0));');
	assert.equal(fewer.fault, "0 inputs were tried of 3");
	const big = await planted("big", 'process.send({kind:"done",n:3,peakMb:4000}, () => process.exit(0));');
	assert.match(big.fault ?? "", /^it took 4000 MB/);
});
