import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { cookieValue, requestCookie } from "./cookie-value.ts";
import { plainHead } from "./testing/plain-request.ts";

test("the value of one cookie", () => {
	assert.equal(cookieValue("theme=dark; session=abc", "session"), "abc");
	assert.equal(cookieValue("session=abc", "session"), "abc");
	assert.equal(cookieValue("session=abc;theme=dark", "theme"), "dark");
	assert.equal(cookieValue("session=a=b==; x=1", "session"), "a=b==");
	assert.equal(cookieValue('lang="de"; x=1', "lang"), "de");
	assert.equal(cookieValue("session=; x=1", "session"), "");
	assert.equal(cookieValue("session=abc  ; x=1", "session"), "abc");
});

test("what only looks like it is not it", () => {
	assert.equal(cookieValue("mysession=abc", "session"), undefined);
	assert.equal(cookieValue("session2=abc", "session"), undefined);
	assert.equal(cookieValue("Session=abc", "session"), undefined);
	assert.equal(cookieValue("x=session=abc", "session"), undefined);
	assert.equal(cookieValue("x=1, session=abc", "session"), undefined);
	assert.equal(cookieValue('x="; session=abc', "session"), "abc");
	assert.equal(cookieValue("session", "session"), undefined);
	assert.equal(cookieValue("", "session"), undefined);
});

test("the first of a name counts, and one with what no cookie may have counts as absent", () => {
	assert.equal(cookieValue("session=a; session=b", "session"), "a");
	for (const value of ["a b", 'a"b', "a,b", "a\\b", "a\u00e9", "a\x01"]) {
		assert.equal(cookieValue(`session=${value}; session=b`, "session"), undefined, value);
	}
});

test("whatever stands around it", () => {
	const name = fc.constantFrom("a", "session", "sess");
	const value = fc.constantFrom("", "1", "x=y", "session");
	fc.assert(
		fc.property(fc.array(fc.tuple(name, value)), (pairs) => {
			const first = pairs.find(([one]) => one === "session")?.[1];
			assert.equal(cookieValue(pairs.map((pair) => pair.join("=")).join("; "), "session"), first);
		}),
		{ seed: 20_263 },
	);
});

test("HTTP/2 may bring them in several fields", () => {
	const fields = ["cookie", "a=1", "x-a", "session=no", "cookie", "session=abc", "cookie", "session=late"];
	assert.equal(requestCookie(plainHead({ fields, version: "2" }), "session"), "abc");
	assert.equal(requestCookie(plainHead({ fields, version: "1.1" }), "session"), undefined);
	assert.equal(requestCookie(plainHead(), "session"), undefined);
});
