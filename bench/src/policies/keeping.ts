/**
 * What it costs to keep count of who holds what: `node --expose-gc bench/src/policies/keeping.ts [--rounds 5]`.
 *
 * The lease audit and the ring migration, both with 100,000 entries open. No peer on npm does either, so the figures
 * stand alone. CPU time of this process. Prints Markdown.
 */

import { availableParallelism, loadavg } from "node:os";
import { parseArgs } from "node:util";
import { hashRing } from "@plumbline/policy/hash-ring";
import { LeaseAudit } from "@plumbline/policy/lease-audit";
import { RingMigration, type Session } from "@plumbline/policy/ring-migration";
import { heldBytes } from "./held-bytes.ts";

const ROUNDS_MAX = 50;
const OPEN = 100_000;
const { values } = parseArgs({ options: { rounds: { type: "string", default: "5" } } });
const rounds = Math.min(ROUNDS_MAX, Number(values.rounds));
const figures = new Map<string, number[]>();

const ringOf = (nodes: number) => hashRing(Array.from({ length: nodes }, (_, at) => ({ name: `n${at}` })));
const keys = Array.from({ length: OPEN }, (_, at) => `session-${at}`);
const tags = { who: "checkout", where: "cart.ts:12" };
const [before, after] = [ringOf(100), ringOf(101)];

for (let round = 0; round <= rounds; round++) {
	if (round === 1) figures.clear();
	auditLeases();
	migrateKeys();
}
const rows = Array.from(figures, ([what, all]) => {
	const sorted = all.toSorted((a, b) => a - b);
	const cell = (value = Number.NaN) => value.toFixed(value < 10 ? 1 : 0);
	return `| ${what} | ${cell(sorted[sorted.length >> 1])} | ${cell(sorted[0])} – ${cell(sorted.at(-1))} |`;
});
process.stdout.write(
	`${availableParallelism()} cores, load ${loadavg()[0]?.toFixed(1)} at the end, Node ${process.version}; ${rounds} rounds.\n
| with ${OPEN.toLocaleString("en")} open | median | min – max |\n|---|---:|---:|\n${rows.join("\n")}\n`,
);

function auditLeases(): void {
	const bytes = heldBytes();
	const audit = new LeaseAudit<typeof tags>({ leasesMax: OPEN });
	for (let nth = 0; nth < OPEN; nth++) audit.borrow(tags, nth / 1_000);
	note("lease audit: bytes a lease", (heldBytes() - bytes) / OPEN);
	const each = (run: (id: number) => void) => () => {
		for (let id = 1; id <= OPEN; id++) run(id);
	};
	note("lease audit: ns a touch", nsEach(each((id) => audit.touch(id, 1_000))));
	note("lease audit: ms a sweep, nothing to tell", (nsEach(() => audit.sweep(2_000)) * OPEN) / 1e6);
	const cycle = each((id) => {
		audit.giveBack(id, 3_000);
		audit.borrow(tags, 3_000);
	});
	note("lease audit: ns a return and a borrow", nsEach(cycle));
	if (audit.report(3_000).open !== OPEN) throw new Error("leases were lost");
}

function migrateKeys(): void {
	const bytes = heldBytes();
	const migration = new RingMigration(before, { keysMax: OPEN });
	const sessions: Session[] = [];
	for (const key of keys) sessions.push(migration.open(key, 0) as Session);
	note("ring migration: bytes a followed key with one session", (heldBytes() - bytes) / OPEN);
	const pickAll = () => {
		for (const key of keys) migration.pick(key, 1);
	};
	note("ring migration: ns a pick, stable", nsEach(pickAll));
	note("ring migration: ms to begin", (nsEach(() => migration.begin(after, 1)) * OPEN) / 1e6);
	if (migration.phase.kind !== "dual") throw new Error("nothing was pinned");
	note("ring migration: ns a pick, dual", nsEach(pickAll));
	const closeAll = () => {
		for (const session of sessions) migration.close(session, 2);
	};
	note("ring migration: ns a close", nsEach(closeAll));
	if (migration.counts.followed !== 0) throw new Error("keys were left");
}

function note(what: string, value: number): void {
	figures.set(what, [...(figures.get(what) ?? []), value]);
}

/** Nanoseconds for each of the entries, where `run` goes through them all. */
function nsEach(run: () => void): number {
	const start = process.cpuUsage();
	run();
	const { user, system } = process.cpuUsage(start);
	return ((user + system) * 1_000) / OPEN;
}
