/**
 * What it costs to choose, in one process without any I/O: ns of CPU a request, and bytes of garbage.
 * `node --expose-gc bench/src/gateway/balance.ts [--rounds 9] [--times 200000]`.
 *
 * A choice is pick and ended, with 64 exchanges under way, against a group that only counts. Its own share (the call
 * object that every circuit makes) is measured beside it as "nothing but the group". Hashing takes 10,000 keys; its dual
 * phase is half-way through a shift. Then routes, and what a new ring costs. The subjects take turns; the median of
 * the rounds is shown. Prints Markdown.
 */
import { availableParallelism, loadavg } from "node:os";
import { parseArgs } from "node:util";
import type { Balancer } from "@plumbline/gateway/balancer";
import { createBalancer } from "@plumbline/gateway/create-balancer";
import type { Endpoint } from "@plumbline/gateway/endpoint";
import { RingStages } from "@plumbline/gateway/ring-stages";
import { routeTable } from "@plumbline/gateway/route-table";
import type { BalanceSettings } from "@plumbline/gateway/settings";
import { PlainGroup, plainEndpoints, seededRandom } from "@plumbline/gateway/testing/plain-group";
import { plainHead, plainRequest } from "@plumbline/gateway/testing/plain-request";
import { plainRoute } from "@plumbline/gateway/testing/plain-route";

const ROUNDS_MAX = 200;
const TIMES_MAX = 10_000_000;
const SIZES = [3, 100, 1_000];
const AT_ONCE = 64;
const KEYS = 10_000;
const WALL_MS = 1_700_000_000_000;

const { values } = parseArgs({
	options: { rounds: { type: "string", default: "9" }, times: { type: "string", default: "200000" } },
});
const rounds = Math.min(ROUNDS_MAX, Number(values.rounds));
const times = Math.min(TIMES_MAX, Number(values.times));

const HASH = {
	kind: "hash",
	by: { kind: "header", name: "x-user" },
	bound: undefined,
	keepMs: 600_000,
	shiftMs: 600_000,
} as const;
const WAYS: readonly (readonly [string, BalanceSettings, string?])[] = [
	["round robin", { kind: "round-robin" }],
	["least requests", { kind: "least-requests" }],
	["two choices", { kind: "two-choices" }],
	["two choices, with zones", { kind: "two-choices" }, "a"],
	["hash, ketama", { ...HASH, ring: "ketama" }],
	["hash, ketama, bound 1.25", { ...HASH, ring: "ketama", bound: 1.25 }],
	["hash, maglev", { ...HASH, ring: "maglev" }],
];

const requests = Array.from({ length: KEYS }, (_, at) =>
	plainRequest("192.0.2.1", { fields: ["x-user", `session-${(at * 2_654_435_761) >>> 0}`] }),
);

interface Subject {
	readonly name: string;
	readonly size: number;
	readonly run: (times: number) => void;
	readonly ns: number[];
	readonly bytes: number[];
}

const subjects: Subject[] = [];
for (const size of SIZES) {
	subjects.push(subject("nothing but the group", size, groupAlone(size)));
	for (const [name, balance, zone] of WAYS)
		subjects.push(subject(name, size, balanced(size, balance, zone, false)));
	subjects.push(
		subject("hash, ketama, dual phase", size, balanced(size, { ...HASH, ring: "ketama" }, undefined, true)),
	);
	subjects.push(subject("a route among so many", size, routed(size)));
}

for (let round = -1; round < rounds; round++) {
	for (const { run, ns, bytes } of subjects) {
		gc?.();
		const heapBefore = process.memoryUsage().heapUsed;
		const before = process.cpuUsage();
		run(times);
		const { user, system } = process.cpuUsage(before);
		const held = process.memoryUsage().heapUsed - heapBefore;
		if (round < 0) continue;
		ns.push(((user + system) * 1_000) / times);
		// A collection in between hides what was made before it: only the larger readings tell.
		bytes.push(held / times);
	}
}

