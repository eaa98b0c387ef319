/**
 * Encodes and decodes one reading of the borrow ledger: JSON with one row a line, so that a row can be quoted
 * by its offset.
 *
 *     {"schema":"plumbline.ledger/1","goVersion":"go1.26.8","watchedMs":9612,"costMs":3.1,
 *     "pools":[
 *     {"pool":"database/sql","kind":"sql","mode":"return","acquired":58,"released":47,"held":11,...}
 *     ],
 *     "owners":[
 *     {"owner":"0xc0000d4000","pool":"database/sql","open":14,"idle":3,"maxOpen":25}
 *     ],
 *     "transports":[
 *     {"owner":"0xc0000f2000","keepAlivesOff":false,"maxIdle":0,"maxIdlePerHost":0,"idleTimeoutMs":90000}
 *     ],
 *     "waiting":[],
 *     "stacks":[
 *     {"pool":"database/sql","kind":"sql","acquired":11,"released":0,"held":11,"oldestMs":2810,
 *      "frames":[["database/sql.(*DB).begin","sql.go",1870],["main.Reserve","main.go",18]]}
 *     ],
 *     "held":[
 *     {"stack":0,"handle":"0xc0001a2000","owner":"0xc0000d4000","goid":55,"ageMs":2810}
 *     ]}
 *
 * A row that is not as described is left out and told as a flaw; unknown fields are ignored.
 */
import type { Decoded } from "./decoded.ts";
import { Flaws } from "./flaws.ts";
import type { Frame } from "./goroutines.ts";
import type {
	BorrowSocket,
	BorrowStack,
	HeldBorrow,
	HttpTransport,
	Ledger,
	LedgerPool,
	PoolKind,
	PoolOwner,
	WaitingBorrower,
} from "./ledger.ts";
import { quoteBytes } from "./quote-bytes.ts";

const SCHEMA = "plumbline.ledger/1";
/** The kernel's tables bound a reading to some 20,000 rows; this is several times as much. */
const LEDGER_BYTES_MAX = 64 << 20;
const LIST_START = '\n"stacks":[\n';
/** More frames than the kernel walks, with inlined calls expanded. */
const FRAMES_MAX = 1_000;
const HEAD_BYTES = 200;
const FOUND_CHARS_MAX = 60;

export function encodeLedger(ledger: Ledger): Uint8Array {
	const { pools, owners, transports, waiting, stacks, held, ...head } = ledger;
	const lists = {
		pools,
		owners,
		...(transports === undefined ? {} : { transports }),
		waiting: waiting.map((row) => ({ ...row, frames: row.frames.map(asTriple) })),
		stacks: stacks.map(({ offset: _, frames, ...row }) => ({ ...row, frames: frames.map(asTriple) })),
		held,
	};
	const rows = Object.entries(lists).map(
		([name, list]) => `"${name}":[\n${list.map((row) => JSON.stringify(row)).join(",\n")}\n]`,
	);
	const start = JSON.stringify({ schema: SCHEMA, ...head }).slice(0, -1);
	return new TextEncoder().encode(`${start},\n${rows.join(",\n")}}\n`);
}

type Triple = readonly [func: string, file: string, line: number];

function asTriple({ func, file, line }: Frame): Triple {
	return [func, file, line];
}

