/**
 * The resolver under load for an hour while its servers are killed, cut off, made slow and made to lie in turn.
 *
 *   node bench/src/dns-soak.ts [--minutes 60] [--phase-seconds 60] [--rate 200]
 *
 * It fails if a lookup failed that a trusted server or a stale answer could have served, if a forged address was given
 * for a known name, or if descriptors or memory have grown from one calm phase to the next.
 */
import { readdirSync } from "node:fs";
import { parseArgs } from "node:util";
import { openResolver } from "@plumbline/resolver/open-resolver";
import { startDnsServer } from "@plumbline/resolver/server";
import { startLoad } from "./dns-soak-load.ts";
import { HOT_NAMES, type Phase, setStage, ZONE } from "./dns-soak-stage.ts";

const { values } = parseArgs({
	options: {
		minutes: { type: "string", default: "60" },
		"phase-seconds": { type: "string", default: "60" },
		rate: { type: "string", default: "200" },
	},
});
const minutes = Number(values.minutes);
const phaseMs = Number(values["phase-seconds"]) * 1_000;
const perSecond = Number(values.rate);
if (![minutes, phaseMs, perSecond].every((value) => value > 0))
	throw new Error("minutes, phase-seconds and rate are numbers greater than 0");

interface Sample {
	readonly cycle: number;
	readonly phase: string;
	readonly rssMb: number;
	readonly heapMb: number;
	readonly fds: number;
	readonly handles: number;
}

/** Connections come and go; the collector frees late. */
const FDS_MORE_MAX = 8;
const RSS_FACTOR_MAX = 1.25;
/** Prime, so that the same numbers come every time. */
const SEED = 1_000_003;
let state = SEED;
const random = () => {
	state = (state * 48_271) % 2_147_483_647;
	return state / 2_147_483_647;
};

const stage = await setStage();
let tries = 0;
let asks = 0;
let stale = 0;
const resolver = openResolver({
	servers: stage.servers,
	hostsPath: false,
	// Names end soon, so that servers are needed all the time.
	rules: { minS: 5 },
	observe(event) {
		if (event.kind === "tried") tries++;
		if (event.kind !== "resolved" || event.resolution.kind !== "answered") return;
		if (event.resolution.source === "upstream") asks++;
		if (event.resolution.source === "stale") stale++;
	},
});
const server = await startDnsServer({ resolver, listen: [{ address: "127.0.0.1", port: 0 }] });
const udp = server.places().find(({ protocol }) => protocol === "udp");
if (udp === undefined) throw new Error("the server does not listen by UDP");
const warm = Array.from({ length: HOT_NAMES }, (_, i) => `n${i}.${ZONE}.`);
for (let at = 0; at < warm.length; at += 50)
	await Promise.all(
		warm.slice(at, at + 50).map((name) => resolver.resolve({ question: { name, type: 1, class: 1 } })),
	);
const load = await startLoad({ lookup: resolver.lookup, udpPort: udp.port, perSecond, random });
const samples: Sample[] = [];
const beganMs = performance.now();
let interrupted = false;
process.once("SIGINT", () => {
	interrupted = true;
});

for (let cycle = 1; !interrupted && performance.now() - beganMs < minutes * 60_000; cycle++) {
	for (const phase of stage.phases) {
		if (interrupted) break;
		await run(phase, cycle);
	}
}
await load.stop();
const { counts, faults } = load;
await server.close();
await resolver.close();
await stage.stop();
report();

async function run(phase: Phase, cycle: number): Promise<void> {
	const before = { ...load.counts };
	await phase.begin();
	load.enter(phase);
	const until = performance.now() + phaseMs;
	while (!interrupted && performance.now() < until) await new Promise((done) => setTimeout(done, 250));
	samples.push(sampleOf(cycle, phase.name));
	const { lookups, violations, excused, unverifiable } = load.counts;
	console.log(
		[
			`${Math.round((performance.now() - beganMs) / 1_000)} s`.padStart(7),
			phase.name.padEnd(30),
			`${lookups - before.lookups} lookups`,
			`${violations - before.violations} violations`,
			`${excused - before.excused} excused`,
			`${unverifiable - before.unverifiable} unverifiable`,
			`${samples.at(-1)?.rssMb} MB`,
			`${samples.at(-1)?.fds} fds`,
		].join("  "),
	);
	await phase.end();
}

function sampleOf(cycle: number, phase: string): Sample {
	const { rss, heapUsed } = process.memoryUsage();
	return {
		...{ cycle, phase },
		rssMb: Math.round(rss / 2 ** 20),
		heapMb: Math.round(heapUsed / 2 ** 20),
		fds: readdirSync("/proc/self/fd").length,
		handles: process.getActiveResourcesInfo().length,
	};
}

function report(): void {
	const calm = samples.filter(({ phase }) => phase === "calm");
	console.log(
		`\n${JSON.stringify({ ...counts, slowestMs: Math.round(counts.slowestMs), asks, tries, stale })}`,
	);
	console.log(
		"calm phases:",
		calm
			.map(
				({ rssMb, heapMb, fds, handles }) => `${rssMb} MB (heap ${heapMb}), ${fds} fds, ${handles} handles`,
			)
			.join(" | "),
	);
	for (const fault of faults) console.log(`violation: ${fault}`);
	// The first cycle fills the cache and the code.
	const [from, to] = [calm[1], calm.at(-1)];
	const grown =
		from !== undefined &&
		to !== undefined &&
		(to.fds > from.fds + FDS_MORE_MAX || to.rssMb > from.rssMb * RSS_FACTOR_MAX);
	if (grown) console.log("it has grown");
	process.exitCode = counts.violations > 0 || grown ? 1 : 0;
}
