import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { emptyQueryView, type QueryFate, readQuery } from "./server-query.ts";

const view = emptyQueryView();
const NAME = [3, 119, 119, 119, 4, 116, 101, 115, 116, 0];
const QUESTION = [...NAME, 0, 1, 0, 1];
const OPT = [0, 0, 41, 4, 208, 0, 0, 0x80, 0, 0, 0];

function packet(
	parts: {
		flags?: number;
		counts?: readonly number[];
		question?: readonly number[];
		rest?: readonly number[];
	} = {},
): Uint8Array {
	const { flags = 0x0100, counts = [1, 0, 0, 0], question = QUESTION, rest = [] } = parts;
	const pairs = [0xabcd, flags, ...counts].flatMap((pair) => [pair >> 8, pair & 0xff]);
	return Uint8Array.from([...pairs, ...question, ...rest]);
}

function fateOf(bytes: Uint8Array): QueryFate {
	return readQuery(bytes, 0, bytes.length, view);
}

test("a plain query is read", () => {
	assert.equal(fateOf(packet()), "ask");
	assert.equal(view.questionEnd, 12 + QUESTION.length);
	assert.equal(view.type, 1);
	assert.equal(view.edns, false);
	assert.equal(view.sizeMax, 512);
	assert.equal(view.keyBits, 0);
});

test("EDNS: size, DO, client subnet and padding", () => {
	const options = [0, 8, 0, 7, 0, 1, 24, 0, 192, 0, 2, 0, 12, 0, 2, 0, 0];
	const rest = [0, 0, 41, 4, 208, 0, 0, 0x80, 0, 0, options.length, ...options];
	assert.equal(fateOf(packet({ counts: [1, 0, 0, 1], rest })), "ask");
	assert.equal(view.sizeMax, 1232);
	assert.equal(view.keyBits, 1);
	assert.equal(view.wantsAuthenticData, true);
	assert.equal(view.clientSubnet, true);
	assert.equal(view.wantsPadding, true);
	assert.equal(fateOf(packet({ flags: 0x0110 })), "ask");
	assert.equal(view.keyBits, 2, "CD, and nothing left of the query before");
	assert.equal(view.clientSubnet, false);
});

