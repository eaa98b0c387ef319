/**
 * What the borrow ledger costs the service: `node bench/src/ledger.ts [--rounds 5] [--parts flat,paced,hits,attach,auto] [--quick]`.
 *
 * The lab's program `borrows` runs alone and watched, in turn, round after round, each in a process of its own;
 * the order goes round too. On a PostgreSQL of its own, and on a driver in memory that answers at once: the worst
 * case, where a borrow is nothing but the pool's own work. Needs root. Prints Markdown.
 *
 *  - flat, paced: throughput, latencies and the program's CPU, as fast as it goes and at 1,000 borrows a second;
 *  - hits: what one probe costs by that CPU, from which HIT_US is taken;
 *  - attach: what coming and going take and what the program feels of it, and memory;
 *  - auto: what it decides by itself: at which pace a pool is within the budget, and in which mode.
 */
import { availableParallelism, loadavg, release } from "node:os";
import { parseArgs } from "node:util";
import { openServers } from "@plumbline/lab/servers";
import { measureAttaching } from "./ledger-attach.ts";
import { measureAuto } from "./ledger-auto.ts";
import { measureHits } from "./ledger-hits.ts";
import { measureFlat, measurePaced } from "./ledger-load.ts";

const ROUNDS_MAX = 30;
/** Shorter slices, to see that it works. */
const QUICK = 0.25;

const { values } = parseArgs({
	options: {
		rounds: { type: "string", default: "5" },
		parts: { type: "string", default: "flat,paced,hits,attach,auto" },
		quick: { type: "boolean", default: false },
	},
});
const parts = values.parts.split(",");
const servers = openServers();
try {
	const dsn = (await servers.postgres()).url();
	const asked = {
		rounds: values.quick ? 1 : Math.min(ROUNDS_MAX, Number(values.rounds)),
		scale: values.quick ? QUICK : 1,
		memory: [],
		postgres: ["-driver", "postgres", "-dsn", dsn],
	};
	console.log(`${asked.rounds} rounds; ${availableParallelism()} cores, Linux ${release()}; ${load()}\n`);
	if (parts.includes("flat")) await measureFlat(asked);
	if (parts.includes("paced")) await measurePaced(asked);
	if (parts.includes("hits")) await measureHits(asked);
	if (parts.includes("attach")) await measureAttaching(asked);
	if (parts.includes("auto")) await measureAuto();
	console.log(`At the end: ${load()}`);
} finally {
	await servers.stop();
}

/** Other work on the machine shows here. */
function load(): string {
	return `load average ${loadavg()
		.map((one) => one.toFixed(1))
		.join(", ")}`;
}
