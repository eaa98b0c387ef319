import assert from "node:assert/strict";
import { test } from "node:test";
import type { Ask, Asked, Upstreams } from "./upstream.ts";
import { exchangeable } from "./upstreams-exchange.ts";

const ASK: Ask = { question: { name: "a.test.", type: 1, class: 1 } };
const FAILED: Asked = { kind: "failed", tries: [] };

function servers(): Upstreams & { asked: number; closed: number; answer: () => void } {
	const waiting: (() => void)[] = [];
	const made = {
		asked: 0,
		closed: 0,
		answer: () => {
			for (const done of waiting.splice(0)) done();
		},
		ask: () => {
			made.asked++;
			return new Promise<Asked>((done) => waiting.push(() => done(FAILED)));
		},
		close: async () => {
			made.closed++;
		},
	};
	return made;
}

test("new asks go to the next servers; the former close when their last ask is done", async () => {
	const [first, second] = [servers(), servers()];
	const all = exchangeable<Upstreams>(first);
	const { signal } = new AbortController();
	const early = all.ask(ASK, signal);
	all.use(second);
	assert.equal(all.current(), second);
	const late = all.ask(ASK, signal);
	assert.deepEqual([first.asked, second.asked, first.closed], [1, 1, 0]);
	first.answer();
	await early;
	assert.deepEqual([first.closed, second.closed], [1, 0]);
	second.answer();
	await late;
	await all.close();
	assert.deepEqual([first.closed, second.closed], [1, 1]);
});

test("closing closes those that still have an ask, and whoever comes after", async () => {
	const [first, second, third] = [servers(), servers(), servers()];
	const all = exchangeable<Upstreams>(first);
	void all.ask(ASK, new AbortController().signal);
	all.use(second);
	await all.close();
	assert.deepEqual([first.closed, second.closed], [1, 1]);
	all.use(third);
	assert.equal(third.closed, 1);
	assert.equal(all.current(), second);
});
