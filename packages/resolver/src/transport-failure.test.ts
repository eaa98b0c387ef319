/** Who is to blame for an error of a socket. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { failureOf } from "./transport-failure.ts";
import { verdictOn } from "./upstreams-try.ts";

function verdict(code: string): string {
	const end = failureOf(Object.assign(new Error(`bind ${code} 0.0.0.0`), { code }));
	assert.ok(end.kind === "failed");
	return verdictOn({ ...end, tookMs: 0 });
}

test("no server is to blame for descriptors and memory that we lack", () => {
	for (const code of ["EMFILE", "ENFILE", "ENOBUFS", "ENOMEM"]) assert.equal(verdict(code), "nothing", code);
	for (const code of ["ECONNREFUSED", "EHOSTUNREACH", "ENETUNREACH"])
		assert.equal(verdict(code), "unreachable", code);
});
