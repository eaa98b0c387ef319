import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import type { ResolverEvent } from "./observer.ts";
import { observers } from "./telemetry-channels.ts";

const EVENT: ResolverEvent = { kind: "evicted", entries: 1, bytes: 2 };

test("an observer that throws fails no lookup and silences no other; it is told once", async () => {
	const heard: string[] = [];
	const observe = observers([
		() => {
			heard.push("broken");
			throw new Error("no such label");
		},
		() => void heard.push("next"),
	]);
	const warnings: Error[] = [];
	const warned = (warning: Error) => void warnings.push(warning);
	process.on("warning", warned);
	const first = once(process, "warning");
	for (let times = 0; times < 3; times++) observe(EVENT);
	await first;
	await new Promise((done) => setImmediate(done));
	process.off("warning", warned);
	assert.deepEqual(heard, ["broken", "next", "broken", "next", "broken", "next"]);
	assert.equal(warnings.length, 1);
	assert.match(warnings[0]?.message ?? "", /evicted.*no such label/);
});
