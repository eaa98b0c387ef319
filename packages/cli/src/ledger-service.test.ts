/** `plumbline ledger` on a running program that counts itself what it borrows, and where it refuses. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { liveBpf, tellHowManyRan } from "@plumbline/kernel/testing/bpf-live";
import {
	type BorrowsProgram,
	type BorrowsResult,
	borrowsLeaks,
	startBorrows,
} from "@plumbline/lab/borrows-program";
import { NoServiceError } from "@plumbline/lab/stage";
import { decodeLedger } from "@plumbline/signals/ledger-json";
import { type Run, runPlumbline, STACK_TRACE } from "./testing/run-plumbline.ts";

/** Said when the probes are in. */
const ATTACHED = /^process \d+: watched .*; at [\d.]+ returns\/s/m;
const LONG = ["--for", "10m"];

/** Undefined after it has skipped the test. */
async function program(t: TestContext, args: readonly string[]): Promise<BorrowsProgram | undefined> {
	if ((await liveBpf(t)) === undefined) return undefined;
	try {
		const started = await startBorrows({ args });
		t.after(() => started.stop());
		return started;
	} catch (error) {
		if (!(error instanceof NoServiceError)) throw error;
		t.skip("missing tool: go");
		return undefined;
	}
}

/** Watched from before its first borrow; `then` is begun once, when the ledger is attached. */
function watchFrom(
	{ pid }: BorrowsProgram,
	flags: readonly string[],
	then: () => void,
	interrupt?: Promise<unknown>,
): Promise<Run> {
	let attached = false;
	return runPlumbline(["ledger", "--pid", String(pid), ...LONG, ...flags], {
		...(interrupt === undefined ? {} : { interrupt }),
		onStderr(stderr) {
			if (attached || !ATTACHED.test(stderr)) return;
			attached = true;
			then();
		},
	});
}

const LEAKING = ["-borrows", "2003", "-leak-every", "400", "-pool-size", "20", "-hold"];
/** Of the first way to leak, and no worker that waits for another. */
const FIRST_LEAK = "sql-conn";

test("Ctrl-C: as JSON, what the program counted itself", async (t) => {
	const target = await program(t, LEAKING);
	if (target === undefined) return;
	const run = await watchFrom(target, ["--json"], target.go, target.result);
	const result: BorrowsResult = await target.result;
	assert.equal(run.code, 130);
	assert.match(run.stderr, /interrupted after .* of 10 min: this is what was seen until then\n$/);
	const decoded = decodeLedger(new TextEncoder().encode(run.stdout));
	assert.ok(decoded.kind === "decoded" && decoded.flaws.length === 0);
	const sql = decoded.value.pools.find(({ pool }) => pool === "database/sql");
	assert.ok(sql);
	const { acquired, released, held, strangers, replaced, lost } = sql;
	const { InUse } = result.dbStats;
	assert.deepEqual(
		{ acquired, released, held, strangers, replaced, lost },
		{ acquired: 2003, released: 2003 - InUse, held: InUse, strangers: 0, replaced: 0, lost: 0 },
	);
	assert.equal(
		InUse,
		Object.values(result.leaked).reduce((sum, count) => sum + count, 0),
	);
});

test("Ctrl-C: as text, the line that leaks, and that it was cut short", async (t) => {
	const target = await program(t, LEAKING);
	if (target === undefined) return;
	const { code, stdout } = await watchFrom(target, [], target.go, target.result);
	const { leaked } = await target.result;
	assert.equal(code, 130);
	const total = Object.values(leaked).reduce((sum, count) => sum + count, 0);
	assert.match(stdout, new RegExp(`^${total} of the 2003 borrows seen in .* are still out`));
	assert.match(stdout, /^interrupted after/m);
	assert.match(stdout, new RegExp(`seen +2003 acquired, ${2003 - total} returned, ${total} held`));
	assert.match(stdout, new RegExp(`pool +0x[0-9a-f]+: ${total} in use, \\d+ idle, \\d+ at most`));
	const site = borrowsLeaks().get(FIRST_LEAK);
	assert.ok(site !== undefined && leaked[FIRST_LEAK] !== undefined, JSON.stringify(leaked));
	assert.ok(stdout.includes(`  where     ${site.func}\n`), stdout);
	assert.ok(stdout.includes(`${site.file}:${site.line}\n`), stdout);
	assert.match(stdout, /A long hold is not always a leak/);
});

test("the program ends meanwhile: what was seen is printed, and that it ended", async (t) => {
	const target = await program(t, LEAKING);
	if (target === undefined) return;
	const begin = () => {
		target.go();
		void target.result.then(() => target.stop());
	};
	const { code, stdout } = await watchFrom(target, [], begin);
	assert.equal(code, 0);
	assert.match(stdout, /of\s+the\s+2003\s+borrows\s+seen\s+in/);
	assert.match(stdout, /^not watched any more after [^:]*: (no process|process)/m);
});

test("what cannot be watched is refused in one line, exit 3", async () => {
	const cases: [string, RegExp][] = [
		[String(2 ** 22), /^plumbline: .*no process 4194304 on this host/],
		[String(process.pid), /^plumbline: .*is not a Go program the ledger can read/],
	];
	for (const [pid, expected] of cases) {
		const { code, stdout, stderr } = await runPlumbline(["ledger", "--pid", pid]);
		assert.equal(code, 3);
		assert.equal(stdout, "");
		assert.match(stderr, expected);
		assert.doesNotMatch(stderr, STACK_TRACE);
		assert.equal(stderr.trimEnd().split("\n").length, 1);
	}
});

test("wrong usage: exit 2; the help has examples and says what the exit codes mean", async () => {
	const cases: [string[], RegExp][] = [
		[[], /Expected input for flag --pid/],
		[["--pid", "zero"], /wants a process id such as 4711, not "zero"/],
		[["--pid", "1", "--for", "2h"], /--for wants a time from 1s to 60m such as 30s, not "2h"/],
		[["--pid", "1", "--for", "0"], /--for wants a time/],
		[["--pid", "1", "--mode", "slow"], /Expected "slow" to be one of \(fast\|return\)/],
		[["4711"], /did you mean --pid 4711\?/],
	];
	for (const [args, expected] of cases) {
		const { code, stdout, stderr } = await runPlumbline(["ledger", ...args]);
		assert.equal(code, 2, args.join(" "));
		assert.equal(stdout, "");
		assert.match(stderr, expected);
	}
	const { code, stdout } = await runPlumbline(["ledger", "--help"]);
	assert.equal(code, 0);
	assert.match(stdout, /plumbline ledger --pid 4711\n/);
	assert.match(stdout, /an instrument, not a verdict/);
});

tellHowManyRan();