const HOSTILE: readonly (readonly [flaw: string, bytes: Uint8Array, fate: QueryFate])[] = [
	["empty", new Uint8Array(0), "drop"],
	["shorter than a header", packet().subarray(0, 11), "drop"],
	["an answer", packet({ flags: 0x8180 }), "drop"],
	["NOTIFY", packet({ flags: 0x2100 }), "not-implemented"],
	["UPDATE", packet({ flags: 0x2900 }), "not-implemented"],
	["opcode 15", packet({ flags: 0x7900 }), "not-implemented"],
	["TC in a query", packet({ flags: 0x0300 }), "form-error"],
	["no question", packet({ counts: [0, 0, 0, 0], question: [] }), "form-error"],
	["two questions", packet({ counts: [2, 0, 0, 0], question: [...QUESTION, ...QUESTION] }), "form-error"],
	["65,535 questions", packet({ counts: [65_535, 0, 0, 0] }), "form-error"],
	["an answer section", packet({ counts: [1, 1, 0, 0] }), "form-error"],
	["an authority section", packet({ counts: [1, 0, 1, 0] }), "form-error"],
	["a name that points to itself", packet({ question: [0xc0, 12, 0, 1, 0, 1] }), "form-error"],
	["a name that points ahead", packet({ question: [0xc0, 18, 0, 1, 0, 1, 0] }), "form-error"],
	["a label of the reserved kind 01", packet({ question: [0x41, 97, 0, 0, 1, 0, 1] }), "form-error"],
	["a label of the reserved kind 10", packet({ question: [0x80, 97, 0, 0, 1, 0, 1] }), "form-error"],
	["a label that runs past the end", packet({ question: [63, 97, 97] }), "form-error"],
	["a name without an end", packet({ question: [1, 97] }), "form-error"],
	["a name of 256 octets", packet({ question: [...longName(256), 0, 1, 0, 1] }), "form-error"],
	["no type", packet({ question: [...NAME] }), "form-error"],
	["half a class", packet({ question: [...NAME, 0, 1, 0] }), "form-error"],
	["octets behind the question", packet({ rest: [1, 2, 3] }), "form-error"],
	["OPT announced, not there", packet({ counts: [1, 0, 0, 1] }), "form-error"],
	["two OPT", packet({ counts: [1, 0, 0, 2], rest: [...OPT, ...OPT] }), "form-error"],
	["OPT of another name", packet({ counts: [1, 0, 0, 1], rest: [1, 97, ...OPT] }), "form-error"],
	[
		"a record that is no OPT",
		packet({ counts: [1, 0, 0, 1], rest: [0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0] }),
		"form-error",
	],
	[
		"OPT longer than the packet",
		packet({ counts: [1, 0, 0, 1], rest: [...OPT.slice(0, 10), 9] }),
		"form-error",
	],
	["an option longer than OPT", optWith([0, 10, 0, 9, 1, 2]), "form-error"],
	["half an option", optWith([0, 10, 0]), "form-error"],
	[
		"EDNS version 1",
		packet({ counts: [1, 0, 0, 1], rest: [0, 0, 41, 4, 208, 0, 1, 0, 0, 0, 0] }),
		"bad-version",
	],
	["type 0", packet({ question: [...NAME, 0, 0, 0, 1] }), "form-error"],
	["OPT as a question", packet({ question: [...NAME, 0, 41, 0, 1] }), "form-error"],
	["version.bind CH TXT", packet({ question: [...NAME, 0, 16, 0, 3] }), "refuse"],
	["class ANY", packet({ question: [...NAME, 0, 1, 0, 255] }), "refuse"],
	["AXFR", packet({ question: [...NAME, 0, 252, 0, 1] }), "refuse"],
	["without RD", packet({ flags: 0x0000 }), "refuse"],
];

for (const [flaw, bytes, fate] of HOSTILE) {
	test(`hostile: ${flaw}`, () => assert.equal(fateOf(bytes), fate));
}

test("a name of 255 octets is the longest", () => {
	assert.equal(fateOf(packet({ question: [...longName(255), 0, 1, 0, 1] })), "ask");
});

test("every prefix of a good query is settled, and none of them asked", () => {
	const whole = packet({ counts: [1, 0, 0, 1], rest: OPT });
	for (let length = 0; length < whole.length; length++) {
		assert.notEqual(readQuery(whole, 0, length, view), "ask", `${length} octets`);
	}
	assert.equal(fateOf(whole), "ask");
});

test("any octets are settled without a look past their end", () => {
	fc.assert(
		fc.property(fc.uint8Array({ maxLength: 80 }), fc.nat(5), (bytes, margin) => {
			const roomy = new Uint8Array(bytes.length + margin).fill(0xff);
			roomy.set(bytes);
			const alone = readQuery(bytes, 0, bytes.length, view);
			assert.equal(readQuery(roomy, 0, bytes.length, view), alone);
			if (view.questionEnd !== 0) assert.ok(view.questionEnd <= bytes.length);
		}),
		{ numRuns: 20_000 },
	);
});

function optWith(options: readonly number[]): Uint8Array {
	const rest = [0, 0, 41, 4, 208, 0, 0, 0, 0, 0, options.length, ...options];
	return packet({ counts: [1, 0, 0, 1], rest });
}

/** Labels of `a`, `octets` with the root. */
function longName(octets: number): number[] {
	const name: number[] = [];
	while (name.length < octets - 1) {
		const label = Math.min(63, octets - 2 - name.length);
		name.push(label, ...Array.from({ length: label }, () => 97));
	}
	return [...name, 0];
}
