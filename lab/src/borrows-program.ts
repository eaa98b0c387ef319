/**
 * Runs lab/go/cmd/borrows: a program that takes connections from a pool and gives them back, and forgets some at
 * known lines. What a borrow ledger says can be checked against what the program counted itself.
 *
 *	const program = await startBorrows({ args: ["-borrows", "1000", "-leak-every", "100", "-hold"] });
 *	// attach to program.pid
 *	program.go();
 *	const { borrows, leaked, dbStats } = await program.result;
 *	// with -hold it is still there, its leaks with it
 *	await program.stop();
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type BuildOptions, buildService, GO_FOLDER } from "./build-service.ts";
import { NoServiceError } from "./stage.ts";
import { startTied } from "./tied-process.ts";

export interface BorrowsOptions extends Omit<BuildOptions, "program"> {
	/** Flags of the program; `borrows -help` names them. */
	readonly args: readonly string[];
}

/** What the program counted. Its field names are those it prints. */
export interface BorrowsResult {
	/** Those that succeeded, the leaks among them. */
	readonly borrows: number;
	readonly errors: number;
	/** By kind: `sql-conn`, `sql-tx`, ... */
	readonly leaked: Readonly<Record<string, number>>;
	/** Leaked before it was ready (`-before`). */
	readonly leakedBefore: Readonly<Record<string, number>>;
	/** As sql.DBStats, whatever the pool. */
	readonly dbStats: {
		readonly OpenConnections: number;
		readonly InUse: number;
		readonly Idle: number;
		readonly WaitCount: number;
	};
	readonly seconds: number;
	readonly perSecond: number;
	readonly latencyUs: { readonly p50: number; readonly p99: number; readonly max: number };
}

export interface BorrowsProgram {
	readonly pid: number;
	/** `go1.26.8` */
	readonly goVersion: string;
	/** The binary. */
	readonly path: string;
	/** Lets the work begin. */
	go(): void;
	/** Settles when the work is done; rejects when the program ends without a result. */
	readonly result: Promise<BorrowsResult>;
	stop(): Promise<void>;
}

const READY_MS_MAX = 30_000;

/** Builds it, starts it and returns when it waits for go(). Throws NoServiceError where there is no Go. */
export async function startBorrows({ args, ...how }: BorrowsOptions): Promise<BorrowsProgram> {
	const build = await buildService({ ...how, program: "borrows" });
	if (build.kind !== "built") throw new NoServiceError(build);
	const ready = Promise.withResolvers<void>();
	const result = Promise.withResolvers<BorrowsResult>();
	// Whoever stops it early does not wait for a result.
	result.promise.catch(() => {});
	const process = await startTied(build.path, args, {
		withInput: true,
		onLine: (line, stream) => {
			if (stream !== "stdout") return;
			if (line.includes('"ready":true')) ready.resolve();
			else if (line.includes('"result":true')) result.resolve(JSON.parse(line) as BorrowsResult);
		},
	});
	// It may end before it has read all: that shows in its result.
	process.input?.on("error", () => {});
	const give = (why: string) => {
		const error = new Error(`borrows: ${why}\n${process.tail()}`);
		ready.reject(error);
		result.reject(error);
	};
	const late = setTimeout(() => give(`not ready after ${READY_MS_MAX} ms`), READY_MS_MAX);
	void process.drained.then(({ code, signal }) => give(`ended (${signal ?? code})`));
	try {
		await ready.promise;
	} catch (error) {
		await process.stop();
		throw error;
	} finally {
		clearTimeout(late);
	}
	return {
		pid: process.pid,
		goVersion: build.goVersion,
		path: build.path,
		go: () => process.input?.write("go\n"),
		result: result.promise,
		stop: () => process.stop(),
	};
}

/** Where a kind of leak borrows, as a stack shows it but for the folder the program was built in. */
export interface LeakSite {
	readonly func: string;
	/** `cmd/borrows/sql_leaks.go` */
	readonly file: string;
	readonly line: number;
}

const PROGRAM_FOLDER = "cmd/borrows";
const MARKER = /\/\/ LEAK (\S+)$/;
/** `func (p *sqlPool) leakConn() error {`, `func leakGeneric[T any](db *sql.DB, _ T) error {` */
const FUNC = /^func (?:\(\w+ (\*?)(\w+)\) )?(\w+)(\[)?/;

/** Every kind of leak and the line that borrows, read from the program's sources. */
export function borrowsLeaks(): ReadonlyMap<string, LeakSite> {
	const sites = new Map<string, LeakSite>();
	for (const name of readdirSync(join(GO_FOLDER, PROGRAM_FOLDER))) {
		const file = `${PROGRAM_FOLDER}/${name}`;
		let func = "";
		readFileSync(join(GO_FOLDER, file), "utf8")
			.split("\n")
			.forEach((text, index) => {
				func = funcName(text) ?? (text === "\tgo func() {" ? `${func}.func1` : func);
				const kind = MARKER.exec(text)?.[1];
				if (kind !== undefined) sites.set(kind, { func, file, line: index + 1 });
			});
	}
	return sites;
}

/** The name a stack gives a function: `main.(*sqlPool).leakConn`, `main.leakGeneric[...]`. */
function funcName(line: string): string | undefined {
	const [, pointer, receiver, name, generic] = FUNC.exec(line) ?? [];
	if (name === undefined) return undefined;
	const typed = receiver === undefined ? name : `${pointer ? `(*${receiver})` : receiver}.${name}`;
	return `main.${typed}${generic ? "[...]" : ""}`;
}
