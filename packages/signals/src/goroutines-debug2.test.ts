/**
 * Real dumps (recorded by fixtures/goroutines/programs/record.sh) against goldens a person can read,
 * against a naive reader built from regular expressions, and cut at every byte.
 */
import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import {
	type Frame,
	GOROUTINE_DURABLE,
	GOROUTINE_LEAKED,
	GOROUTINE_LOCKED_TO_THREAD,
	GOROUTINE_SCAN,
	GOROUTINE_STACK_UNAVAILABLE,
	type GoroutineTable,
} from "./goroutines.ts";
import { decodeGoroutinesDebug2 } from "./goroutines-debug2.ts";

const folder = new URL("../fixtures/goroutines/", import.meta.url);
const dumps = readdirSync(folder).filter((name) => name.endsWith(".debug2.txt"));

const FLAGS: readonly (readonly [number, string])[] = [
	[GOROUTINE_LEAKED, "leaked"],
	[GOROUTINE_SCAN, "scan"],
	[GOROUTINE_DURABLE, "durable"],
	[GOROUTINE_LOCKED_TO_THREAD, "locked to thread"],
	[GOROUTINE_STACK_UNAVAILABLE, "stack unavailable"],
];

function decoded(bytes: Uint8Array) {
	const answer = decodeGoroutinesDebug2(bytes);
	assert.equal(answer.kind, "decoded");
	return answer as Extract<typeof answer, { kind: "decoded" }>;
}

const place = ({ func, file, line }: Frame) => `${func} ${file || "-"}:${line}`;

/** Equal frames in a row are folded: the recursion of the states program has a hundred. */
function folded(lines: readonly string[]): string[] {
	return lines.flatMap((line, at) => {
		if (line === lines[at - 1]) return [];
		let times = 1;
		while (lines[at + times] === line) times++;
		return [times === 1 ? line : `${line}  (${times} times)`];
	});
}

function summary(table: GoroutineTable): string {
	const goroutines = Array.from(table.goid, (goid, i) => {
		const flags = FLAGS.filter(([bit]) => ((table.flags[i] ?? 0) & bit) !== 0).map(([, name]) => name);
		const labels = table.labels[(table.labelsOf[i] ?? 0) - 1];
		return [
			`goroutine ${goid}: ${table.states[table.stateOf[i] ?? 0]}, stack ${table.stackOf[i]}`,
			...flags,
			...(table.minutes[i] ? [`${table.minutes[i]} minutes`] : []),
			...(table.creatorGoid[i] ? [`by goroutine ${table.creatorGoid[i]}`] : []),
			...(labels ? [`labels ${JSON.stringify(labels)}`] : []),
			`argument ${table.firstArgument(i, 0) ?? "-"}`,
		].join(", ");
	});
	const stacks = table.stacks.map(({ id, frames, createdBy, elided }) => {
		const lines = frames.map((frame) => `  ${place(frame)}`);
		if (elided) lines.splice(elided.after + 1, 0, `  ... ${elided.count ?? "some"} frames elided`);
		if (createdBy) lines.push(`  created by ${place(createdBy)}`);
		return [`stack ${id}`, ...folded(lines)].join("\n");
	});
	return `${[...goroutines, "", ...stacks].join("\n")}\n`;
}

for (const name of dumps) {
	test(`${name}: as in its golden`, () => {
		const { value, flaws } = decoded(readFileSync(new URL(name, folder)));
		const golden = new URL(name.replace(".txt", ".golden.txt"), folder);
		if (process.env.UPDATE_GOLDENS === "1") writeFileSync(golden, summary(value));
		assert.equal(summary(value), readFileSync(golden, "utf8"));
		assert.deepEqual(flaws, []);
	});
}

/** What the naive reader and the decoder must agree on, a goroutine. */
interface Plain {
	readonly goid: number;
	readonly state: string;
	readonly frames: readonly string[];
	readonly createdBy: string | undefined;
	readonly creator: number;
	readonly firstArguments: readonly (string | undefined)[];
}

