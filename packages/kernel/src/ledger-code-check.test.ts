/** What runs is compared with what was proved, byte by byte, before anything is attached. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { checkCode } from "./ledger-code-check.ts";
import { offsetsOfPlan, planPools } from "./ledger-plan.ts";
import { POOLS } from "./ledger-pools.ts";
import { openLedgerTarget } from "./ledger-target.ts";
import { countingProgram, expectRead, liveBpf, makeCounters, tellHowManyRan } from "./testing/bpf-live.ts";
import { BRANCH_AT, fakeProgram } from "./testing/fake-program.ts";
import { attach, expectExact, ledgerOf, poolOf, startProgram } from "./testing/ledger-live.ts";
import { attachUprobes } from "./uprobes.ts";

const CONN = "database/sql.(*DB).conn";
const PUT = "database/sql.(*DB).putConn";
const BIAS = 0x1000_0000;
const { symbols, entryOf } = fakeProgram([
	{ name: CONN },
	{ name: PUT },
	{ name: "main.main", calls: [CONN, PUT] },
]);
const PLANNED = planPools(symbols, POOLS, "return");
const PLACES = new Set(PLANNED.flatMap((p) => (p.kind === "watched" ? offsetsOfPlan(p.plan) : [])));

/** Why database/sql is refused where a byte of memory is another than in the file. */
function whyWith(address: number, byte: number, arch: "amd64" | "arm64" = "amd64"): string | undefined {
	const memory = {
		read(start: number, length: number) {
			const code = symbols.code({ name: "", entry: start - BIAS, end: start - BIAS + length });
			if (address >= start - BIAS && address < start - BIAS + length) code[address - (start - BIAS)] = byte;
			return code;
		},
	};
	const ledgerPlaces = () => PLACES;
	const [sql] = checkCode(PLANNED, { symbols: { ...symbols, arch }, memory, bias: BIAS, ledgerPlaces });
	return sql?.kind === "refused" ? sql.why : undefined;
}

test("code as in the file, and a ledger's own breakpoint in it, are let be", () => {
	assert.equal(whyWith(0, 0), undefined);
	assert.equal(whyWith(entryOf(PUT) + BRANCH_AT, 0xcc), undefined);
	assert.equal(whyWith(entryOf("main.main"), 0xcc), undefined, "no probe is to go there");
});

test("refused: any other difference in a function that would be probed", () => {
	const why = /^the process runs other code than its file has in database\/sql.* at 0x[0-9a-f]+: /;
	assert.match(whyWith(entryOf(PUT), 0xcc) ?? "", why, "a breakpoint where no ledger has one");
	assert.match(whyWith(entryOf(PUT) + BRANCH_AT, 0xe9) ?? "", why, "a jump to somebody's patch");
	assert.match(whyWith(entryOf(CONN) + BRANCH_AT, 0xcc, "arm64") ?? "", why, "that of another architecture");
});

test("refused: code that cannot be read", () => {
	const memory = { read: () => undefined };
	const [sql] = checkCode(PLANNED, { symbols, memory, bias: 0, ledgerPlaces: () => PLACES });
	assert.equal(sql?.kind, "refused");
});

test("another tracer's breakpoint in a probed function: refused while it is there, and unharmed", async (t) => {
	const bpf = await liveBpf(t);
	if (bpf === undefined) return;
	const program = await startProgram(t, { args: ["-borrows", "1009", "-hold"] });
	if (program === undefined) return;
	const target = expectRead(openLedgerTarget(program.pid));
	t.after(() => target.close());
	const [conn] = target.symbols.functionsNamed(CONN);
	const counters = makeCounters(bpf);
	t.after(() => counters.close());
	const tracer = expectRead(
		await attachUprobes(bpf, {
			path: target.path,
			pid: program.pid,
			offsets: [target.symbols.fileOffset(conn?.entry ?? 0) ?? 0],
			instructions: countingProgram(counters),
			name: "other",
		}),
	);
	t.after(() => tracer.close());
	const beside = await attach(t, program.pid);
	const { refused } = poolOf(await ledgerOf(beside), "database/sql");
	assert.match(
		refused ?? "",
		/^the process runs other code than its file has in database\/sql\.\(\*DB\)\.conn at 0x/,
	);
	await tracer.close();
	const session = await attach(t, program.pid);
	program.go();
	expectExact(await program.result.then(() => ledgerOf(session)), await program.result);
});

tellHowManyRan();