console.log(
	`Node ${process.version}, ${availableParallelism()} cores, load ${loadavg()[0]?.toFixed(1)}, ${rounds} rounds of ${times}.\n`,
);
console.log(
	`| ns a request (bytes of garbage at most) | ${SIZES.join(" | ")} |\n|---|${SIZES.map(() => "---").join("|")}|`,
);
for (const name of new Set(subjects.map((one) => one.name))) {
	const cells = SIZES.map((size) => {
		const found = subjects.find((one) => one.name === name && one.size === size);
		return `${median(found?.ns ?? []).toFixed(0)} (${Math.max(0, ...(found?.bytes ?? [])).toFixed(0)})`;
	});
	console.log(`| ${name} | ${cells.join(" | ")} |`);
}
console.log(`\n| ms for a new ring | ${SIZES.join(" | ")} |\n|---|${SIZES.map(() => "---").join("|")}|`);
for (const shape of ["ketama", "maglev"] as const) {
	console.log(`| ${shape} | ${SIZES.map((size) => newRingMs(shape, size).toFixed(1)).join(" | ")} |`);
}

function subject(name: string, size: number, run: Subject["run"]): Subject {
	return { name, size, run, ns: [], bytes: [] };
}

function groupAlone(size: number): Subject["run"] {
	const group = new PlainGroup(plainEndpoints(size));
	return (count) => {
		for (let nth = 0; nth < count; nth++) {
			const endpoint = group.endpoints[nth % size] as Endpoint;
			const call = group.began(endpoint);
			if (call.kind === "admitted") group.ended(endpoint, call, "success");
		}
	};
}

function balanced(
	size: number,
	balance: BalanceSettings,
	zone: string | undefined,
	dual: boolean,
): Subject["run"] {
	const endpoints = plainEndpoints(size, { zone: "a" });
	const group = new PlainGroup(endpoints);
	let wallMs = WALL_MS;
	const parts = { random: seededRandom(5), wallNow: () => wallMs, observe: () => {} };
	const balancer: Balancer = createBalancer({ balance, slowStartMs: 0, zone }, group, parts, 0);
	if (dual) {
		balancer.pick(requests[0] ?? plainRequest(""), undefined, 0);
		group.become(plainEndpoints(size + 1, { zone: "a" }));
		balancer.tick(1);
		wallMs += HASH.shiftMs / 2;
	}
	const open: Parameters<Balancer["ended"]>[] = [];
	for (let nth = 0; nth < AT_ONCE; nth++) open.push(begun(balancer, nth));
	let turn = 0;
	return (count) => {
		for (let nth = 0; nth < count; nth++) {
			turn = (turn + 1) % KEYS;
			const entry = open[turn % AT_ONCE] as Parameters<Balancer["ended"]>;
			balancer.ended(entry[0], entry[1], "success", entry[3], 2);
			entry[0] = balancer.pick(requests[turn] as (typeof requests)[number], undefined, 2) as Endpoint;
			entry[1] = balancer.call;
			entry[3] = balancer.session;
		}
	};
}

function begun(balancer: Balancer, nth: number): Parameters<Balancer["ended"]> {
	const endpoint = balancer.pick(requests[nth] ?? plainRequest(""), undefined, 2);
	if (endpoint === undefined) throw new Error("nobody was picked");
	return [endpoint, balancer.call, "success", balancer.session, 2];
}

function routed(size: number): Subject["run"] {
	const table = routeTable(
		Array.from({ length: size }, (_, at) =>
			plainRoute(`r${at}`, {
				hosts: ["shop.example.com"],
				path: { kind: "prefix", value: `/api/v1/part-${at}` },
			}),
		),
	);
	const heads = Array.from({ length: 64 }, (_, at) =>
		plainHead({ authority: "shop.example.com", path: `/api/v1/part-${at % size}/items/17?page=2` }),
	);
	return (count) => {
		for (let nth = 0; nth < count; nth++) {
			if (table.find(heads[nth & 63] as (typeof heads)[number]) === undefined) throw new Error("no route");
		}
	};
}

function newRingMs(shape: "ketama" | "maglev", size: number): number {
	const members = plainEndpoints(size).map(({ id }) => ({ name: id, weight: 1 }));
	const took = Array.from({ length: 5 }, () => {
		const before = process.cpuUsage();
		new RingStages(shape, 0).use([{ members, epochMs: undefined, byHand: false }], WALL_MS);
		return process.cpuUsage(before).user / 1_000;
	});
	return median(took);
}

function median(numbers: readonly number[]): number {
	return numbers.toSorted((a, b) => a - b)[numbers.length >> 1] ?? 0;
}
