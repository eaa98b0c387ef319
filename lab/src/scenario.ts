/**
 * A scenario: one program of lab/go, the load that brings its fault out, and the expected answer.
 * They are data, in lab/scenarios/NAME.json; this file says what may stand there and checks it.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { isNaming, type Naming } from "./naming.ts";

/** Requests at a steady rate, as long as the stage stands. `{n}` in a path counts the requests. */
export interface Background {
	readonly path: string;
	readonly perSecond: number;
	readonly concurrencyMax: number;
	/** It falls silent after so many. Default: as many as the stage can stand. */
	readonly requestsMax?: number;
	/** One request in so many goes to this path instead, at most `max` times; staged after `min`. */
	readonly rare?: {
		readonly path: string;
		readonly oneIn: number;
		readonly min: number;
		readonly max: number;
	};
}

/** Requests that bring the fault out, all sent at once. */
export interface Provocation {
	readonly path: string;
	readonly count: number;
	/**
	 * answered: wait for each answer, the fault stays behind. held: the request stays open as long
	 * as the stage stands. steady: as many workers, each asking again when answered.
	 */
	readonly until: "answered" | "held" | "steady";
	/** The status of the answers, where there are any. */
	readonly status?: number;
	/** Each request becomes a websocket, and stays one as long as the stage stands: `until` is `held`. */
	readonly websocket?: true;
	/** What an independent look must find before the next provocation is sent. */
	readonly settled?: Staged;
}

/** The leaking request again, while the diagnosis runs: a leak of a running service goes on. */
export interface Drip {
	readonly path: string;
	readonly everyMs: number;
	/** As of a provocation. */
	readonly websocket?: true;
	/** No more than so many: the pool must keep room for the traffic. */
	readonly max: number;
}

/** What the lab itself holds in the database, as another client would. */
export interface Outsider {
	/** Its application_name. */
	readonly application: string;
	readonly sessions: number;
	/** `bouncer`: it comes through the same pgbouncer as the service, with the service's role. */
	readonly via: "direct" | "bouncer";
	/** Run in each session after BEGIN; the transaction stays open. */
	readonly statements: readonly string[];
}

/** What an independent look must find when all provocations are out and no background runs. */
export interface Staged {
	/** Connections in use, by the pool's own counter. */
	readonly inUse?: number;
	/** Goroutines with this function on their stack, or `[select] FUNCTION`: waiting for this, right there. */
	readonly goroutines?: Readonly<Record<string, number>>;
	/** The service's database sessions by `state`, `state/WaitType` or `state/WaitType/WaitEvent`. */
	readonly sessions?: Readonly<Record<string, number>>;
	/** The service's own sockets by state: `CLOSE_WAIT`. */
	readonly sockets?: Readonly<Record<string, number>>;
	/** TIME_WAIT towards the peer that the service names at /carrier. */
	readonly timeWait?: { readonly min: number; readonly max: number };
}

/** A count, exact or between bounds. */
export type Count = number | { readonly min: number; readonly max: number };

export interface ExpectedHolder {
	readonly func: string;
	readonly file: string;
	/**
	 * Only the function can be known: any line of it will do. Otherwise the line is the one that ends in
	 * `// LEAK` in that file of lab/go.
	 */
	readonly anyLine?: true;
}

export interface ExpectedFinding {
	readonly id: string;
	readonly level: "confirmed" | "suspected";
	readonly severity?: "critical" | "warning" | "note";
	readonly count: Count;
	/** Where a line of evidence can know it. */
	readonly holder?: ExpectedHolder;
	/** Where none can know it for sure: nobody may be named. */
	readonly unnamed?: true;
	/** Then this one may still have to be among the candidates. */
	readonly candidate?: Pick<ExpectedHolder, "func" | "file">;
	/** Ids that may follow as consequences; any other finding of warning or worse is a fault. */
	readonly also?: readonly string[];
	/** Ids that must follow. */
	readonly followedBy?: readonly string[];
	/** What its words or quotes must contain; `{server}` stands for the first of the service's name servers. */
	readonly says?: readonly string[];
}

export type Expectation = { readonly first: ExpectedFinding } | { readonly none: true };

