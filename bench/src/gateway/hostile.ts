/**
 * Hostile clients against the real gateway, each attack with a neighbour beside it that must be served.
 *
 *   node bench/src/gateway/hostile.ts [--workers 2] [--only "rapid reset"] [--ms 12000] [--connections 50000]
 *        [--descriptors 600]
 *
 * Exit 1: somebody who is not hostile was not answered, or late; more memory was held than RSS_GROWTH_BYTES_MAX; or
 * connections were left over. docs/gateway-hostile.md has the figures.
 */
import { parseArgs } from "node:util";
import type { Attack } from "@plumbline/gateway/testing/hostile-attack";
import { H1_ATTACKS } from "@plumbline/gateway/testing/hostile-h1";
import { H2_ATTACKS } from "@plumbline/gateway/testing/hostile-h2";
import { crowdAttack } from "./hostile-crowd.ts";
import { SLOWHTTPTEST_ATTACKS } from "./hostile-slowhttptest.ts";
import { type HostileStage, hostileStage } from "./hostile-stage.ts";

const MiB = 1024 * 1024;
/** Over all processes, of any one attack. */
const RSS_GROWTH_BYTES_MAX = 512 * MiB;
/** A SYN that meets a full queue is sent again after 1 s, then after 2 s more: a crowd costs whoever comes then that much. */
const NEIGHBOUR_MS_MAX = 5000;
const LEFT_MS_MAX = 15_000;
const SAMPLE_MS = 100;

const text = { type: "string" } as const;
const { values } = parseArgs({
	options: {
		workers: { ...text, default: "2" },
		only: text,
		ms: { ...text, default: "12000" },
		connections: { ...text, default: "50000" },
		descriptors: text,
	},
});

const attacks = [
	...H1_ATTACKS,
	...H2_ATTACKS,
	...SLOWHTTPTEST_ATTACKS,
	crowdAttack(Number(values.connections)),
].filter(({ name }) => values.only === undefined || name.includes(values.only));

const stage = await hostileStage(
	Number(values.workers),
	values.descriptors === undefined ? undefined : Number(values.descriptors),
);
try {
	await stage.neighbour();
	await new Promise((resolve) => setTimeout(resolve, 2000));
	row([
		"attack",
		"others answered",
		"p50 ms",
		"longest",
		"RSS MiB",
		"peak",
		"after",
		"left",
		"verdict; what came of it",
	]);
	const calm = await stage.neighbour();
	row([
		"(none)",
		`${calm.answered}/${calm.asked}`,
		ms(calm.p50Ms),
		ms(calm.longestMs),
		mib(stage.residentBytes()),
	]);
	for (const attack of attacks) if (!(await withstands(stage, attack))) process.exitCode = 1;
} finally {
	await stage.stop();
}

async function withstands(stage: HostileStage, attack: Attack): Promise<boolean> {
	await stage.neighbour();
	const before = stage.residentBytes();
	let peak = before;
	const sampling = setInterval(() => {
		peak = Math.max(peak, stage.residentBytes());
	}, SAMPLE_MS);
	const what = await attack.run(stage.target, attack.size, AbortSignal.timeout(Number(values.ms)));
	const neighbour = await stage.neighbour();
	const isAlone = await stage.untilAlone(LEFT_MS_MAX);
	clearInterval(sampling);
	const left = await stage.connections();
	const faults = [
		...(neighbour.answered < neighbour.asked ? [`not answered: ${neighbour.failures.join(", ")}`] : []),
		...(neighbour.longestMs > NEIGHBOUR_MS_MAX ? ["late"] : []),
		...(peak - before > RSS_GROWTH_BYTES_MAX ? ["memory"] : []),
		...(isAlone ? [] : ["connections left"]),
	];
	row([
		attack.name,
		`${neighbour.answered}/${neighbour.asked}`,
		ms(neighbour.p50Ms),
		ms(neighbour.longestMs),
		mib(before),
		mib(peak),
		mib(stage.residentBytes()),
		String(left),
		`${faults.length === 0 ? "ok" : faults.join("; ").toUpperCase()}; ${what}`,
	]);
	return faults.length === 0;
}

function row(cells: readonly string[]): void {
	process.stdout.write(`| ${cells.join(" | ")} |\n`);
}

function ms(value: number): string {
	return value.toFixed(value < 10 ? 1 : 0);
}

function mib(bytes: number): string {
	return String(Math.round(bytes / MiB));
}
