/** A program whose file is gone, replaced, or in a container is watched as any other. */
import assert from "node:assert/strict";
import { existsSync, readlinkSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { tellHowManyRan } from "./testing/bpf-live.ts";
import { startElsewhere } from "./testing/ledger-elsewhere.ts";
import { attach, expectExact, ledgerOf } from "./testing/ledger-live.ts";

const LEAKING = [
	"-workers",
	"8",
	"-borrows",
	"5003",
	"-pool-size",
	"16",
	"-leak-every",
	"499",
	"-leak-max",
	"7",
];

for (const [what, flags, pool] of [
	["database/sql", [], "database/sql"],
	["net/http, by its own loopback", ["-http"], "net/http"],
] as const) {
	test(`in a container with namespaces of its own, ${what}: leaks are named from outside`, async (t) => {
		const program = await startElsewhere(t, "container", [...LEAKING, ...flags]);
		if (program === undefined) return;
		for (const namespace of ["mnt", "pid", "net"]) {
			const [ours, its] = ["self", program.pid].map((pid) => readlinkSync(`/proc/${pid}/ns/${namespace}`));
			assert.notEqual(ours, its, namespace);
		}
		assert.equal(program.ownPid, 1);
		assert.ok(!existsSync(program.path), "its file is not to be seen from here");
		const session = await attach(t, program.pid);
		const result = await program.go();
		expectExact(await ledgerOf(session), result, pool);
	});
}

for (const [what, change] of [
	["replaced by another one", replace],
	["deleted", (path: string) => rmSync(path)],
] as const) {
	for (const route of ["auto", "perf"] as const) {
		test(`its file ${what}, route ${route}: what runs is watched`, async (t) => {
			const program = await startElsewhere(t, "own copy", LEAKING);
			if (program === undefined) return;
			change(program.path);
			const session = await attach(t, program.pid, { route });
			const result = await program.go();
			expectExact(await ledgerOf(session), result);
			await session.close();
		});
	}
}

function replace(path: string): void {
	writeFileSync(`${path}.new`, "#!/bin/sh\necho a later release\n");
	renameSync(`${path}.new`, path);
}

tellHowManyRan();
