import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import {
	formatGrpcTimeout,
	grpcAnswer,
	grpcStatusOf,
	isGrpc,
	isGrpcFailure,
	parseGrpcTimeoutMs,
	percentEncoded,
} from "./grpc-answers.ts";
import { firstValue, type RequestHead } from "./message.ts";

describe("gRPC's words", () => {
	test("a content type of gRPC, with subtypes and parameters, but not gRPC-Web", () => {
		for (const type of ["application/grpc", "application/grpc+proto", "Application/gRPC; charset=x"])
			assert.equal(isGrpc(withType(type)), true, type);
		for (const type of ["application/grpc-web", "application/grpcx", "application/json", undefined])
			assert.equal(isGrpc(withType(type)), false, type);
	});

	test("a refusal is one head with the status, and its own fields", () => {
		const answer = grpcAnswer(429, "Too many.", ["retry-after", "3"]);
		assert.equal(answer.status, 200);
		assert.equal(answer.body.length, 0);
		assert.equal(firstValue(answer.fields, "content-type"), "application/grpc");
		assert.equal(firstValue(answer.fields, "grpc-status"), "8");
		assert.equal(firstValue(answer.fields, "grpc-message"), "Too many.");
		assert.equal(firstValue(answer.fields, "retry-after"), "3");
	});

	test("statuses of the gateway's own answers", () => {
		const expected: readonly (readonly [http: number, grpc: number])[] = [
			[400, 13],
			[401, 16],
			[403, 7],
			[404, 12],
			[408, 4],
			[413, 8],
			[418, 2],
			[429, 8],
			[431, 8],
			[499, 1],
			[500, 13],
			[501, 12],
			[502, 14],
			[503, 14],
			[504, 4],
			[508, 13],
		];
		for (const [http, grpc] of expected) assert.equal(grpcStatusOf(http), grpc, String(http));
	});

	test("which statuses speak against a server", () => {
		const against = Array.from({ length: 17 }, (_, status) => status).filter(isGrpcFailure);
		assert.deepEqual(against, [2, 4, 13, 14, 15]);
	});

	test("timeouts, all units", () => {
		const expected: readonly (readonly [string, number])[] = [
			["2H", 7_200_000],
			["3M", 180_000],
			["5S", 5000],
			["250m", 250],
			["1500u", 1.5],
			["99999999n", 99.999999],
			["0m", 0],
			["99999999H", 99_999_999 * 3_600_000],
		];
		for (const [text, ms] of expected) assert.equal(parseGrpcTimeoutMs(text), ms, text);
		for (const text of ["", "5", "S", "123456789m", "-1m", "1.5S", "5 S", "5s", "5SS", "５m", undefined])
			assert.equal(parseGrpcTimeoutMs(text), undefined, text);
	});

	test("a timeout that is passed on is never longer, and less than one in a thousand shorter", () => {
		fc.assert(
			fc.property(fc.double({ min: 1, max: 99_999_999 * 3_600_000, noNaN: true }), (ms) => {
				const text = formatGrpcTimeout(ms);
				assert.match(text, /^\d{1,8}[HMSmun]$/);
				const back = parseGrpcTimeoutMs(text) as number;
				assert.ok(back <= ms, `${text} of ${ms}`);
				assert.ok(ms - back < Math.max(1, ms / 1000), `${text} of ${ms}`);
			}),
		);
		assert.equal(formatGrpcTimeout(0.25), "250u");
		assert.equal(formatGrpcTimeout(0), "1u");
		assert.equal(formatGrpcTimeout(Number.MAX_VALUE), "99999999H");
	});

	test("a message says in ASCII what it said", () => {
		assert.equal(percentEncoded("50% \n ☃"), "50%25 %0A %E2%98%83");
		fc.assert(
			fc.property(fc.string({ unit: "grapheme" }), (message) => {
				const encoded = percentEncoded(message);
				assert.match(encoded, /^[ -~]*$/);
				assert.equal(decodeURIComponent(encoded), message);
			}),
		);
	});
});

function withType(type: string | undefined): RequestHead {
	return { value: (name: string) => (name === "content-type" ? type : undefined) } as RequestHead;
}
