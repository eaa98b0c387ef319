/** Recorded profiles and their text pages, as people can review them; and each cut at every byte. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import type { Decoded } from "./decoded.ts";
import { decodeGoroutinesDebug1 } from "./goroutines-debug1.ts";
import { goroutineProfileOf } from "./goroutines-pprof.ts";
import type { Profile } from "./profiles.ts";
import { decodeContentionDebug1 } from "./profiles-contention.ts";
import { decodePprof } from "./profiles-pprof.ts";
import { profileOfCounts } from "./profiles-records.ts";

const folder = new URL("../fixtures/profiles/", import.meta.url);
const names = readdirSync(folder).filter((name) => !name.includes("golden") && !name.includes("allocs"));

function decode(name: string, bytes: Uint8Array): Decoded<Profile> {
	if (name.endsWith(".pb")) return decodePprof(bytes);
	if (!name.includes("connections")) return decodeContentionDebug1(bytes);
	const counts = decodeGoroutinesDebug1(bytes);
	return counts.kind === "foreign" ? counts : { ...counts, value: profileOfCounts(counts.value) };
}

function summary({
	types,
	period,
	defaultType,
	count,
	stacks,
	stackOf,
	labels,
	labelsOf,
	values,
}: Profile): string {
	const head = `types ${types.map(({ type, unit }) => `${type}/${unit}`).join(" ")}, default ${defaultType ?? "none"}, period ${
		period === undefined ? "none" : `${period.value} ${period.type}/${period.unit}`
	}`;
	const samples = Array.from({ length: count }, (_, i) => {
		const set = labelsOf[i] ?? 0;
		const { strings, numbers } = set === 0 ? {} : (labels.at(set - 1) ?? {});
		const said = strings === undefined ? "" : ` ${JSON.stringify(strings)}`;
		const counted = (numbers ?? []).map(({ key, value, unit }) => ` ${key}=${value}${unit}`).join("");
		const calls = (stacks.at(stackOf[i] ?? 0) ?? []).map(
			({ func, file, line, inlined, startLine = 0 }) =>
				`\t${func} ${file}:${line}${startLine > 0 ? ` from ${startLine}` : ""}${inlined ? " inlined" : ""}`,
		);
		const numbersOf = values.subarray(i * types.length, (i + 1) * types.length).join(" ");
		return [`${numbersOf}${said}${counted}`, ...shortened(calls)].join("\n");
	});
	return `${[head, ...samples].join("\n")}\n`;
}

/** A call that recurs is shown once, with how often. */
function shortened(calls: readonly string[]): string[] {
	const short: { call: string; times: number }[] = [];
	for (const call of calls) {
		const last = short.at(-1);
		if (last?.call === call) last.times++;
		else short.push({ call, times: 1 });
	}
	return short.map(({ call, times }) => (times === 1 ? call : `${call} (${times} times)`));
}

for (const name of names) {
	test(`${name}: as in its golden`, () => {
		const answer = decode(name, readFileSync(new URL(name, folder)));
		assert.ok(answer.kind === "decoded");
		assert.deepEqual(answer.flaws, []);
		const golden = new URL(`${name}.golden.txt`, folder);
		if (process.env.UPDATE_GOLDENS === "1") writeFileSync(golden, summary(answer.value));
		assert.equal(summary(answer.value), readFileSync(golden, "utf8"));
	});

	test(`${name}: cut at every byte, it never has fewer samples than a shorter cut, and says that it is cut`, () => {
		const bytes = readFileSync(new URL(name, folder));
		const whole = decode(name, bytes);
		assert.ok(whole.kind === "decoded");
		let before = 0;
		for (let length = 1; length < bytes.length - 1; length++) {
			const answer = decode(name, bytes.subarray(0, length));
			if (answer.kind === "foreign") {
				assert.equal(before, 0);
				continue;
			}
			const { count, values } = answer.value;
			assert.ok(count >= before, `${length} bytes: ${count} samples, fewer than ${before}`);
			assert.deepEqual(values, whole.value.values.subarray(0, values.length));
			if (name.endsWith(".pb")) assert.equal(answer.flaws.at(-1)?.kind, "truncated", `${length} bytes`);
			before = count;
		}
		assert.equal(before, whole.value.count);
	});
}

test("a protobuf goroutine profile tells what the text form tells: stacks without the runtime's own calls", () => {
	const answer = decodePprof(readFileSync(new URL("go1.26-goroutine.pb", folder)));
	assert.ok(answer.kind === "decoded");
	const profile = goroutineProfileOf(answer.value);
	assert.equal(profile?.kind, "all");
	assert.equal(profile?.value.total, 13 + 5 + 11 + 1);
	const parked = profile?.value.records.find(({ labels }) => labels.worker === "1");
	assert.deepEqual([parked?.count, parked?.frames[0]?.func], [2, "main.wait"]);
	assert.equal(profile?.value.records.find(({ count }) => count === 11)?.frames[0]?.func, "main.leak.func1");
});

test("goroutineleak is told apart; a profile of other things is no profile of goroutines", () => {
	const read = (name: string) => decodePprof(readFileSync(new URL(name, folder)));
	const leak = read("go1.27-goroutineleak.pb");
	assert.ok(leak.kind === "decoded");
	const { kind, value } = goroutineProfileOf(leak.value) ?? {};
	assert.deepEqual([kind, value?.total, value?.records.length], ["leaked", 11, 1]);
	const connections = read("go1.26-connections.pb");
	assert.ok(connections.kind === "decoded");
	assert.equal(goroutineProfileOf(connections.value), undefined);
});
