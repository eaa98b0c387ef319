import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Ledger } from "./ledger.ts";
import { decodeLedger, encodeLedger } from "./ledger-json.ts";

const count = fc.nat({ max: 1_000_000 });
const address = fc.nat({ max: 2 ** 31 }).map((n) => `0x${n.toString(16)}`);
const frame = fc.record({ func: fc.string(), file: fc.string(), line: count });
const place = { pool: fc.string(), kind: fc.constantFrom("sql", "pgxpool", "http") } as const;

const ledgers: fc.Arbitrary<Ledger> = fc
	.record({
		head: fc.record({ goVersion: fc.string(), watchedMs: count, costMs: count, transportsSeen: count }),
		pools: fc.array(
			fc.record({
				...place,
				mode: fc.constantFrom("return", "fast"),
				acquired: count,
				released: count,
				held: count,
				replaced: count,
				strangers: count,
				lost: count,
			}),
		),
		owners: fc.array(
			fc.record({ owner: address, pool: fc.string(), open: count, idle: count, maxOpen: count }),
		),
		transports: fc.array(
			fc.record({
				owner: address,
				keepAlivesOff: fc.boolean(),
				maxIdle: fc.integer({ min: -9, max: 999 }),
				maxIdlePerHost: fc.integer({ min: -9, max: 999 }),
				idleTimeoutMs: count,
			}),
		),
		waiting: fc.array(
			fc.record({ pool: fc.string(), goid: count, ageMs: count, frames: fc.array(frame, { maxLength: 5 }) }),
		),
		stacks: fc.array(
			fc.record({
				...place,
				frames: fc.array(frame, { maxLength: 5 }),
				acquired: count,
				released: count,
				held: count,
				oldestMs: count,
				offset: fc.constant(0),
			}),
			{ minLength: 1 },
		),
		held: fc.array(
			fc.record({
				stack: fc.constant(0),
				handle: address,
				owner: address,
				goid: count,
				ageMs: count,
				socket: fc.record({ fd: count, inode: count, localPort: count, remotePort: count }),
			}),
		),
	})
	.map(({ head, ...lists }) => JSON.parse(JSON.stringify({ ...head, ...lists })) as Ledger);

function decoded(bytes: Uint8Array) {
	const answer = decodeLedger(bytes);
	assert.equal(answer.kind, "decoded");
	return answer;
}

test("what is encoded comes back the same, each stack with the place of its row", () => {
	fc.assert(
		fc.property(ledgers, (ledger) => {
			const bytes = encodeLedger(ledger);
			const { value, flaws } = decoded(bytes);
			assert.deepEqual(flaws, []);
			assert.deepEqual({ ...value, stacks: value.stacks.map((s) => ({ ...s, offset: 0 })) }, ledger);
			for (const stack of value.stacks) {
				const row = new TextDecoder().decode(bytes.subarray(stack.offset));
				assert.ok(row.startsWith(`{"pool":${JSON.stringify(stack.pool)}`), row.slice(0, 80));
			}
		}),
	);
});

const [sample] = fc.sample(ledgers, { numRuns: 1, seed: 7 });

test("cut at any byte it is told as cut, or as foreign before its name is read", () => {
	assert.ok(sample);
	const bytes = encodeLedger(sample);
	for (let end = 0; end < bytes.length - 2; end++) {
		const answer = decodeLedger(bytes.subarray(0, end));
		if (end < 30) assert.equal(answer.kind, "foreign");
		else if (answer.kind === "decoded") {
			assert.equal(answer.flaws[0]?.kind, "truncated");
			assert.deepEqual(answer.value.held, []);
		}
	}
});

test("a broken stack is told, and the held borrows keep pointing at the right ones", () => {
	const text = `{"schema":"plumbline.ledger/1","watchedMs":5,"costMs":0,
"pools":[],"owners":[],"waiting":[],
"stacks":[
{"pool":7},
{"pool":"database/sql","kind":"sql","acquired":1,"released":0,"held":1,"frames":[["main.f","f.go",3],["x"]]}
],
"held":[
{"stack":0,"handle":"0x1","goid":1,"ageMs":1},
{"stack":1,"handle":"0x2","goid":2,"ageMs":2},
{"stack":1,"handle":"javascript:","goid":2,"ageMs":2},
{"stack":9,"handle":"0x3","goid":3,"ageMs":3}
]}`;
	const { value, flaws } = decoded(new TextEncoder().encode(text));
	assert.deepEqual(value.held, [{ stack: 0, handle: "0x2", goid: 2, ageMs: 2 }]);
	assert.deepEqual(value.stacks[0]?.frames, [{ func: "main.f", file: "f.go", line: 3 }]);
	assert.equal(flaws.length, 4);
});

test("other JSON and other text are not ours", () => {
	for (const text of ["", "{}", '{"schema":"plumbline.process/1"}', "[1]", "goroutine 1 [running]:"]) {
		assert.equal(decodeLedger(new TextEncoder().encode(text)).kind, "foreign", text);
	}
});

test("lists of the wrong kind are told, not thrown", () => {
	fc.assert(
		fc.property(
			fc.jsonValue(),
			fc.constantFrom("pools", "stacks", "held", "waiting", "owners"),
			(value, name) => {
				const text = JSON.stringify({ schema: "plumbline.ledger/1", [name]: [value, value] });
				assert.equal(decodeLedger(new TextEncoder().encode(text)).kind, "decoded");
			},
		),
	);
});
