/** Made-up diagnoses for the goldens: one for each shape a page can take. */
import type { Diagnosis, Evidence, Finding } from "@plumbline/diagnosis/finding";

const dumpEvidence: Evidence = {
	line: "runtime",
	says: "7 goroutines wait in (*Tx).awaitDone in both dumps: one for each open transaction",
	quote: `goroutine 8152 [chan receive]:
database/sql.(*Tx).awaitDone(0xc000112000)
	/usr/local/go/src/database/sql/sql.go:2212 +0x2b
created by database/sql.(*DB).beginDC in goroutine 8150
	/usr/local/go/src/database/sql/sql.go:1947 +0x1fb`,
	part: "goroutines.1.debug2.txt",
	offset: 40960,
	atMs: 9870,
};

const sessionEvidence: Evidence = {
	line: "pool",
	says: "7 sessions idle in transaction in every sample, nothing run",
	quote:
		"session 3121 10.0.4.17:51020 app orders idle in transaction wait Client/ClientRead xact 14 min in state 14 min: insert into orders (id, customer, total) values (?, ?, ?) returning id, created_at, updated_at",
	part: "sessions.1.postgres.json",
	offset: 812,
	atMs: 9934,
};

const txOpen: Finding = {
	id: "tx-open",
	severity: "critical",
	level: "confirmed",
	confidence: 0.97,
	count: 7,
	title: "7 transactions are open and nobody will close them",
	story:
		"7 transactions stayed open through the whole window without running a statement; the oldest for 14 min; 5 of their goroutines have ended, 2 serve other requests now",
	holder: {
		func: "github.com/acme/orders/internal/store.(*Orders).Create",
		file: "/src/orders/internal/store/create.go",
		line: 42,
		how: "11 live goroutines of the same request path stand here while they hold a transaction",
		confidence: 0.88,
	},
	candidates: [],
	evidence: [dumpEvidence, sessionEvidence],
	joins: [
		{
			between: ["sockets", "pool"],
			confidence: 0.97,
			reason: "client ports match this process's sockets but addresses do not (NAT between them)",
		},
	],
	otherwise: ["a transaction held on purpose across a slow call to another service"],
	fix: [
		"right after Begin: check its error, then `defer tx.Rollback()` (after Commit it does nothing)",
		"begin with the request's context, so that a forgotten transaction ends with its request",
	],
	stop: [
		"`psql -c \"select pg_terminate_backend(pid) from pg_stat_activity where state like 'idle in transaction%' and state_change < now() - interval '1 min'\"`",
		"restarting the service frees the connections until the same path runs again",
	],
	verify: ["run `plumbline diagnose` again under the same load: the count stays at 0"],
	causes: [],
};

const lockWait: Finding = {
	...txOpen,
	id: "db-lock-wait",
	confidence: 0.9,
	count: 3,
	title: "3 sessions wait for a lock that an idle transaction holds",
	story: "session 3121 has held the row lock for 14 min; it belongs to this service (10.0.4.17:51020)",
	candidates: [],
	evidence: [sessionEvidence],
	otherwise: [],
	causes: ["tx-open"],
};

const starved: Finding = {
	...txOpen,
	id: "pool-starved",
	severity: "warning",
	count: 19,
	title: "19 callers wait for a connection",
	story: "the pool's 10 connections are all in use, 7 of them by open transactions",
	evidence: [{ ...dumpEvidence, says: "19 goroutines wait in (*DB).conn in both dumps", quote: "" }],
	causes: ["db-lock-wait", "tx-open"],
};

/** As a type, without the holder: `exactOptionalPropertyTypes` allows no undefined. */
function withoutHolder({ holder: _, ...finding }: Finding): Finding {
	return finding;
}

