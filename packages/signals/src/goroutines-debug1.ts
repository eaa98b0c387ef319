/**
 * Decodes a grouped goroutine profile: /debug/pprof/goroutine?debug=1, and any count profile printed
 * the same way (`goroutineleak`, `threadcreate`, custom profiles).
 *
 *     goroutine profile: total 6
 *     3 @ 0x47d8ea 0x45bd86 0x4e156f 0x4d790c 0x483681
 *     # labels: {"path":"/v1", "user":"anna"}
 *     #	0x4e156e	main.main.func1+0xe	/srv/app/main.go:13
 *     #	0x4d790b	runtime/pprof.Do+0x8b	/usr/local/go/src/runtime/pprof/runtime.go:57
 *
 * Specification: printCountProfile in src/runtime/pprof/pprof.go, Go 1.19.8 to 1.27.1; the records are those of
 * debug1-records.ts.
 *
 *     PROFILE := NAME " profile: total " N {RECORD blank}        HEAD := COUNT " @" {" 0x" PC}
 *
 * What it lacks: states, ids, creators, arguments. Equal stacks with other labels are other records.
 */
import { Debug1Reader } from "./debug1-records.ts";
import type { Decoded } from "./decoded.ts";
import { Flaws } from "./flaws.ts";
import type { GoroutineProfile } from "./goroutines.ts";
import { lineEnd, textEnd, textOf } from "./goroutines-debug2-bytes.ts";
import { quoteBytes } from "./quote-bytes.ts";

/** A profile's first line; anything longer is not a profile. */
const TITLE_BYTES_MAX = 200;

const TITLE = /^(\S.{0,99}) profile: total (\d{1,15})$/u;
const COUNT = /^\d{1,15}$/u;

/** A profile of counts, of goroutines or anything else, and what it calls itself. */
export interface CountProfile extends GoroutineProfile {
	/** `goroutine`, `goroutineleak`, `threadcreate`, or the name a program chose. */
	readonly name: string;
}

export function decodeGoroutinesDebug1(bytes: Uint8Array): Decoded<CountProfile> {
	const titleEnd = lineEnd(bytes, 0);
	const title = TITLE.exec(textOf(bytes, 0, Math.min(textEnd(bytes, 0, titleEnd), TITLE_BYTES_MAX)));
	if (title === null) return { kind: "foreign", found: quoteBytes(bytes, 0, bytes.length) };
	const [, name = "", total = "0"] = title;
	const flaws = new Flaws();
	const page = { head: (text: string) => (COUNT.test(text) ? Number(text) : undefined) };
	const reader = new Debug1Reader(bytes, titleEnd + 1, page, flaws);
	const records = reader.records.map(({ head, frames, labels, offset }) => ({
		count: head,
		frames,
		labels,
		offset,
	}));
	const counted = records.reduce((sum, { count }) => sum + count, 0);
	if (!reader.cut()) checkTotal(flaws, Number(total), counted, bytes.length);
	return { kind: "decoded", value: { name, total: Number(total), records }, flaws: flaws.list() };
}

function checkTotal(flaws: Flaws, total: number, counted: number, end: number): void {
	if (counted === total) return;
	const why = `expected ${total} goroutines, found records of ${counted}`;
	if (counted < total) flaws.truncated(why, end);
	else flaws.malformed(why, 0);
}
