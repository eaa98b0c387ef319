/**
 * For tests: a ledger on a running copy of lab/go/cmd/borrows, which counts itself what it does, so that the two
 * books can be compared to the last connection.
 */
import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import {
	type BorrowsOptions,
	type BorrowsProgram,
	type BorrowsResult,
	borrowsLeaks,
	type LeakSite,
	startBorrows,
} from "@plumbline/lab/borrows-program";
import { NoServiceError } from "@plumbline/lab/stage";
import type { BorrowStack, Ledger, LedgerPool } from "@plumbline/signals/ledger";
import { type LedgerRequest, type LedgerSession, openLedger } from "../ledger-session.ts";
import { expectRead, liveBpf } from "./bpf-live.ts";

export interface Watched {
	readonly program: BorrowsProgram;
	readonly session: LedgerSession;
}

/** The program, waiting for go(). Undefined after it has skipped the test. */
export async function startProgram(
	t: TestContext,
	options: BorrowsOptions,
): Promise<BorrowsProgram | undefined> {
	if ((await liveBpf(t)) === undefined) return undefined;
	try {
		const program = await startBorrows(options);
		t.after(() => program.stop());
		return program;
	} catch (error) {
		if (!(error instanceof NoServiceError)) throw error;
		const { toolchain = "local" } = options;
		// A toolchain other than the installed one comes by the network, or not.
		t.skip(toolchain === "local" ? "missing tool: go" : `not possible here: ${error.message}`);
		return undefined;
	}
}

/** The same with a ledger attached; both end with the test. */
export async function watchProgram(
	t: TestContext,
	options: BorrowsOptions,
	request: Omit<LedgerRequest, "pid"> = {},
): Promise<Watched | undefined> {
	const program = await startProgram(t, options);
	if (program === undefined) return undefined;
	return { program, session: await attach(t, program.pid, request) };
}

/** Fails where it is refused. */
export async function attach(
	t: TestContext,
	pid: number,
	request: Omit<LedgerRequest, "pid"> = {},
): Promise<LedgerSession> {
	const session = expectRead(await openLedger({ pid, ...request }));
	t.after(() => session.close());
	return session;
}

/** Why it is refused. */
export async function refusalOf(pid: number, request: Omit<LedgerRequest, "pid"> = {}): Promise<string> {
	const opened = await openLedger({ pid, ...request });
	if (opened.kind === "refused") return `${opened.code}: ${opened.why}`;
	await opened.value.close();
	return "attached";
}

const POLL_MS = 20;
const POLLS_MAX = 1_000;

/** What `look` gives as soon as it gives something. */
export async function until<T>(what: string, look: () => T | undefined | Promise<T | undefined>): Promise<T> {
	for (let polls = 0; polls < POLLS_MAX; polls++) {
		const seen = await look();
		if (seen !== undefined) return seen;
		await pause(POLL_MS);
	}
	throw new Error(`not within ${POLLS_MAX} looks: ${what}`);
}

export async function ledgerOf(session: LedgerSession): Promise<Ledger> {
	return expectRead(await session.read());
}

export function poolOf(ledger: Ledger, id: string): LedgerPool {
	const pool = ledger.pools.find((each) => each.pool === id);
	assert.ok(pool, `no ${id} in the ledger`);
	return pool;
}

/** The ledger's books of one pool against the program's own, and against the pool's memory where it was read. */
export function expectExact(ledger: Ledger, result: BorrowsResult, id = "database/sql"): void {
	const { kind, acquired, released, held, replaced, strangers, lost } = poolOf(ledger, id);
	const leaked = Object.values(result.leaked).reduce((sum, count) => sum + count, 0);
	assert.equal(result.errors, 0, "the program saw no error");
	assert.deepEqual(
		{ acquired, released, held, replaced, lost },
		{ acquired: result.borrows, released: result.borrows - leaked, held: leaked, replaced: 0, lost: 0 },
	);
	assert.deepEqual(heldByKind(ledger), result.leaked);
	assert.deepEqual(ledger.waiting, []);
	// A spare dial goes to the idle list without having been borrowed, and the server counts it as new, not idle.
	if (kind === "http") return;
	assert.equal(strangers, 0);
	assert.equal(result.dbStats.InUse, held);
	for (const { open, idle } of ledger.owners) assert.equal(open - idle, held, "by the pool's own counters");
	// A pool's address is learnt from what is held of it.
	if (held > 0) assert.equal(ledger.owners.length, 1);
}

/** Held borrows by the kind of leak whose line is in their stack; every one must have exactly one. */
export function heldByKind(ledger: Ledger): Record<string, number> {
	const byKind: Record<string, number> = {};
	for (const stack of ledger.stacks) {
		if (stack.held === 0) continue;
		const kinds = [...borrowsLeaks()].filter(([, site]) => shows(stack, site)).map(([kind]) => kind);
		assert.equal(kinds.length, 1, `one leaking line in ${JSON.stringify(stack.frames)}`);
		const kind = kinds[0] ?? "";
		byKind[kind] = (byKind[kind] ?? 0) + stack.held;
	}
	return byKind;
}

function shows({ frames }: BorrowStack, site: LeakSite): boolean {
	return frames.some(
		({ func, file, line }) => func === site.func && file.endsWith(site.file) && line === site.line,
	);
}