export interface Scenario {
	readonly name: string;
	readonly title: string;
	/** none: no server is started, the service gets no URL, and the diagnosis no `--db`. */
	readonly database: "postgres" | "mysql" | "pgbouncer" | "none";
	/** Go toolchains it is run with; `local` = the installed one. The first is the default. */
	readonly go: readonly string[];
	readonly outsider?: Outsider;
	/** Takes root; without it the scenario cannot be staged. */
	readonly naming?: Naming;
	readonly provoke: readonly Provocation[];
	readonly background?: Background;
	readonly drip?: Drip;
	/** The diagnosis takes a CPU profile of so many seconds. */
	readonly profileSeconds?: number;
	readonly staged: Staged;
	readonly expect: Expectation;
	/** What can be known where no ledger was kept (no right to, or not asked for), if that is less. */
	readonly withoutLedger?: Expectation;
}

const SCENARIO_FOLDER = join(import.meta.dirname, "..", "scenarios");

const SCENARIO_NAME = /^[a-z0-9]+(-[a-z0-9]+)*$/;

/** Every scenario there is, by name. */
export function listScenarios(): readonly Scenario[] {
	return readdirSync(SCENARIO_FOLDER)
		.filter((file) => file.endsWith(".json"))
		.sort()
		.map((file) => loadScenario(file.slice(0, -".json".length)));
}

/** One scenario. Throws, naming the field, when there is none or its file is wrong. */
export function loadScenario(name: string): Scenario {
	if (!SCENARIO_NAME.test(name)) throw new Error(`${JSON.stringify(name)} is no scenario name`);
	let text: string;
	try {
		text = readFileSync(join(SCENARIO_FOLDER, `${name}.json`), "utf8");
	} catch (cause) {
		throw new Error(`no scenario ${name}; \`plumbline lab list\` names them`, { cause });
	}
	return checkScenario(name, JSON.parse(text));
}

/** Checks the fields a wrong file would let through to a confusing failure later. */
export function checkScenario(name: string, value: unknown): Scenario {
	const raw = value as Partial<Scenario>;
	const wrong = (field: string, wanted: string) => {
		const found = JSON.stringify((value as Record<string, unknown> | null)?.[field]);
		return new Error(`lab/scenarios/${name}.json: "${field}" must be ${wanted}, found ${found}`);
	};
	if (typeof raw?.title !== "string") throw wrong("title", "a sentence");
	if (!raw.database || !["postgres", "mysql", "pgbouncer", "none"].includes(raw.database))
		throw wrong("database", "postgres, mysql, pgbouncer or none");
	if (
		!Array.isArray(raw.go) ||
		raw.go.length === 0 ||
		!raw.go.every((go) => /^(local|go1\.\d+(\.\d+)?)$/.test(go))
	)
		throw wrong("go", "a list of toolchains such as local or go1.22.12");
	if (!Array.isArray(raw.provoke) || !raw.provoke.every(isProvocation))
		throw wrong("provoke", "a list of provocations");
	if (raw.background && !(raw.background.perSecond > 0 && raw.background.concurrencyMax > 0))
		throw wrong("background", "requests with perSecond and concurrencyMax");
	if (raw.drip && !isDrip(raw.drip)) throw wrong("drip", "a request with everyMs and max");
	if (typeof raw.staged !== "object") throw wrong("staged", "what an independent look finds");
	if (raw.database === "none" && (raw.staged.sessions ?? raw.staged.inUse) !== undefined)
		throw wrong("staged", "without sessions and inUse where there is no database");
	if (raw.database === "none" && raw.outsider) throw wrong("outsider", "absent where there is no database");
	if (!isExpectation(raw.expect)) throw wrong("expect", "{first: {...}} or {none: true}");
	if (raw.naming && !isNaming(raw.naming))
		throw wrong("naming", "search and ndots, and what to compare with");
	if (raw.withoutLedger && !isExpectation(raw.withoutLedger))
		throw wrong("withoutLedger", "{first: {...}} or {none: true}");
	return { ...(raw as Scenario), name };
}

function isProvocation(value: Partial<Provocation>): boolean {
	const known = value.until === "answered" || value.until === "held" || value.until === "steady";
	return typeof value.path === "string" && known && Number.isSafeInteger(value.count);
}

function isDrip({ path, everyMs, max }: Partial<Drip>): boolean {
	return typeof path === "string" && (everyMs ?? 0) > 0 && Number.isSafeInteger(max);
}

function isExpectation(value: unknown): value is Expectation {
	const raw = value as { first?: Partial<ExpectedFinding>; none?: unknown } | undefined;
	if (raw?.none === true) return raw.first === undefined;
	const first = raw?.first;
	return typeof first?.id === "string" && typeof first.level === "string" && first.count !== undefined;
}
