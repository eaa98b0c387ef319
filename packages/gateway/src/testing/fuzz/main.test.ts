import assert from "node:assert/strict";
import { test } from "node:test";
import { fuzz } from "./main.ts";
import { TARGETS } from "./targets.ts";

const INPUTS = 1000;

for (const name of Object.keys(TARGETS))
	test(`${name} stands ${INPUTS} inputs`, async () => {
		const { tried, fault } = await fuzz({ name, inputs: INPUTS, seed: 3, from: 0 });
		assert.deepEqual([tried, fault], [INPUTS, undefined]);
	});

test("a target that is not there is told, not passed over", async () => {
	assert.match((await fuzz({ name: "none", inputs: 1, seed: 1, from: 0 })).fault ?? "", /no target none/);
});