export function decodeLedger(bytes: Uint8Array): Decoded<Ledger> {
	if (!startsAsLedger(bytes)) return { kind: "foreign", found: quoteBytes(bytes) };
	const flaws = new Flaws();
	const json = bytes.length > LEDGER_BYTES_MAX ? undefined : parse(bytes);
	if (json === undefined) {
		// Half a ledger would show borrows without their returns, so nothing of it is kept.
		flaws.truncated("expected a whole ledger, found one cut short or too large to read", bytes.length);
		return { kind: "decoded", value: NOTHING, flaws: flaws.list() };
	}
	const { goVersion } = json;
	const offsets = offsetsOf(bytes);
	// A held borrow names its stack by its place in the list, also where a row before it is broken.
	const placeOf = new Map<number, number>();
	const stacks = rowsOf(json, "stacks", flaws, (row, i) => {
		const stack = stackOf(row, offsets[i] ?? 0);
		if (stack !== undefined) placeOf.set(i, placeOf.size);
		return stack;
	});
	const ledger = {
		...(typeof goVersion === "string" ? { goVersion } : {}),
		watchedMs: countOf(json.watchedMs) ?? 0,
		costMs: countOf(json.costMs) ?? 0,
		pools: rowsOf(json, "pools", flaws, poolOf),
		owners: rowsOf(json, "owners", flaws, ownerOf),
		...(json.transports === undefined ? {} : { transports: rowsOf(json, "transports", flaws, transportOf) }),
		...optional("transportsSeen", json),
		waiting: rowsOf(json, "waiting", flaws, waitingOf),
		stacks,
		held: rowsOf(json, "held", flaws, (row) => heldOf(row, placeOf)),
	};
	return { kind: "decoded", value: ledger, flaws: flaws.list() };
}

const NOTHING: Ledger = {
	watchedMs: 0,
	costMs: 0,
	pools: [],
	owners: [],
	waiting: [],
	stacks: [],
	held: [],
};

/** The schema comes first, as in every file of ours. */
function startsAsLedger(bytes: Uint8Array): boolean {
	const start = new TextDecoder("latin1").decode(bytes.subarray(0, HEAD_BYTES));
	return new RegExp(`^\\s*\\{\\s*"schema"\\s*:\\s*"${SCHEMA}"`).test(start);
}

type Row = Readonly<Record<string, unknown>>;

function parse(bytes: Uint8Array): Row | undefined {
	try {
		const value: unknown = JSON.parse(new TextDecoder().decode(bytes));
		return isRow(value) ? value : undefined;
	} catch {
		return undefined;
	}
}

function isRow(value: unknown): value is Row {
	return typeof value === "object" && value !== null && !Array.isArray(value);
}

function rowsOf<T>(
	json: Row,
	name: string,
	flaws: Flaws,
	read: (row: Row, index: number) => T | undefined,
): T[] {
	const list = json[name];
	if (!Array.isArray(list)) {
		flaws.malformed(`expected a list of ${name}`, 0);
		return [];
	}
	return list.flatMap((item: unknown, index) => {
		const value = isRow(item) ? read(item, index) : undefined;
		if (value !== undefined) return [value];
		const found = JSON.stringify(item).slice(0, FOUND_CHARS_MAX);
		flaws.malformed(`expected a row of ${name} with all its fields, found ${found}`, 0);
		return [];
	});
}

function poolOf(row: Row): LedgerPool | undefined {
	const { pool, kind, refused, mode } = row;
	if (typeof pool !== "string" || !isKind(kind)) return undefined;
	const count = (name: string) => countOf(row[name]) ?? 0;
	return {
		pool,
		kind,
		...(typeof refused === "string" ? { refused } : {}),
		...(mode === "return" || mode === "fast" ? { mode } : {}),
		acquired: count("acquired"),
		released: count("released"),
		held: count("held"),
		replaced: count("replaced"),
		strangers: count("strangers"),
		lost: count("lost"),
	};
}

function stackOf(row: Row, offset: number): BorrowStack | undefined {
	const { pool, kind } = row;
	const [acquired, released, held] = [countOf(row.acquired), countOf(row.released), countOf(row.held)];
	if (typeof pool !== "string" || !isKind(kind)) return undefined;
	if (acquired === undefined || released === undefined || held === undefined) return undefined;
	return {
		pool,
		kind,
		frames: framesOf(row.frames),
		acquired,
		released,
		held,
		...optional("oldestMs", row),
		...optional("heldMsMean", row),
		...optional("heldMsMax", row),
		offset,
	};
}

