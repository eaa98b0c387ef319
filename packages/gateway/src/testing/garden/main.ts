/**
 * The garden: hostile connections through chains of this gateway and other people's proxies; nowhere may one message be
 * two, or two be one.
 *
 *     node packages/gateway/src/testing/garden/main.ts --mutations 20000 --seed 1
 *     … --only nginx                 chains with that server
 *     … --seed 1 --from 4711 --mutations 1 --only nginx --show      one again, with all that was seen
 */
import { parseArgs } from "node:util";
import { type Chain, type Course, runChain } from "./chain.ts";
import { type Bodies, bodiesOf, type Disagreement, judge } from "./judge.ts";
import { mutationOf } from "./mutations.ts";
import { missingServer } from "./server.ts";
import { GARDEN } from "./servers.ts";

export interface Plan {
	readonly mutations: number;
	readonly seed: number;
	/** The first one's number. */
	readonly from: number;
	/** Names of servers; undefined: all. */
	readonly only: readonly string[] | undefined;
}

export interface ChainReport {
	readonly chain: Chain;
	readonly name: string;
	readonly course: Course;
	readonly disagreements: readonly Disagreement[];
}

const SHOWN_MAX = 20;

/** One chain after the other; those whose server is not installed are passed over, by `told` with a reason. */
export async function walkGarden(
	{ mutations, seed, from, only }: Plan,
	told: (report: ChainReport) => void,
	passedOver: (why: string) => void,
): Promise<void> {
	function* all() {
		for (let number = from; number < from + mutations; number++) yield mutationOf(seed, number);
	}
	let bodies: Bodies | undefined;
	const chains: Chain[] = [{ side: "alone", kind: undefined }];
	for (const kind of GARDEN) {
		if (only !== undefined && !only.includes(kind.name)) continue;
		const missing = missingServer(kind);
		if (missing === false) chains.push({ side: "behind", kind }, { side: "front", kind });
		else passedOver(missing);
	}
	for (const chain of chains) {
		const course = await runChain(chain, all());
		const name =
			chain.kind === undefined
				? "the gateway alone"
				: `${chain.side === "behind" ? "before" : "behind"} ${chain.kind.name}`;
		told({ chain, name, course, disagreements: judge(chain, course, bodies) });
		bodies ??= bodiesOf(course);
	}
}

async function main(): Promise<void> {
	const text = { type: "string" } as const;
	const { values } = parseArgs({
		options: {
			mutations: text,
			seed: text,
			from: text,
			only: { ...text, multiple: true },
			show: { type: "boolean" },
		},
	});
	const seed = wholeNumber(values.seed, 1);
	const plan = {
		mutations: wholeNumber(values.mutations, 20_000),
		seed,
		from: wholeNumber(values.from, 0),
		only: values.only,
	};
	const say = (line: string) => process.stdout.write(`${line}\n`);
	const report = ({ name, course, disagreements }: ChainReport) => {
		const { counted, seen, heard, seconds } = course;
		const answered = counted.filter(({ status }) => status === 200).length;
		say(
			`${name.padEnd(24)} ${heard.size} connections, ${counted.length} requests counted, ${answered} answered 200, ${seen.length} seen by the origin, ${disagreements.length} disagreements, ${seconds.toFixed(0)} s`,
		);
		if (values.show) say(JSON.stringify({ counted, seen, heard: [...heard] }, undefined, 1));
		for (const { why, number, detail } of disagreements.slice(0, SHOWN_MAX)) {
			say(`  ${why}: --seed ${seed} --from ${number ?? "?"} --mutations 1`);
			if (number !== undefined) say(`    ${JSON.stringify(mutationOf(seed, number).text)}`);
			say(`    ${detail.slice(0, 1000)}`);
		}
		if (disagreements.length > 0) process.exitCode = 1;
	};
	await walkGarden(plan, report, say);
}

function wholeNumber(given: string | undefined, otherwise: number): number {
	if (given === undefined) return otherwise;
	if (!/^\d{1,7}$/.test(given)) throw new RangeError(`not a whole number: ${given}`);
	return Number(given);
}

if (import.meta.main) await main();
