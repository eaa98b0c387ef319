import assert from "node:assert/strict";
import { test } from "node:test";
import { decodePprof } from "./profiles-pprof.ts";
import { redactProfile, withStrings } from "./redact-profile.ts";

/** Fields of a message as bytes: numbers below 128 as varints, text and messages length-delimited. */
function message(fields: readonly (readonly [number, number | string | Uint8Array])[]): Uint8Array {
	const bytes = fields.flatMap(([field, value]) => {
		if (typeof value === "number") return [field << 3, value];
		const inner = typeof value === "string" ? new TextEncoder().encode(value) : value;
		const length = inner.length < 128 ? [inner.length] : [(inner.length & 127) | 128, inner.length >> 7];
		return [(field << 3) | 2, ...length, ...inner];
	});
	return Uint8Array.from(bytes);
}

const TOKEN = `eyJhbGciOiJIUzI1NiJ9.${"x".repeat(150)}`;

/** Two samples labelled route=/orders and token=..., the second with a URL that has a password. */
function profile(token = TOKEN): Uint8Array {
	const label = (key: number, text: number) =>
		message([
			[1, key],
			[2, text],
		]);
	const sample = (...labels: Uint8Array[]) =>
		message([[1, 1], [2, 7], ...labels.map((each) => [3, each] as const)]);
	return message([
		[
			1,
			message([
				[1, 1],
				[2, 2],
			]),
		],
		[2, sample(label(3, 4), label(5, 6))],
		[2, sample(label(7, 8))],
		[
			4,
			message([
				[1, 1],
				[
					4,
					message([
						[1, 1],
						[2, 42],
					]),
				],
			]),
		],
		[
			5,
			message([
				[1, 1],
				[2, 9],
				[4, 10],
			]),
		],
		...["", "cpu", "nanoseconds", "route", "/orders", "token", token, "peer"].map((s) => [6, s] as const),
		[6, "postgres://app:s3cret@db/orders"],
		[6, "main.main"],
		[6, "main.go"],
	]);
}

test("secrets in label values are gone, the rest is as it was", () => {
	const decoded = decodePprof(redactProfile(profile()));
	assert.ok(decoded.kind === "decoded");
	assert.deepEqual(decoded.flaws, []);
	const labels = [0, 1].map((i) => decoded.value.labels.at(i)?.strings);
	assert.deepEqual(labels[0], { route: "/orders", token: "***" });
	assert.match(labels[1]?.peer ?? "", /^postgres:\/\/.*@db\/orders$/);
	assert.ok(!JSON.stringify(labels).includes("s3cret"));
	assert.equal(decoded.value.stacks.at(0)?.[0]?.func, "main.main");
	assert.deepEqual([...decoded.value.values], [7n, 7n]);
});

test("nothing to hide: the very same bytes", () => {
	const clean = message([
		[
			1,
			message([
				[1, 1],
				[2, 2],
			]),
		],
		[6, ""],
		[6, "cpu"],
		[6, "nanoseconds"],
	]);
	assert.equal(redactProfile(clean), clean);
});

test("labels beyond the bound are hidden unread", () => {
	const decoded = decodePprof(redactProfile(profile(), 1));
	assert.ok(decoded.kind === "decoded");
	const labels = [0, 1].map((i) => decoded.value.labels.at(i)?.strings);
	assert.deepEqual(labels, [{ route: "/orders", token: "***" }, { peer: "***" }]);
});

test("cut at any byte it does not throw, and shows no secret that a decoder could read", () => {
	const whole = profile("hunter2-hunter2");
	for (let end = 0; end <= whole.length; end++) {
		const decoded = decodePprof(redactProfile(whole.subarray(0, end)));
		if (decoded.kind !== "decoded") continue;
		const labels = Array.from({ length: decoded.value.labels.length }, (_, i) => decoded.value.labels.at(i));
		assert.ok(!JSON.stringify(labels.map((l) => l?.strings)).includes("hunter2"), String(end));
	}
});

test("any string can be changed, and the rest is as it was", () => {
	const decoded = decodePprof(
		withStrings(profile(), (text) => text.replace("main.go", "/src/orders/main.go")),
	);
	assert.ok(decoded.kind === "decoded");
	assert.deepEqual(decoded.flaws, []);
	assert.deepEqual(decoded.value.stacks.at(0)?.[0], {
		func: "main.main",
		file: "/src/orders/main.go",
		line: 42,
	});
	const bytes = profile();
	assert.equal(
		withStrings(bytes, (text) => text),
		bytes,
	);
});