function heldOf(row: Row, placeOf: ReadonlyMap<number, number>): HeldBorrow | undefined {
	const { handle, owner } = row;
	const stack = placeOf.get(countOf(row.stack) ?? -1);
	const [goid, ageMs] = [countOf(row.goid), countOf(row.ageMs)];
	if (stack === undefined || !isAddress(handle)) return undefined;
	if (goid === undefined || ageMs === undefined) return undefined;
	const socket = socketOf(row.socket);
	return {
		stack,
		handle,
		...(isAddress(owner) ? { owner } : {}),
		goid,
		ageMs,
		...(socket === undefined ? {} : { socket }),
	};
}

function socketOf(value: unknown): BorrowSocket | undefined {
	if (!isRow(value)) return undefined;
	const [fd, inode] = [countOf(value.fd), countOf(value.inode)];
	const [localPort, remotePort] = [countOf(value.localPort), countOf(value.remotePort)];
	if (fd === undefined || inode === undefined || localPort === undefined || remotePort === undefined)
		return undefined;
	return { fd, inode, localPort, remotePort };
}

function waitingOf(row: Row): WaitingBorrower | undefined {
	const { pool } = row;
	const [goid, ageMs] = [countOf(row.goid), countOf(row.ageMs)];
	if (typeof pool !== "string" || goid === undefined || ageMs === undefined) return undefined;
	return { pool, goid, ageMs, frames: framesOf(row.frames) };
}

function ownerOf(row: Row): PoolOwner | undefined {
	const { owner, pool } = row;
	const [open, idle, maxOpen] = [countOf(row.open), countOf(row.idle), countOf(row.maxOpen)];
	if (!isAddress(owner) || typeof pool !== "string") return undefined;
	if (open === undefined || idle === undefined || maxOpen === undefined) return undefined;
	return { owner, pool, open, idle, maxOpen };
}

function transportOf(row: Row): HttpTransport | undefined {
	const { owner, keepAlivesOff, maxIdle, maxIdlePerHost } = row;
	const idleTimeoutMs = countOf(row.idleTimeoutMs);
	if (!isAddress(owner) || typeof keepAlivesOff !== "boolean" || idleTimeoutMs === undefined)
		return undefined;
	if (!Number.isSafeInteger(maxIdle) || !Number.isSafeInteger(maxIdlePerHost)) return undefined;
	return {
		owner,
		keepAlivesOff,
		maxIdle: maxIdle as number,
		maxIdlePerHost: maxIdlePerHost as number,
		idleTimeoutMs,
	};
}

function framesOf(value: unknown): Frame[] {
	if (!Array.isArray(value)) return [];
	return value.slice(0, FRAMES_MAX).flatMap((item: unknown) => {
		if (!Array.isArray(item)) return [];
		const [func, file, line] = item as readonly unknown[];
		return typeof func === "string" && typeof file === "string" && typeof line === "number"
			? [{ func, file, line }]
			: [];
	});
}

/** Where each row of `stacks` starts; none when somebody has laid the text out anew. */
function offsetsOf(bytes: Uint8Array): number[] {
	// Each byte one character, so that a place in the text is one in the bytes.
	const text = new TextDecoder("latin1").decode(bytes);
	const offsets: number[] = [];
	let at = text.indexOf(LIST_START);
	if (at < 0) return offsets;
	at += LIST_START.length;
	while (text[at] === "{") {
		offsets.push(at);
		const end = text.indexOf("\n", at);
		if (end < 0) break;
		at = end + 1;
	}
	return offsets;
}

function optional<K extends string>(name: K, row: Row): { readonly [P in K]?: number } {
	const count = countOf(row[name]);
	// The key is the literal K; the compiler widens a computed one to string.
	return (count === undefined ? {} : { [name]: count }) as { readonly [P in K]?: number };
}

function isKind(value: unknown): value is PoolKind {
	return value === "sql" || value === "pgxpool" || value === "http";
}

function isAddress(value: unknown): value is string {
	return typeof value === "string" && /^0x[0-9a-f]{1,16}$/.test(value);
}

function countOf(value: unknown): number | undefined {
	return typeof value === "number" && Number.isFinite(value) && value >= 0 ? value : undefined;
}
