/** A service that execs keeps its pid and its start time: the ledger must see it, and leave the new program alone. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { planPools } from "./ledger-plan.ts";
import { POOLS } from "./ledger-pools.ts";
import { openLedger } from "./ledger-session.ts";
import { openLedgerTarget } from "./ledger-target.ts";
import { countingProgram, expectRead, liveBpf, makeCounters, tellHowManyRan } from "./testing/bpf-live.ts";
import { watchCode } from "./testing/ledger-code.ts";
import { attach, ledgerOf, poolOf, until } from "./testing/ledger-live.ts";
import { startUpgrader } from "./testing/ledger-upgrader.ts";
import { attachUprobes } from "./uprobes.ts";

const WHATS = ["another program", "the same file"] as const;
const ROUTES = ["auto", "perf"] as const;

for (const what of WHATS) {
	for (const route of ROUTES) {
		test(`it execs ${what} while it is watched, route ${route}: told, and nothing is held`, async (t) => {
			const service = await startUpgrader(t);
			if (service === undefined) return;
			const session = await attach(t, service.pid, { route });
			await service.ask("leak");
			await service.ask("borrow");
			assert.equal(poolOf(await ledgerOf(session), "database/sql").held, 1);
			await service.exec(what);
			if (what === "another program") assert.deepEqual(changedIn(t, service.pid), []);
			else await service.ask("leak");
			const why = `process ${service.pid} has exec'ed another program`;
			assert.equal(session.whyGone(), why);
			const ledger = await ledgerOf(session);
			assert.match(poolOf(ledger, "database/sql").refused ?? "", new RegExp(`^${why}`));
			assert.equal(poolOf(ledger, "database/sql").held, 0);
			assert.deepEqual([ledger.held, ledger.stacks, ledger.waiting], [[], [], []]);
			await session.close();
			assert.deepEqual(changedIn(t, service.pid), []);
			if (what === "the same file") await service.ask("borrow");
		});

		test(`it execs ${what} before the probes are attached, route ${route}: unharmed`, async (t) => {
			const bpf = await liveBpf(t);
			if (bpf === undefined) return;
			const service = await startUpgrader(t);
			if (service === undefined) return;
			const target = expectRead(openLedgerTarget(service.pid));
			t.after(() => target.close());
			const [planned] = planPools(target.symbols, POOLS, "return");
			assert.ok(planned?.kind === "watched");
			await service.exec(what);
			assert.equal(target.gone()?.why, `process ${service.pid} has exec'ed another program`);
			const counters = makeCounters(bpf);
			t.after(() => counters.close());
			const attached = await attachUprobes(bpf, {
				path: target.path,
				pid: service.pid,
				offsets: planned.plan.acquire,
				instructions: countingProgram(counters),
				name: "test",
				route,
			});
			if (what === "another program") assert.deepEqual(changedIn(t, service.pid), []);
			if (attached.kind === "read") await attached.value.close();
			assert.deepEqual(changedIn(t, service.pid), []);
		});
	}

	test(`it execs ${what} between the releases and the acquisitions: refused, or told`, async (t) => {
		const service = await startUpgrader(t);
		if (service === undefined) return;
		const code = watchCode(service.pid);
		const opening = openLedger({ pid: service.pid });
		await until("the first probes are in", () => code.changed().length > 0 || undefined);
		code.close();
		await service.exec(what);
		const opened = await opening;
		const why = opened.kind === "refused" ? opened.why : opened.value.whyGone();
		assert.equal(why, `process ${service.pid} has exec'ed another program`);
		if (opened.kind === "read") await opened.value.close();
		assert.deepEqual(changedIn(t, service.pid), []);
	});
}

/** Bytes of the code that now runs which are not as its file has them. */
function changedIn(t: TestContext, pid: number): number[] {
	const code = watchCode(pid);
	t.after(() => code.close());
	return code.changed();
}

tellHowManyRan();
