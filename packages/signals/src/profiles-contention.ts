/**
 * Decodes the text form of the block and mutex profiles: /debug/pprof/block?debug=1 and mutex?debug=1.
 *
 *     --- mutex:
 *     cycles/second=2100000000
 *     sampling period=5
 *     98765 3 @ 0x47c74c 0x47f669 0x4dab25
 *     #	0x4dab24	main.work+0x144		/srv/app/main.go:4
 *
 * Specification: writeProfileInternal in src/runtime/pprof/pprof.go, Go 1.19.8 to 1.27.1; the records are those
 * of debug1-records.ts.
 *
 *     PAGE := "--- " ("contention" | "mutex") ":" {NAME "=" NUMBER} {RECORD blank}      HEAD := CYCLES " " COUNT " @"
 *
 * The sampling period is not applied: the runtime has multiplied by it before it prints. `go tool pprof` reads this
 * text as if it had not, so with a period of 5 it shows five times too much; on the protobuf form it agrees with us.
 */
import { Debug1Reader } from "./debug1-records.ts";
import type { Decoded } from "./decoded.ts";
import { Flaws } from "./flaws.ts";
import { lineEnd, textEnd, textOf } from "./goroutines-debug2-bytes.ts";
import type { Profile } from "./profiles.ts";
import { profileOfRecords } from "./profiles-records.ts";
import { quoteBytes } from "./quote-bytes.ts";

/** Lines between the title and the records; Go has two. */
const ATTRIBUTES_MAX = 20;
const LINE_BYTES_MAX = 200;

const TITLE = /^--- (?:contention|mutex):$/u;
const ATTRIBUTE = /^([\w/ ]{1,40})=(\d{1,15})$/u;
const HEAD = /^(\d{1,18}) (\d{1,18})$/u;

const TYPES = [
	{ type: "contentions", unit: "count" },
	{ type: "delay", unit: "nanoseconds" },
];

export function decodeContentionDebug1(bytes: Uint8Array): Decoded<Profile> {
	const first = lineAt(bytes, 0);
	if (!TITLE.test(first.text)) return { kind: "foreign", found: quoteBytes(bytes, 0, bytes.length) };
	const attributes = new Map<string, number>();
	let at = first.next;
	for (let line = 0; line < ATTRIBUTES_MAX; line++) {
		const { text, next } = lineAt(bytes, at);
		const [, name, value] = ATTRIBUTE.exec(text) ?? [];
		if (name === undefined) break;
		attributes.set(name, Number(value));
		at = next;
	}
	const flaws = new Flaws();
	const reader = new Debug1Reader(bytes, at, { head: cyclesOf }, flaws);
	reader.cut();
	const hertz = attributes.get("cycles/second") ?? 0;
	if (hertz === 0) flaws.malformed("expected cycles/second=N: delays are in cycles, not nanoseconds", 0);
	const nanoseconds = hertz === 0 ? 1 : 1e9 / hertz;
	const records = reader.records.map(({ head: { cycles, count }, frames, labels }) => ({
		frames,
		labels,
		values: [count, BigInt(Math.trunc(cycles * nanoseconds))],
	}));
	return { kind: "decoded", value: profileOfRecords(TYPES, records), flaws: flaws.list() };
}

function cyclesOf(text: string): { cycles: number; count: bigint } | undefined {
	const [, cycles, count] = HEAD.exec(text) ?? [];
	return cycles === undefined || count === undefined
		? undefined
		: { cycles: Number(cycles), count: BigInt(count) };
}

function lineAt(bytes: Uint8Array, start: number): { text: string; next: number } {
	const newline = lineEnd(bytes, start);
	const end = Math.min(textEnd(bytes, start, newline), start + LINE_BYTES_MAX);
	return { text: textOf(bytes, start, end), next: newline + 1 };
}
