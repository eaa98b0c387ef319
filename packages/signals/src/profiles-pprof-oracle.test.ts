/** Every kind of profile of real Go programs, old and new: sample by sample as `go tool pprof -raw` and pprof-format read them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Profile as TheirProfile } from "pprof-format";
import type { Profile } from "./profiles.ts";
import { decodePprof } from "./profiles-pprof.ts";
import { goProfiles, goToolPprof } from "./testing/go-profiles.ts";

/** A sample as both sides tell it: values, calls innermost first, labels sorted by key. */
interface Told {
	readonly values: string;
	readonly calls: readonly string[];
	readonly labels: string;
}

for (const toolchain of ["local", "go1.19.13", "go1.27.1"]) {
	test(`profiles of ${toolchain}: as go tool pprof -raw and pprof-format have them`, (t) => {
		const profiles = goProfiles(t, toolchain);
		if (profiles === undefined) return;
		const kinds = [...profiles.paths.keys()];
		const wanted = ["allocs", "block", "connections", "cpu", "goroutine", "heap", "mutex", "threadcreate"];
		assert.deepEqual(
			wanted.filter((kind) => !kinds.includes(kind)),
			[],
		);
		if (toolchain === "go1.27.1") assert.ok(kinds.includes("goroutineleak"));
		for (const [kind, path] of profiles.paths) {
			const bytes = profiles.bytes(kind);
			const decoded = decodePprof(bytes);
			assert.ok(decoded.kind === "decoded");
			assert.deepEqual(decoded.flaws, [], kind);
			const ours = told(decoded.value);
			assert.ok(ours.length > 0, kind);
			assert.deepEqual(ours, toldByRaw(goToolPprof("-raw", path)), `${kind}, -raw`);
			assert.deepEqual(ours, toldByPprofFormat(TheirProfile.decode(bytes)), `${kind}, pprof-format`);
		}
		assertHeader(profiles.bytes("cpu"));
	});
}

function told({ types, count, values, stacks, stackOf, labels, labelsOf }: Profile): Told[] {
	return Array.from({ length: count }, (_, i) => {
		const set = labelsOf[i] ?? 0;
		const { strings = {}, numbers = [] } = set === 0 ? {} : (labels.at(set - 1) ?? {});
		const texts = Object.entries(strings).map(([key, value]) => `${key}:[${value}]`);
		const counts = numbers.map(({ key, value }) => `${key}:[${value}]`);
		return {
			values: values.subarray(i * types.length, (i + 1) * types.length).join(" "),
			calls: (stacks.at(stackOf[i] ?? 0) ?? []).map(
				({ func, file, line, startLine = 0 }) => `${func} ${file}:${line} s=${startLine}`,
			),
			labels: [...texts.sort(), ...counts.sort()].join(" "),
		};
	});
}

function toldByRaw(raw: string): Told[] {
	const [samples = "", rest = ""] = raw.slice(raw.indexOf("\nSamples:\n") + 10).split("\nLocations\n");
	const [locations = ""] = rest.split("\nMappings\n");
	const calls = new Map<string, string[]>();
	let last = "";
	for (const line of locations.split("\n")) {
		const [, id, address, call = ""] = /^ *(?:(\d+): (0x\w+) (?:M=\d+ )?)?(.*)$/.exec(line) ?? [];
		last = id ?? last;
		const [, func, place, start] = /^(.*) (\S+:\d+):\d+ s=(\d+)/.exec(call.trim()) ?? [];
		if (func !== undefined) calls.set(last, [...(calls.get(last) ?? []), `${func} ${place} s=${start}`]);
		else if (address !== undefined) calls.set(last, [`${address} :0 s=0`]);
	}
	const found: { values: string; calls: string[]; labels: string }[] = [];
	for (const line of samples.split("\n").slice(1)) {
		const [, values, ids = ""] = /^ *(-?\d+(?: +-?\d+)*): ((?:\d+ )*)$/.exec(line) ?? [];
		const sample = found.at(-1);
		if (values !== undefined) {
			const stack = ids
				.trim()
				.split(" ")
				.flatMap((id) => calls.get(id) ?? []);
			found.push({ values: values.split(/ +/).join(" "), calls: stack, labels: "" });
		} else if (sample !== undefined) sample.labels = `${sample.labels} ${line.trim()}`.trim();
	}
	return found;
}

function toldByPprofFormat(profile: TheirProfile): Told[] {
	const text = (index: number | bigint) => profile.stringTable.strings[Number(index)] ?? "";
	const functions = new Map(profile.function.map((one) => [String(one.id), one]));
	const locations = new Map(profile.location.map((one) => [String(one.id), one]));
	return profile.sample.map((sample) => ({
		values: sample.value.join(" "),
		calls: sample.locationId.flatMap((id) => {
			const location = locations.get(String(id));
			return (location?.line ?? []).map((line) => {
				const one = functions.get(String(line.functionId));
				return `${text(one?.name ?? 0) || `0x${location?.address.toString(16)}`} ${text(one?.filename ?? 0)}:${line.line} s=${one?.startLine ?? 0}`;
			});
		}),
		labels: [
			...sample.label
				.filter(({ str }) => Number(str) !== 0)
				.map(({ key, str }) => `${text(key)}:[${text(str)}]`)
				.sort(),
			...sample.label
				.filter(({ str }) => Number(str) === 0)
				.map(({ key, num }) => `${text(key)}:[${num}]`)
				.sort(),
		].join(" "),
	}));
}

function assertHeader(bytes: Uint8Array): void {
	const decoded = decodePprof(bytes);
	assert.ok(decoded.kind === "decoded");
	const { types, period, timeNanos, durationNanos } = decoded.value;
	const theirs = TheirProfile.decode(bytes);
	assert.deepEqual(types, [
		{ type: "samples", unit: "count" },
		{ type: "cpu", unit: "nanoseconds" },
	]);
	assert.deepEqual(period, { type: "cpu", unit: "nanoseconds", value: 10_000_000n });
	assert.equal(timeNanos, BigInt(theirs.timeNanos));
	assert.equal(durationNanos, BigInt(theirs.durationNanos));
}
