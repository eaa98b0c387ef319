/** The probes of one pool: a program and its places, for each function of its plan. Pure. */
import type { PoolPlan } from "./ledger-plan.ts";
import { acquireProgram, type ProgramPlan, releaseProgram, waitProgram } from "./ledger-program.ts";

export interface Probe {
	readonly name: string;
	/** In the file. */
	readonly offsets: readonly number[];
	readonly instructions: Uint8Array;
}

export function releaseProbes(plan: PoolPlan, common: ProgramPlan): Probe[] {
	return plan.release.map((release) => ({
		name: "pl_release",
		offsets: release.offsets,
		instructions: releaseProgram(common, release.arguments, release.atBranch),
	}));
}

/** Of what waits too: it comes and goes with what takes. */
export function acquireProbes(plan: PoolPlan, common: ProgramPlan): Probe[] {
	const { mode, pool: entry, wait, acquire } = plan;
	const waits = wait.length > 0;
	const { ownerAt, unlessSetAt } = entry;
	const unless = unlessSetAt === undefined ? {} : { unlessSetAt };
	const instructions = acquireProgram({ ...common, mode, ownerAt, waits, ...unless });
	const probes = [{ name: "pl_acquire", offsets: acquire, instructions }];
	if (waits) probes.push({ name: "pl_wait", offsets: wait, instructions: waitProgram(common) });
	return probes;
}
