/**
 * Made-up but lifelike profiles of any size, the same on every run, written by pprof-format's encoder: a CPU
 * profile of a big service, and a goroutine profile with one sample for each of many goroutines, as CockroachDB's
 * Go writes it (`debug=3`).
 */
import { Profile, type SampleInput, StringTable } from "pprof-format";

const FUNCTIONS = 4_000;
const LOCATIONS = 12_000;
/** Distinct callers of each depth, so that stacks share their outer calls as real ones do. */
const BRANCHES = 40;
const ENDPOINTS = 30;
const GOROUTINE_STACKS = 300;

/** mulberry32: small, seeded, good enough to make data with. */
function random(seed: number): (below: number) => number {
	let state = seed;
	return (below) => {
		state = (state + 0x6d2b79f5) | 0;
		let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
		mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
		return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
	};
}

/** About 65 bytes a sample. */
export function cpuProfile(samples: number): Uint8Array {
	const strings = new StringTable();
	const below = random(7919);
	const names = ["endpoint", "tenant"].map((name) => strings.dedup(name));
	const endpoints = Array.from({ length: ENDPOINTS }, (_, i) => strings.dedup(`/v1/orders/{id}/part-${i}`));
	const stack = () => {
		const depth = 20 + below(25);
		const outer = below(BRANCHES);
		const shared = Array.from({ length: depth - 6 }, (_, i) => 1 + ((outer * 997 + i * 31) % LOCATIONS));
		return [...Array.from({ length: 6 }, () => 1 + below(LOCATIONS)), ...shared];
	};
	const stacks = Array.from({ length: Math.ceil(samples / 3) }, stack);
	const sample = Array.from({ length: samples }, (): SampleInput => {
		const count = 1 + below(9);
		const labelled = below(2) === 0;
		return {
			locationId: stacks[below(stacks.length)] ?? [],
			value: [count, count * 10_000_000],
			label: labelled ? names.map((key) => ({ key, str: endpoints[below(ENDPOINTS)] ?? 0 })) : [],
		};
	});
	const types = ["samples", "count", "cpu", "nanoseconds"].map((name) => strings.dedup(name));
	const [samplesName = 0, count = 0, cpu = 0, nanoseconds = 0] = types;
	return new Profile({
		sampleType: [
			{ type: samplesName, unit: count },
			{ type: cpu, unit: nanoseconds },
		],
		sample,
		...code(strings, below),
		stringTable: strings,
		periodType: { type: cpu, unit: nanoseconds },
		period: 10_000_000,
	}).encode();
}

/** One sample a goroutine: 300 distinct stacks, four labels each, its id among them. */
export function goroutineProfile(goroutines: number): Uint8Array {
	const strings = new StringTable();
	const below = random(104_729);
	const [id = 0, creator = 0, state = 0, wait = 0, minutes = 0] = [
		"go::goroutine",
		"go::goroutine_created_by",
		"go::goroutine_state",
		"go::goroutine_wait_minutes",
		"minutes",
	].map((name) => strings.dedup(name));
	const states = ["select", "chan receive", "IO wait", "semacquire"].map((name) => strings.dedup(name));
	const stacks = Array.from({ length: GOROUTINE_STACKS }, () =>
		Array.from({ length: 10 + below(15) }, () => 1 + below(LOCATIONS)),
	);
	const sample = Array.from(
		{ length: goroutines },
		(_, i): SampleInput => ({
			locationId: stacks[below(GOROUTINE_STACKS)] ?? [],
			value: [1],
			label: [
				{ key: id, num: 1000 + i },
				{ key: creator, num: 1 + below(1000) },
				{ key: state, str: states[below(states.length)] ?? 0 },
				{ key: wait, num: 1 + below(60), numUnit: minutes },
			],
		}),
	);
	const [goroutine = 0, count = 0] = ["goroutine", "count"].map((name) => strings.dedup(name));
	return new Profile({
		sampleType: [{ type: goroutine, unit: count }],
		sample,
		...code(strings, below),
		stringTable: strings,
	}).encode();
}

/** Functions and the places in them; one location in ten has a call inlined. */
function code(strings: StringTable, below: (max: number) => number) {
	const functions = Array.from({ length: FUNCTIONS }, (_, i) => {
		const name = strings.dedup(`example.com/shop/internal/part${i % 97}.(*Service${i % 13}).handle${i}`);
		return {
			id: i + 1,
			name,
			systemName: name,
			filename: strings.dedup(`/srv/shop/internal/part${i % 97}/service${i % 13}.go`),
			startLine: 1 + (i % 500),
		};
	});
	const line = () => ({ functionId: 1 + below(FUNCTIONS), line: 1 + below(2000) });
	const location = Array.from({ length: LOCATIONS }, (_, i) => ({
		id: i + 1,
		address: 0x47_0000 + i * 37,
		line: i % 10 === 0 ? [line(), line()] : [line()],
	}));
	return { function: functions, location };
}
