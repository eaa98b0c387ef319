/** Every kind of leak is named by function, file and line, however and by whichever Go the program was built. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { borrowsLeaks } from "@plumbline/lab/borrows-program";
import { BUILD_VARIANTS, type BuildOptions } from "@plumbline/lab/build-service";
import { openServers } from "@plumbline/lab/servers";
import type { LedgerRequest } from "./ledger-session.ts";
import { tellHowManyRan } from "./testing/bpf-live.ts";
import { expectExact, ledgerOf, poolOf, watchProgram } from "./testing/ledger-live.ts";

const servers = openServers();
after(() => servers.stop());

/** The oldest that Debian still serves, then wherever something the ledger reads lies elsewhere than before. */
const TOOLCHAINS = ["go1.19.8", "go1.21.13", "go1.22.12", "go1.24.9", "go1.27.1"];

/** Its PingContext moves the result about before it looks at the error; the returns do instead. */
const FAST_UNPROVED = "go1.19.8";

const BUILDS: readonly BuildOptions[] = [
	...BUILD_VARIANTS.map((variant) => ({ variant })),
	...TOOLCHAINS.map((toolchain) => ({ toolchain })),
	{ toolchain: "go1.19.8", variant: "stripped" },
	{ toolchain: "go1.27.1", variant: "pie" },
];

interface Way {
	readonly pool: string;
	/** Of the kinds of leak. */
	readonly prefix: string;
	readonly mode: NonNullable<LedgerRequest["mode"]>;
	readonly flags: () => Promise<readonly string[]>;
}

const WAYS: readonly Way[] = [
	{ pool: "database/sql", prefix: "sql-", mode: "return", flags: async () => [] },
	{ pool: "database/sql", prefix: "sql-", mode: "fast", flags: async () => [] },
	{ pool: "net/http", prefix: "http-", mode: "return", flags: async () => ["-http"] },
	{
		pool: "pgxpool v5",
		prefix: "pgx-",
		mode: "return",
		flags: async () => ["-pgxpool", "-dsn", (await servers.postgres()).url()],
	},
];

for (const build of BUILDS) {
	const name = `${build.toolchain ?? "the installed Go"}, ${build.variant ?? "normal"}`;
	for (const { pool, prefix, mode, flags } of WAYS) {
		test(`${name}: ${pool}, ${mode} mode`, async (t) => {
			const args = [...(await flags()), "-borrows", "211", "-leak-every", "23", "-pool-size", "16", "-hold"];
			const watched = await watchProgram(t, { ...build, args }, { mode });
			if (watched === undefined) return;
			watched.program.go();
			const result = await watched.program.result;
			const kinds = [...borrowsLeaks().keys()].filter((kind) => kind.startsWith(prefix));
			assert.deepEqual(Object.keys(result.leaked).toSorted(), kinds.toSorted(), "each kind leaked");
			const ledger = await ledgerOf(watched.session);
			expectExact(ledger, result, pool);
			assert.equal(poolOf(ledger, pool).mode, build.toolchain === FAST_UNPROVED ? "return" : mode);
			for (const { goid } of ledger.held) assert.ok(goid > 0 && goid < 10_000, `goroutine ${goid}`);
		});
	}
}

tellHowManyRan();
