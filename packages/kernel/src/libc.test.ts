/** An installation without the optional koffi: answers, no crash, and the next route works. */
import assert from "node:assert/strict";
import { registerHooks } from "node:module";
import { test } from "node:test";

registerHooks({
	resolve(specifier, context, next) {
		if (specifier === "koffi") throw new Error("Cannot find package 'koffi'");
		return next(specifier, context);
	},
});

// Loaded after the hook stands.
const { loadLibc } = await import("./libc.ts");
const { dumpSockets } = await import("./sock-diag.ts");
const { loadBpf } = await import("./bpf-system-call.ts");
const { openTracefs } = await import("./tracefs.ts");
const { readNetworkSysctls } = await import("./network-sysctls.ts");

const refusal = {
	kind: "refused",
	code: "unsupported",
	why: "koffi could not be loaded (Cannot find package 'koffi'); npm install koffi",
};

test("without koffi every reader that needs it refuses in words", async () => {
	assert.deepEqual(await loadLibc(), refusal);
	assert.deepEqual(await loadBpf(), refusal);
	assert.deepEqual(await openTracefs([]), refusal);
	assert.deepEqual(await dumpSockets({ rowsMax: 10 }), refusal);
	assert.deepEqual(await readNetworkSysctls(1), refusal);
});

test("what needs no koffi works without it", async () => {
	assert.equal((await readNetworkSysctls()).kind, "read");
});
