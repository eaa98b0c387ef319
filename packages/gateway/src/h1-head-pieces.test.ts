/** The same head, whole or in pieces, and as a naive reader has it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Chance } from "@plumbline/resolver/testing/fuzz/chance";
import fc from "fast-check";
import { H1RequestHead, parseRequestHead } from "./h1-request.ts";
import { H1ResponseHead, parseResponseHead } from "./h1-response.ts";
import { agreesOnRequest, agreesOnResponse } from "./testing/h1-agreement.ts";
import { someRequest, someResponse } from "./testing/h1-heads.ts";
import { bytesOf, inPieces, plain, requestOf, responseOf, TEST_LIMITS } from "./testing/h1-pieces.ts";

const RUNS = 3000;

/** A text and where it is cut. */
function texts(some: (chance: Chance) => string): fc.Arbitrary<readonly [text: string, cuts: number[]]> {
	return fc
		.integer({ min: 0 })
		.map((seed) => some(new Chance(seed, 0)))
		.chain((text) =>
			fc.tuple(
				fc.constant(text),
				fc.oneof(
					fc.constant(Array.from({ length: text.length }, (_, at) => at)),
					fc
						.array(fc.nat({ max: text.length }), { maxLength: 6 })
						.map((cuts) => cuts.toSorted((a, b) => a - b)),
				),
			),
		);
}

test("a request's head in pieces is the one at once", () => {
	fc.assert(
		fc.property(texts(someRequest), ([text, cuts]) => {
			const head = new H1RequestHead("http");
			const answer = inPieces(bytesOf(text), cuts, (bytes, start, end) =>
				parseRequestHead(bytes, start, end, TEST_LIMITS, head),
			);
			const whole = requestOf(text);
			// Of a line without an end only its beginning may be at fault, which pieces need not have seen yet.
			if (answer === 0 && whole.fault !== undefined) assert.match(text, /[^\n]$/);
			else assert.deepEqual(plain(head), plain(whole.head));
			assert.equal(answer > 0 ? answer : undefined, whole.length);
		}),
		{ numRuns: RUNS },
	);
});

test("a response's head in pieces is the one at once", () => {
	fc.assert(
		fc.property(texts(someResponse), ([text, cuts]) => {
			const head = new H1ResponseHead();
			const answer = inPieces(bytesOf(text), cuts, (bytes, start, end) =>
				parseResponseHead(bytes, start, end, TEST_LIMITS, "GET", head),
			);
			const whole = responseOf(text);
			if (answer === 0 && whole.fault !== undefined) assert.match(text, /[^\n]$/);
			else assert.deepEqual(plain(head), plain(whole.head));
			assert.equal(answer > 0 ? answer : undefined, whole.length);
		}),
		{ numRuns: RUNS },
	);
});

test("cut short anywhere a sound head is not whole, and nothing else", () => {
	const request =
		"\r\nPOST /a HTTP/1.1\r\nHost: a.example\r\nX-A: 1\r\nContent-Length: 5\r\nConnection: close, x-a\r\n\r\n";
	const response = "HTTP/1.1 200 OK\r\nX-A: 1\r\nContent-Length: 5\r\n\r\n";
	for (let end = 0; end < request.length; end++) {
		const { length, fault } = requestOf(request.slice(0, end));
		assert.deepEqual([length, fault], [undefined, undefined], `${end}`);
	}
	for (let end = 0; end < response.length; end++) {
		const { length, fault } = responseOf(response.slice(0, end));
		assert.deepEqual([length, fault], [undefined, undefined], `${end}`);
	}
});

test("a naive reader says the same", () => {
	fc.assert(
		fc.property(fc.integer({ min: 0 }), (seed) => {
			agreesOnRequest(someRequest(new Chance(seed, 0)));
			agreesOnResponse(someResponse(new Chance(seed, 1)), seed % 2 === 0 ? "GET" : "HEAD");
		}),
		{ numRuns: RUNS },
	);
});

test("one view after another head has nothing left of it", () => {
	fc.assert(
		fc.property(fc.integer({ min: 0 }), fc.integer({ min: 0 }), (one, other) => {
			const head = new H1RequestHead("http");
			const first = bytesOf(someRequest(new Chance(one, 0)));
			if (parseRequestHead(first, 0, first.length, TEST_LIMITS, head) === 0) head.release();
			const text = someRequest(new Chance(other, 0));
			parseRequestHead(bytesOf(text), 0, text.length, TEST_LIMITS, head);
			if (head.fault === undefined) assert.deepEqual(plain(head), plain(requestOf(text).head));
			assert.deepEqual(head.fault, requestOf(text).fault);
		}),
	);
});
