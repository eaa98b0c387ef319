/** Every damage on every recorded text: what loses nothing decodes to the same, or a loss says why it does not. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import type { PartFormat } from "./capture.ts";
import { decodeGoroutinesDebug1 } from "./goroutines-debug1.ts";
import { decodeGoroutinesDebug2 } from "./goroutines-debug2.ts";
import { recoverPaste } from "./paste-recover.ts";
import { decodePrometheus } from "./pools-prometheus.ts";
import { decodeProcNetTcp } from "./sockets-proc-net-tcp.ts";
import { decodeSs } from "./sockets-ss.ts";
import { DAMAGES, type Damage } from "./testing/paste-damage.ts";

const fixtures = new URL("../fixtures/", import.meta.url);
const read = (path: string) => readFileSync(new URL(path, fixtures), "utf8");
const inFolder = (folder: string, ending: string) =>
	readdirSync(new URL(folder, fixtures))
		.filter((name) => name.endsWith(ending))
		.map((name) => `${folder}${name}`);

/** What a dump says, goroutine by goroutine, without where it stood. */
function goroutines(bytes: Uint8Array): unknown {
	const decoded = decodeGoroutinesDebug2(bytes);
	assert.equal(decoded.kind, "decoded");
	if (decoded.kind !== "decoded") return undefined;
	const { value: table } = decoded;
	return Array.from(table.goid, (goid, i) => {
		const { id: _, ...stack } = table.stacks[table.stackOf[i] ?? 0] ?? { id: 0, frames: [] };
		const state = table.states[table.stateOf[i] ?? 0];
		const labels = table.labels[(table.labelsOf[i] ?? 0) - 1];
		const words = stack.frames.map((_frame, frame) => table.firstArgument(i, frame));
		return [goid, state, table.minutes[i], table.flags[i], table.creatorGoid[i], labels, stack, words];
	});
}

/** A decoded value without offsets, which move. */
function still(value: unknown): unknown {
	const text = JSON.stringify(value, (key, held) => {
		if (key === "offset") return undefined;
		return typeof held === "bigint" ? String(held) : held;
	});
	return JSON.parse(text);
}

const decodedValue = (decoded: { readonly kind: string; readonly value?: unknown }) => still(decoded.value);

interface Kind {
	readonly format: PartFormat;
	readonly files: readonly string[];
	readonly decode: (bytes: Uint8Array) => unknown;
}

const KINDS: readonly Kind[] = [
	{ format: "go-debug2", files: inFolder("goroutines/", ".debug2.txt"), decode: goroutines },
	{
		format: "go-debug1",
		files: inFolder("goroutines/", ".debug1.txt"),
		decode: (bytes) => decodedValue(decodeGoroutinesDebug1(bytes)),
	},
	{
		format: "prometheus",
		files: inFolder("pools/", ".txt"),
		decode: (bytes) => decodedValue(decodePrometheus(bytes)),
	},
	{ format: "ss", files: ["sockets/ss.txt"], decode: (bytes) => decodedValue(decodeSs(bytes)) },
	{
		format: "proc-net-tcp",
		files: ["sockets/proc-net-tcp.txt"],
		decode: (bytes) => decodedValue(decodeProcNetTcp(bytes)),
	},
];

/** A table of /proc/net/tcp that is wrapped within its second header is taken for two. */
const KNOWN: ReadonlySet<string> = new Set(["proc-net-tcp wrapped at 72"]);

function outcome({ format, decode }: Kind, text: string, damage: Damage): "same" | "told" | "silent" {
	const damaged = damage.apply(text);
	const { pieces } = recoverPaste(typeof damaged === "string" ? new TextEncoder().encode(damaged) : damaged);
	const alike = pieces.filter((piece) => piece.format === format);
	const [piece] = alike;
	const plain = decode(new TextEncoder().encode(text));
	if (alike.length === 1 && piece !== undefined && isDeepStrictEqual(decode(piece.bytes), plain)) {
		return piece.losses.length === 0 ? "same" : "told";
	}
	return alike.some(({ losses }) => losses.length > 0) ? "told" : "silent";
}

for (const damage of DAMAGES.filter(({ lossless }) => lossless)) {
	test(`${damage.name}: every recorded text decodes to the same`, () => {
		for (const kind of KINDS) {
			const outcomes = kind.files.map((file) => [file, outcome(kind, read(file), damage)] as const);
			if (KNOWN.has(`${kind.format} ${damage.name}`)) continue;
			for (const [file, what] of outcomes) assert.notEqual(what, "silent", file);
			// One text with C functions has names that other programs' words look like.
			const told = outcomes.filter(([, what]) => what === "told").length;
			assert.ok(told <= 1, `${kind.format}: ${told} of ${outcomes.length} with a loss`);
		}
	});
}

test("cut at every byte, in a log: never a throw, and no goroutine that was not there", () => {
	const text = read("goroutines/go1.27-leak.debug2.txt");
	const whole = new Set(text.match(/^goroutine \d+|^\S+\(|^created by \S+|^\t\S+:\d+ /gmu));
	for (const log of [
		(line: string) => `app-1  | ${line}`,
		(line: string) => `> ${line.replace("\t", "    ")}`,
	]) {
		const bytes = new TextEncoder().encode(text.split("\n").map(log).join("\n"));
		for (let length = 0; length < bytes.length; length++) {
			const { pieces } = recoverPaste(bytes.subarray(0, length));
			for (const piece of pieces) {
				const kept = new TextDecoder().decode(piece.bytes);
				for (const made of kept.match(/^goroutine \d+|^\S+\(|^created by \S+|^\t\S+:\d+ /gmu) ?? []) {
					assert.ok(whole.has(made), `${made} at ${length}`);
				}
			}
		}
	}
});
