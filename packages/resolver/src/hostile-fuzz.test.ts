/** Some thousand hostile inputs of each kind in every test run; a million by testing/fuzz/main.ts. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { makeScratchFolder, removeScratchFolder } from "@plumbline/lab/tied-process";
import { Chance } from "./testing/fuzz/chance.ts";
import { fuzz, tryInputs } from "./testing/fuzz/main.ts";
import { TARGETS } from "./testing/fuzz/targets.ts";

const INPUTS: Readonly<Record<string, number>> = { snapshots: 500, streams: 500 };
const INPUTS_USUAL = 2_000;
const SEED = 11;

for (const name of Object.keys(TARGETS))
	test(`${name}: hostile inputs neither throw nor win`, async () => {
		const inputs = INPUTS[name] ?? INPUTS_USUAL;
		const last = { tried: 0, fault: "" };
		await tryInputs(name, { inputs, seed: SEED, from: 0 }, ({ tried, fault = "" }) =>
			Object.assign(last, { tried, fault }),
		);
		assert.deepEqual(last, { tried: inputs, fault: "" });
	});

test("the same seed and number make the same chances, others make others", () => {
	const rolls = (seed: number, input: number) => {
		const chance = new Chance(seed, input);
		return Array.from({ length: 8 }, () => chance.below(1_000)).join();
	};
	assert.equal(rolls(1, 5), rolls(1, 5));
	const different = new Set(
		Array.from({ length: 100 }, (_, each) => rolls(each % 10, Math.trunc(each / 10))),
	);
	assert.equal(different.size, 100);
});

test("what hangs, ends early or eats memory is told, with its seed", async (t) => {
	const folder = makeScratchFolder();
	t.after(() => removeScratchFolder(folder));
	const planted = (name: string, code: string, silentMs = 60_000) => {
		const program = join(folder, `${name}.mjs`);
		writeFileSync(program, code);
		return fuzz("queries", { inputs: 3, seed: 5, from: 0 }, { program, silentMs });
	};
	assert.match(
		(await planted("hangs", "for (;;);", 1_000)).fault ?? "",
		/^0 inputs were tried of 3\nsilent for 1000 ms; seed 5/,
	);
	const dies = await planted("dies", 'throw new Error("boom");');
	assert.match(dies.fault ?? "", /^0 inputs were tried of 3\nended with 1; seed 5\n[\s\S]*boom/);
	const fault = await planted("faulty", 'process.send({ tried: 2, residentMb: 1, fault: "input 2: bad" });');
	assert.match(fault.fault ?? "", /^input 2: bad\nended with 0; seed 5/);
	const eats = await planted("eats", "process.send({ tried: 3, residentMb: 5000 });");
	assert.match(eats.fault ?? "", /^5000 MB, more than 768/);
	const sound = await planted("sound", "process.send({ tried: 3, residentMb: 100 });");
	assert.equal(sound.fault, undefined);
});
