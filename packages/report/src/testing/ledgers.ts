/** Made-up readings of the borrow ledger for the goldens: one for each shape its text can take. */
import { applicationTest } from "@plumbline/diagnosis/application";
import type { Frame } from "@plumbline/signals/goroutines";
import type { BorrowStack, Ledger, LedgerPool } from "@plumbline/signals/ledger";
import type { LedgerTold } from "../ledger-words.ts";

function frame(func: string, file: string, line: number): Frame {
	return { func, file, line };
}

const GO = "/usr/local/go/src";
const SERVED = [
	frame("example.com/orders/web.(*Server).reserve", "/src/orders/web/reserve.go", 71),
	frame("net/http.HandlerFunc.ServeHTTP", `${GO}/net/http/server.go`, 2286),
	frame("net/http.(*conn).serve", `${GO}/net/http/server.go`, 2067),
];

const returned = { pool: "database/sql", kind: "sql", held: 0, offset: 0 } as const;

const begin: BorrowStack = {
	...returned,
	frames: [
		frame("database/sql.(*DB).begin", `${GO}/database/sql/sql.go`, 1891),
		frame("database/sql.(*DB).BeginTx", `${GO}/database/sql/sql.go`, 1873),
		frame("gorm.io/gorm.(*DB).Begin", "/root/go/pkg/mod/gorm.io/gorm@v1.31.2/finisher_api.go", 701),
		frame("example.com/orders/store.(*Orders).Reserve", "/src/orders/store/reserve.go", 43),
		...SERVED,
	],
	acquired: 901,
	released: 896,
	held: 5,
	oldestMs: 28_120,
	heldMsMean: 13.192,
	heldMsMax: 26.409,
};

const pinned: BorrowStack = {
	...returned,
	frames: [
		frame("database/sql.(*DB).Conn", `${GO}/database/sql/sql.go`, 1993),
		frame("main.listen", "/src/orders/main.go", 19),
	],
	acquired: 1,
	released: 0,
	held: 1,
	oldestMs: 29_800,
};

const query: BorrowStack = {
	...returned,
	frames: [
		frame("database/sql.(*DB).QueryContext", `${GO}/database/sql/sql.go`, 1762),
		frame("example.com/orders/store.(*Orders).List", "/src/orders/store/list.go", 12),
		...SERVED,
	],
	acquired: 211,
	released: 211,
	heldMsMean: 0.42,
	heldMsMax: 1204,
};

const fetch: BorrowStack = {
	...begin,
	pool: "net/http",
	kind: "http",
	frames: [
		frame("net/http.(*Transport).roundTrip", `${GO}/net/http/transport.go`, 591),
		frame("net/http.(*Client).Get", `${GO}/net/http/client.go`, 477),
		frame("example.com/orders/rates.Fetch", "/src/orders/rates/fetch.go", 27),
		...SERVED,
	],
	acquired: 7,
	released: 5,
	held: 2,
	oldestMs: 140,
	heldMsMean: 150,
	heldMsMax: 210,
};

const pool: LedgerPool = {
	pool: "database/sql",
	kind: "sql",
	mode: "return",
	acquired: 1113,
	released: 1107,
	held: 6,
	replaced: 0,
	strangers: 35,
	lost: 0,
};

const leak: Ledger = {
	goVersion: "go1.26.8",
	watchedMs: 30_012,
	costMs: 6.9,
	pools: [pool, { ...pool, pool: "net/http", kind: "http", acquired: 7, released: 5, held: 2, strangers: 9 }],
	owners: [{ owner: "0xc0000d4000", pool: "database/sql", open: 32, idle: 21, maxOpen: 40 }],
	waiting: [
		{ pool: "database/sql", goid: 91, ageMs: 2400, frames: begin.frames },
		{ pool: "database/sql", goid: 92, ageMs: 11, frames: begin.frames },
		{ pool: "database/sql", goid: 93, ageMs: 2, frames: [] },
	],
	stacks: [begin, fetch, pinned, query],
	held: [
		...[28_120, 21_004, 9_870, 4_410, 12].map((ageMs, i) => ({
			stack: 0,
			handle: `0xc0001a${i}000`,
			owner: "0xc0000d4000",
			goid: i === 1 ? 83 : 83 + i,
			ageMs,
			socket: { fd: 20 + i, inode: 4_144_360 + i, localPort: 43_390 + 2 * i, remotePort: 5432 },
		})),
		{ stack: 1, handle: "0xc0002b0000", goid: 400, ageMs: 140 },
		{ stack: 1, handle: "0xc0002b1000", goid: 401, ageMs: 90 },
		{ stack: 2, handle: "0xc0001b0000", owner: "0xc0000d4000", goid: 7, ageMs: 29_800 },
	],
};

const none: LedgerPool = { ...pool, acquired: 0, released: 0, held: 0, strangers: 0 };
const { mode: _, ...unwatched } = none;
const nothing: Ledger = {
	watchedMs: 5003,
	costMs: 0,
	pools: [none],
	owners: [],
	waiting: [],
	stacks: [],
	held: [],
};

/** Every way in for text from outside tries to steer the terminal, the table or the reader. */
const EVIL = "\x1b[2J\x1b]0;owned\x07\x9b31m\u202egnp.exe\r\n# Big `x`";
const evilFrame = frame(`${EVIL}.(*T).f`, `/src/${EVIL}/${EVIL}.go`, 3);

const hostile: Ledger = {
	...leak,
	goVersion: EVIL,
	pools: [
		{ ...pool, pool: EVIL },
		{ ...unwatched, pool: "pgxpool v5", refused: EVIL },
	],
	owners: [{ owner: EVIL, pool: EVIL, open: 5, idle: 1, maxOpen: 0 }],
	waiting: [{ pool: EVIL, goid: 1, ageMs: 5, frames: [evilFrame] }],
	stacks: [{ ...begin, pool: EVIL, frames: [evilFrame, evilFrame] }],
	held: leak.held.slice(0, 5),
};

export function toldOf(ledger: Ledger): LedgerTold {
	const main = { path: "example.com/orders", version: "" };
	return {
		ledger,
		isApplication: applicationTest({ goVersion: "go1.26.8", main, modules: [], settings: {} }),
		pid: 4711,
		askedMs: 30_000,
		forecast: { returnsPerSecond: 37.6, share: 0.00026 },
	};
}

const clean: Ledger = {
	...leak,
	pools: [{ ...pool, mode: "fast", acquired: 211, released: 211, held: 0 }],
	owners: [],
	waiting: [],
	stacks: [query],
	held: [],
};

export const LEDGERS: Readonly<Record<string, LedgerTold>> = {
	leak: toldOf(leak),
	clean: toldOf(clean),
	nothing: { ...toldOf(nothing), memoryGap: "no right to read /proc/4711/mem: CAP_SYS_PTRACE" },
	doubtful: toldOf({ ...leak, pools: [{ ...pool, replaced: 3, lost: 17 }] }),
	hostile: { ...toldOf(hostile), memoryGap: EVIL },
};
