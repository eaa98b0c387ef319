import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeCountsOnce, decodeDumpOnce } from "./decode-once.ts";
import { decodeGoroutinesDebug2 } from "./goroutines-debug2.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const DUMP = "goroutine 1 [running]:\nmain.main()\n\t/srv/a.go:7 +0x1\n";

test("the same bytes are decoded once, equal ones in another array again", () => {
	const dump = bytes(DUMP);
	assert.equal(decodeDumpOnce(dump), decodeDumpOnce(dump));
	assert.notEqual(decodeDumpOnce(dump), decodeDumpOnce(bytes(DUMP)));
});

test("it answers what the decoder answers, and one decoder's answer is not another's", () => {
	const dump = bytes(DUMP);
	const once = decodeDumpOnce(dump);
	const plain = decodeGoroutinesDebug2(dump);
	assert.ok(once.kind === "decoded" && plain.kind === "decoded");
	assert.deepEqual([once.value.stacks, once.flaws], [plain.value.stacks, plain.flaws]);
	assert.equal(decodeCountsOnce(dump).kind, "foreign");
});
