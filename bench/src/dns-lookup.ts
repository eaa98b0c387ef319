/**
 * A name that is known, looked up in Node: ours beside cacheable-lookup and `dns.lookup`, in one run, by turns.
 *
 *   node bench/src/dns-lookup.ts [--rounds 7]
 *
 * Ours and cacheable-lookup ask the same unbound once for each of the names and then answer from memory. `dns.lookup`
 * has no memory: it is asked for `localhost`, which the hosts file answers, so it shows what a thread and libc cost.
 * Two figures: many calls in a row, over their number, and single calls with a look at the clock before and after
 * (the cost of the two looks is told and not taken off).
 */
import dns from "node:dns";
import { parseArgs } from "node:util";
import { startDnsAuthority } from "@plumbline/lab/dns-servers-authority";
import { startUnbound } from "@plumbline/lab/dns-servers-unbound";
import { openResolver } from "@plumbline/resolver/open-resolver";
import CacheableLookup from "cacheable-lookup";

const NAMES = 1_009;
const BATCH = 1_000;
const CALLS = { fast: 300_000, slow: 5_000 };
const SINGLE_CALLS = { fast: 50_000, slow: 3_000 };
const { values } = parseArgs({ options: { rounds: { type: "string", default: "7" } } });

type Look = (name: string, done: (error: unknown) => void) => void;

interface Subject {
	readonly name: string;
	readonly look: Look;
	readonly names: readonly string[];
	readonly speed: "fast" | "slow";
}

const records = Array.from({ length: NAMES }, (_, i) => `n${i} 3600 A 10.0.${i >> 8}.${i & 255}`).join("\n");
const authority = await startDnsAuthority([{ origin: "bench.test", records }]);
const unbound = await startUnbound({ forwardTo: authority });
const names = Array.from({ length: NAMES }, (_, i) => `n${i}.bench.test`);
const ours = openResolver({ servers: [`udp://${unbound.address}:${unbound.ports.udp}`] });
const theirResolver = new dns.promises.Resolver();
theirResolver.setServers([`${unbound.address}:${unbound.ports.udp}`]);
const theirs = new CacheableLookup({ resolver: theirResolver, maxTtl: 3600 });

const subjects: readonly Subject[] = [
	{ name: "plumbline", look: (name, done) => ours.lookup(name, { family: 4 }, done), names, speed: "fast" },
	{
		name: "cacheable-lookup",
		look: (name, done) => theirs.lookup(name, { family: 4 }, done),
		names,
		speed: "fast",
	},
	{
		name: "dns.lookup (localhost)",
		look: (name, done) => dns.lookup(name, { family: 4 }, done),
		names: ["localhost"],
		speed: "slow",
	},
];

for (const { look, names: all } of subjects) for (const name of all) await one(look, name);
const figures = new Map(
	subjects.map(({ name }) => [name, { each: [] as number[], p50: [] as number[], p99: [] as number[] }]),
);
for (let round = 0; round < Number(values.rounds); round++) {
	for (const subject of subjects) {
		const figure = figures.get(subject.name);
		figure?.each.push(await inARow(subject));
		const single = await singly(subject);
		figure?.p50.push(quantile(single, 0.5));
		figure?.p99.push(quantile(single, 0.99));
	}
}
console.log(`clock: ${Math.round(clockNs())} ns for two looks\n`);
console.log("| | ns a call, in a row | p50 of single calls | p99 of single calls |\n|---|---|---|---|");
const own = figures.get("plumbline");
for (const [name, { each, p50, p99 }] of figures)
	console.log(`| ${name} | ${cell(each, own?.each)} | ${cell(p50, own?.p50)} | ${cell(p99, own?.p99)} |`);
await ours.close();
await unbound.stop();
await authority.stop();

function one(look: Look, name: string): Promise<void> {
	return new Promise((done, fail) => look(name, (error) => (error ? fail(error) : done())));
}

async function inARow({ look, names: all, speed }: Subject): Promise<number> {
	const calls = CALLS[speed];
	const began = process.hrtime.bigint();
	for (let at = 0; at < calls; at += BATCH) {
		await new Promise<void>((done) => {
			let left = BATCH;
			for (let i = 0; i < BATCH; i++)
				look(all[((at + i) * 7_919) % all.length] ?? "", () => {
					if (--left === 0) setImmediate(done);
				});
		});
	}
	return Number(process.hrtime.bigint() - began) / calls;
}

async function singly({ look, names: all, speed }: Subject): Promise<number[]> {
	const taken: number[] = [];
	for (let i = 0; i < SINGLE_CALLS[speed]; i++) {
		const name = all[(i * 7_919) % all.length] ?? "";
		taken.push(
			await new Promise<number>((done) => {
				const began = process.hrtime.bigint();
				look(name, () => done(Number(process.hrtime.bigint() - began)));
			}),
		);
	}
	return taken;
}

function clockNs(): number {
	const looks = 100_000;
	const began = process.hrtime.bigint();
	for (let i = 0; i < looks; i++) process.hrtime.bigint();
	return (2 * Number(process.hrtime.bigint() - began)) / looks;
}

function quantile(figuresNs: number[], share: number): number {
	return figuresNs.toSorted((a, b) => a - b)[Math.floor(figuresNs.length * share)] ?? Number.NaN;
}

function cell(own: readonly number[], base: readonly number[] | undefined): string {
	const sorted = own.toSorted((a, b) => a - b);
	const median = sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
	const baseSorted = (base ?? []).toSorted((a, b) => a - b);
	const ratio = median / (baseSorted[Math.floor(baseSorted.length / 2)] ?? Number.NaN);
	return `${Math.round(median)} (${Math.round(sorted[0] ?? 0)} to ${Math.round(sorted.at(-1) ?? 0)}), ${ratio.toFixed(2)}x`;
}
