/** What is fuzzed, each with real inputs to start from. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Part, PartFormat } from "@plumbline/signals/capture";
import { decodeCapture, FORMATS } from "@plumbline/signals/decode";
import { encodeGoTrace } from "@plumbline/signals/go-trace-json";
import { decodeGoTraceV2 } from "@plumbline/signals/go-trace-v2";
import { recoverPaste } from "@plumbline/signals/paste-recover";
import { readCapture } from "../../file.ts";
import { isDnsMessage, tryDnsMessage } from "./dns-message.ts";

export interface Target {
	readonly name: string;
	readonly seeds: readonly Uint8Array[];
	/** Decodes, and looks at all of what came out. */
	readonly run: (bytes: Uint8Array) => void;
}

const HOUSE = join(import.meta.dirname, "..", "..", "..", "..", "..");
const FIXTURES = join(HOUSE, "packages", "signals", "fixtures");
const CAPTURES = join(HOUSE, "captures");
const SEEDS_MAX = 24;
/** Long seeds make slow inputs: a text is as good in its first lines. JSON and what is binary needs all of itself. */
const TEXT_BYTES_MAX = 1 << 10;
const WHOLE_BYTES_MAX = 24 << 10;
const CAPTURES_READ_MAX = 12;
/** Values looked at of one decoded input. */
const TOUCHED_MAX = 400;

/** By format, the recovery of pasted text, and DNS messages. `only` narrows it. */
export async function fuzzTargets(only?: string): Promise<Target[]> {
	const files = await realInputs();
	const targets = (Object.keys(FORMATS) as PartFormat[]).map((format) => ({
		name: format,
		seeds: seedsOf(files, (bytes) => decodes(format, bytes)),
		run: (bytes: Uint8Array) => touch(decodeOne(format, bytes)),
	}));
	const paste = {
		name: "paste",
		seeds: seedsOf(files, (bytes) => recoverPaste(bytes).pieces.length > 0),
		run: (bytes: Uint8Array) => touch(recoverPaste(bytes)),
	};
	const dns = { name: "dns-message", seeds: seedsOf(files, isDnsMessage), run: tryDnsMessage };
	return [...targets, paste, dns].filter(({ name }) => only === undefined || name === only);
}

async function realInputs(): Promise<Uint8Array[]> {
	const fixtures = readdirSync(FIXTURES, { recursive: true, encoding: "utf8" })
		.map((name) => join(FIXTURES, name))
		.filter((path) => statSync(path).isFile())
		.map((path) => new Uint8Array(readFileSync(path)));
	const names = readdirSync(CAPTURES).filter((name) => name.endsWith(".plumb"));
	const every = Math.max(1, Math.floor(names.length / CAPTURES_READ_MAX));
	const captures = await Promise.all(
		names
			.filter((_, i) => i % every === 0)
			.map((name) => readCapture(join(CAPTURES, name), new AbortController().signal)),
	);
	// A capture keeps a trace decoded, as JSON of our own.
	const traces = fixtures
		.map(decodeGoTraceV2)
		.flatMap((d) => (d.kind === "decoded" ? encodeGoTrace(d.value) : []));
	return [...fixtures, ...traces, ...captures.flatMap(({ parts }) => parts.map(({ bytes }) => bytes))];
}

function seedsOf(files: readonly Uint8Array[], isMine: (bytes: Uint8Array) => boolean): Uint8Array[] {
	const cut = files.map((bytes) => bytes.slice(0, isLines(bytes) ? TEXT_BYTES_MAX : WHOLE_BYTES_MAX));
	return cut.filter(isMine).slice(0, SEEDS_MAX);
}

function isLines(bytes: Uint8Array): boolean {
	return !bytes.subarray(0, 512).includes(0) && bytes[0] !== "{".charCodeAt(0);
}

function decodes(format: PartFormat, bytes: Uint8Array): boolean {
	return bytes.length > 0 && decodeOne(format, bytes).gaps.every(({ why }) => !/ holds /.test(why));
}

function decodeOne(format: PartFormat, bytes: Uint8Array) {
	const moment = { wallMs: 0, monoMs: 0 } as Part["start"];
	const part: Part = { name: "fuzzed", format, sample: 0, source: "fuzz", start: moment, end: moment, bytes };
	return decodeCapture({
		takenBy: "fuzz",
		target: {},
		window: { start: moment, end: moment },
		parts: [part],
		gaps: [],
	});
}

/** Reads values, also those that are only made when asked for. */
function touch(value: unknown): void {
	const waiting: unknown[] = [value];
	for (let seen = 0; waiting.length > 0 && seen < TOUCHED_MAX; seen++) {
		const next = waiting.pop();
		if (typeof next !== "object" || next === null || ArrayBuffer.isView(next)) continue;
		if (isOnDemand(next)) for (let i = 0; i < Math.min(next.length, 50); i++) waiting.push(next.at(i));
		if (isGoroutineTable(next) && next.count > 0) {
			next.quote(next.count - 1, 20);
			next.firstArgument(0, 0);
		}
		waiting.push(...(Array.isArray(next) ? next.slice(0, 200) : Object.values(next)));
	}
}

function isOnDemand(value: object): value is { readonly length: number; at(index: number): unknown } {
	return !Array.isArray(value) && "length" in value && "at" in value && typeof value.at === "function";
}

function isGoroutineTable(value: object): value is {
	readonly count: number;
	quote(goroutine: number, lines: number): string;
	firstArgument(goroutine: number, frame: number): string | undefined;
} {
	return "quote" in value && typeof value.quote === "function" && "firstArgument" in value;
}
