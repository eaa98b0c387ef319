import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import {
	durationMs,
	durationText,
	place,
	placeText,
	rate,
	share,
	sizeBytes,
	sizeText,
} from "./config-units.ts";
import { nearest } from "./config-unknown-key.ts";

test("times, sizes, rates and shares", () => {
	assert.deepEqual(
		["250ms", "10s", "1.5m", "2h", "0", "5min"].map(durationMs),
		[250, 10_000, 90_000, 7_200_000, 0, 300_000],
	);
	assert.deepEqual(["10", "s", "-1s", "1e3s", "1 s", "10S"].map(durationMs), Array(6).fill(undefined));
	assert.deepEqual(["64KiB", "1MB", "0", "1.5KiB"].map(sizeBytes), [65_536, 1_000_000, 0, 1536]);
	assert.deepEqual(["64K", "64kb", "1"].map(sizeBytes), Array(3).fill(undefined));
	assert.deepEqual(rate("20/10s"), { requests: 20, perMs: 10_000 });
	assert.deepEqual(rate("5/min"), { requests: 5, perMs: 60_000 });
	assert.deepEqual(["5", "5/", "/s", "1.5/s"].map(rate), Array(4).fill(undefined));
	assert.deepEqual(["5%", "0.1%", "100%", "5"].map(share), [0.05, 0.001, 1, undefined]);
});

test("what is written is read as the same", () => {
	fc.assert(
		fc.property(fc.nat(1e12), (value) => {
			assert.equal(durationMs(durationText(value)), value);
			assert.equal(sizeBytes(sizeText(value)), value);
		}),
	);
});

test("places", () => {
	for (const text of ["127.0.0.1:80", "[::1]:0", "unix:/run/x.sock"]) {
		const read = place(text);
		assert.ok(read !== undefined, text);
		assert.equal(placeText(read), text);
	}
	assert.deepEqual(place(":80"), { host: "::", port: 80, path: undefined });
	for (const text of [
		"80",
		"localhost:80",
		"1.2.3.4",
		"1.2.3.4:65536",
		"::1:80",
		"[1.2.3.4]:80",
		"unix:x",
		`unix:/${"x".repeat(110)}`,
	]) {
		assert.equal(place(text), undefined, text);
	}
});

test("what may have been meant", () => {
	const known = ["listen", "routes", "upstreams", "timeouts", "drain"];
	assert.deepEqual(
		["lisen", "route", "Upstream", "tiemouts", "xyz", "l"].map((word) => nearest(word, known)),
		["listen", "routes", "upstreams", "timeouts", undefined, undefined],
	);
});
