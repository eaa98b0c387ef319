/** For tests: made-up pieces of goroutine dumps, and decoding what must be one. */
import assert from "node:assert/strict";
import { decodeGoroutinesDebug2 } from "../goroutines-debug2.ts";

/** One whole goroutine. */
export const goroutineText = (goid: number): string =>
	`goroutine ${goid} [select]:\nmain.work(0x1)\n\t/srv/app/main.go:7 +0x1d\n\n`;

/** Decodes a text that is to be recognised as a dump. */
export function decodeDump(text: string) {
	const answer = decodeGoroutinesDebug2(Buffer.from(text));
	assert.ok(answer.kind === "decoded");
	return answer;
}