function naive(text: string): Plain[] {
	return text.split(/\n\n+/).flatMap((block) => {
		const header = /^goroutine (\d+) .*?\[(.*?)(?:,.*|\].*| labels:.*):$/m.exec(block);
		if (header === null) return [];
		const own = block.slice(header.index).split("\n[originating")[0] ?? "";
		const calls = [
			...own.matchAll(
				/^(?:([^\t\n].*)\((.*)\)|(non-Go function at pc=.*|\w+))$(?:\n\t(.*?:\d+)(?= |$).*)?/gm,
			),
		].filter(([line]) => !line.startsWith("created by "));
		const created = /^created by (.*?)(?: in goroutine (\d+))?\n\t(.*?:\d+)(?: |$)/m.exec(own);
		return {
			goid: Number(header[1]),
			state: (header[2] ?? "").replace(/ \((leaked|scan|durable)\)/g, ""),
			frames: calls.map(([, func, , bare, at]) => `${func ?? bare?.replace(/ at pc=.*/, "")} ${at ?? "-:0"}`),
			createdBy: created ? `${created[1]} ${created[3]}` : undefined,
			creator: Number(created?.[2] ?? 0),
			firstArguments: calls.map(([, , args]) => /^\{*(0x[0-9a-f]+)/.exec(args ?? "")?.[1]),
		};
	});
}

function plain(table: GoroutineTable): Plain[] {
	return Array.from(table.goid, (goid, i) => {
		const { frames, createdBy } = table.stacks[table.stackOf[i] ?? 0] ?? { frames: [] };
		return {
			goid,
			state: table.states[table.stateOf[i] ?? 0] ?? "",
			frames: frames.map(place),
			createdBy: createdBy && place(createdBy),
			creator: table.creatorGoid[i] ?? 0,
			firstArguments: frames.map((_, frame) => table.firstArgument(i, frame)),
		};
	});
}

const stackOf = (table: GoroutineTable, i: number) => table.stacks[table.stackOf[i] ?? -1];

for (const name of dumps) {
	test(`${name}: as the naive reader has it, with either line ending`, () => {
		const text = readFileSync(new URL(name, folder), "utf8");
		assert.deepEqual(plain(decoded(Buffer.from(text)).value), naive(text));
		assert.deepEqual(plain(decoded(Buffer.from(text.replaceAll("\n", "\r\n"))).value), naive(text));
	});

	test(`${name}: cut at every byte, no whole goroutine is lost`, () => {
		const bytes = readFileSync(new URL(name, folder));
		const whole = decoded(bytes).value;
		const first = whole.offset[0] ?? 0;
		for (let length = first + "goroutine 1".length; length < bytes.length; length++) {
			const { value, flaws } = decoded(bytes.subarray(0, length));
			const begun = whole.offset.filter((offset) => offset < length).length;
			assert.ok(
				value.count === begun || value.count === begun - 1,
				`${value.count} of ${begun} at ${length}`,
			);
			// The last one may lack frames; all before it are complete, and stacks are numbered as they come.
			for (const column of ["goid", "stackOf", "stateOf", "labelsOf", "creatorGoid"] as const) {
				assert.deepEqual(value[column].subarray(0, begun - 1), whole[column].subarray(0, begun - 1));
			}
			assert.deepEqual(stackOf(value, begun - 2), stackOf(whole, begun - 2));
			// Its last frame may lack its file line.
			const frames = stackOf(value, begun - 1)?.frames.slice(0, -1) ?? [];
			assert.deepEqual(frames, stackOf(whole, begun - 1)?.frames.slice(0, frames.length));
			if (bytes[length - 1] !== 0x0a) assert.equal(flaws.at(-1)?.kind, "truncated");
			assert.ok(flaws.every(({ kind, at }) => kind === "truncated" && at <= length));
		}
	});
}

test("quote gives the goroutine as dumped, at most so many lines", () => {
	const { value } = decoded(readFileSync(new URL("go1.27-ancestors.debug2.txt", folder)));
	assert.equal(value.quote(0, 10), "goroutine 1 [running]:\nmain.main()\n\t/srv/app/main.go:38 +0x16f");
	assert.equal(value.quote(1, 2).split("\n").length, 2);
	assert.equal(value.quote(3, 2), "");
	assert.equal(value.quote(0, 0), "");
});