const rowsOpen: Finding = withoutHolder({
	...txOpen,
	id: "rows-open",
	severity: "warning",
	level: "suspected",
	confidence: 0.62,
	count: 2,
	title: "2 cursors are open and nobody reads them",
	story: "2 result sets stayed open through the whole window",
	candidates: [
		{
			func: "main.exportCsv",
			file: "/src/orders/export.go",
			line: 118,
			how: "the only live caller of Query",
			confidence: 0.4,
		},
		{
			func: "main.search",
			file: "/src/orders/search.go",
			line: 77,
			how: "its statement is the session's last",
			confidence: 0.35,
		},
	],
	holderGap: "the creating goroutines have ended; a borrow ledger would name the line",
	evidence: [dumpEvidence],
});

const leak: Diagnosis = {
	target: {
		pid: 4711,
		pprof: "http://127.0.0.1:6060/debug/pprof/",
		metrics: "http://127.0.0.1:9090/metrics",
		db: "postgres://db.internal:5432/orders",
	},
	service: {
		command: "/srv/orders --listen :8080",
		goVersion: "go1.26.8",
		modules: ["gorm.io/gorm v1.31.0"],
	},
	window: { startWallMs: 1_795_347_950_000, durationMs: 10_012 },
	examined: [
		{ line: "sockets", state: "read", what: "2 snapshots, 57 sockets" },
		{ line: "runtime", state: "read", what: "2 dumps, 412 goroutines" },
		{ line: "pool", state: "partly", what: "2 session lists, 31 sessions" },
	],
	links: [],
	gaps: [
		{ line: "pool", what: "pool counters", why: "no Prometheus page on ports 8080, 9090", weight: "note" },
	],
	findings: [txOpen],
};

const blind: Diagnosis = {
	...leak,
	target: { pid: 4711 },
	service: { modules: [] },
	examined: [
		{ line: "sockets", state: "read", what: "2 snapshots, 57 sockets" },
		{ line: "runtime", state: "unexamined", what: "" },
		{ line: "pool", state: "unexamined", what: "" },
	],
	links: [],
	gaps: [
		{ line: "pool", what: "database sessions", why: "no --db given", weight: "note" },
		{ line: "runtime", what: "goroutines", why: "connection refused by 127.0.0.1:6060", weight: "loss" },
		{
			line: "sockets",
			what: "socket owners",
			why: "may not read /proc/4711/fd: run as root or as the service's user",
			at: "fds.0.txt byte 0",
			weight: "loss",
		},
	],
	findings: [],
};

/** Every way in for text from outside tries to steer the terminal, the table or the reader. */
const EVIL =
	"\x1b[2J\x1b]0;owned\x07\x9b31m\u202egnp.exe\r| a | b |\n# Big <b>\n```\n@everyone `x` \u{e0041}";

const hostile: Diagnosis = {
	...leak,
	target: { pid: 1, pprof: EVIL, files: [EVIL, "日本語のファイル名.txt"] },
	service: { command: EVIL, goVersion: EVIL, modules: [EVIL] },
	examined: [{ line: "runtime", state: "partly", what: EVIL }],
	links: [],
	gaps: [{ line: "runtime", what: EVIL, why: EVIL, at: EVIL, weight: "loss" }],
	findings: [
		{
			...txOpen,
			title: `${EVIL} ${"日本語".repeat(40)}`,
			story: `${EVIL} ${"x".repeat(400)}`,
			holder: { func: EVIL, file: EVIL, line: 1, how: EVIL, confidence: Number.NaN },
			candidates: [],
			evidence: [{ ...dumpEvidence, says: EVIL, quote: `${EVIL}\n${"日本語".repeat(60)}`, part: EVIL }],
			joins: [{ between: ["sockets", "pool"], confidence: Number.NaN, reason: EVIL }],
			otherwise: [EVIL],
			fix: [EVIL],
			stop: [EVIL],
			verify: [EVIL],
		},
	],
};

export const SAMPLES: Readonly<Record<string, Diagnosis>> = {
	leak,
	chain: { ...leak, findings: [txOpen, lockWait, starved] },
	several: { ...leak, findings: [txOpen, rowsOpen, starved] },
	blind,
	nothing: { ...blind, examined: leak.examined, gaps: [] },
	hostile,
};
