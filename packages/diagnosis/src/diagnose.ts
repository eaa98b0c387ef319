/** The verdict on a capture: every rule over the joined lines, causes before consequences. Pure. */
import type { Gap, Line } from "@plumbline/signals/capture";
import type { Signals } from "@plumbline/signals/signals";
import { checkGaps, howCompared } from "./dns-check-view.ts";
import type { Diagnosis, Examined, Finding } from "./finding.ts";
import { ledgerDoubts } from "./holder-ledger.ts";
import { joined, linksOf, shown } from "./links.ts";
import { asGraveAsTheirConsequences, rank } from "./rank.ts";
import type { Rule } from "./rule.ts";
import { closeWaitPile } from "./rules/close-wait-pile.ts";
import { connHeld } from "./rules/conn-held.ts";
import { cpuSpike } from "./rules/cpu-spike.ts";
import { ctxResidue } from "./rules/ctx-residue.ts";
import { dbLockWait } from "./rules/db-lock-wait.ts";
import { dbPerRequest } from "./rules/db-per-request.ts";
import { dnsHijack } from "./rules/dns-hijack.ts";
import { dnsSlow } from "./rules/dns-slow.ts";
import { dnsStorm } from "./rules/dns-storm.ts";
import { gcPressure } from "./rules/gc-pressure.ts";
import { goroutineLeak } from "./rules/goroutine-leak.ts";
import { httpBodyOpen } from "./rules/http-body-open.ts";
import { httpBodyUndrained } from "./rules/http-body-undrained.ts";
import { lockContention } from "./rules/lock-contention.ts";
import { poolChurn } from "./rules/pool-churn.ts";
import { poolDeadlock } from "./rules/pool-deadlock.ts";
import { poolStarved } from "./rules/pool-starved.ts";
import { rowsOpen } from "./rules/rows-open.ts";
import { serverClosedIdle } from "./rules/server-closed-idle.ts";
import { timeWaitStorm } from "./rules/time-wait-storm.ts";
import { txBeginWait } from "./rules/tx-begin-wait.ts";
import { txOpen } from "./rules/tx-open.ts";
import { howFollowed, lifeGaps } from "./tcp-life-view.ts";
import { isTimeless, withoutTimes } from "./timeless.ts";
import { joinLines, type World } from "./world.ts";

/** Causes first: a rule may ask what was found before it. */
const RULES: readonly Rule[] = [
	dbPerRequest,
	poolDeadlock,
	txOpen,
	rowsOpen,
	connHeld,
	httpBodyOpen,
	httpBodyUndrained,
	ctxResidue,
	txBeginWait,
	dbLockWait,
	poolStarved,
	poolChurn,
	timeWaitStorm,
	closeWaitPile,
	serverClosedIdle,
	dnsHijack,
	dnsStorm,
	dnsSlow,
	gcPressure,
	goroutineLeak,
	lockContention,
	cpuSpike,
];

export function diagnose(signals: Signals): Diagnosis {
	const world = joinLines(signals);
	const links = linksOf(world);
	const found: Finding[] = [];
	for (const rule of RULES) {
		const finding = rule.examine(world, found);
		if (finding !== undefined) found.push(joined(finding, links));
	}
	const { window, build, process } = signals;
	const facts = process[0]?.value;
	const goVersion = build?.value.goVersion ?? signals.metrics[0]?.value.goVersion;
	const timeless = isTimeless(signals);
	const findings = rank(asGraveAsTheirConsequences(found));
	return {
		target: signals.target,
		service: {
			...(goVersion === undefined ? {} : { goVersion }),
			...(facts?.commandLine === undefined ? {} : { command: facts.commandLine }),
			modules: build?.value.modules.filter(isDatabaseModule).map((m) => `${m.path} ${m.version}`) ?? [],
		},
		window: {
			startWallMs: window.start.wallMs,
			durationMs: Math.round(window.end.monoMs - window.start.monoMs),
			...(timeless ? { known: false } : {}),
		},
		examined: (["sockets", "runtime", "pool"] as const).map((line) => examined(line, world)),
		gaps: [...signals.gaps, ...joinGaps(world)],
		links: links.map(shown),
		findings: timeless ? withoutTimes(findings) : findings,
	};
}

function isDatabaseModule({ path }: { readonly path: string }): boolean {
	return /^(gorm\.io\/|github\.com\/(jackc\/|lib\/pq|go-sql-driver\/mysql|jinzhu\/gorm|jmoiron\/sqlx))/.test(
		path,
	);
}

function examined(line: Line, world: World): Examined {
	const { signals } = world;
	const what = whatWasRead(line, world);
	const lost = signals.gaps.some((g) => g.line === line && g.weight === "loss");
	if (what.length === 0) return { line, state: "unexamined", what: "" };
	return { line, state: lost ? "partly" : "read", what: what.join(", ") };
}

function whatWasRead(
	line: Line,
	{ signals, sockets, tcpLife, pools, sessions, dumps, dnsCheck }: World,
): string[] {
	const words: string[] = [];
	const add = (n: number, one: string, many = `${one}s`): void => {
		if (n > 0) words.push(`${n} ${n === 1 ? one : many}`);
	};
	switch (line) {
		case "sockets":
			add(signals.sockets.length, "socket table");
			if (sockets !== undefined) {
				const whose = sockets.owners.kind === "anyone" ? "of any process" : "of the process";
				add(sockets.last.length, `connection ${whose}`, `connections ${whose}`);
			}
			if (tcpLife !== undefined) words.push(howFollowed(tcpLife));
			if (dnsCheck !== undefined) words.push(howCompared(dnsCheck));
			return words;
		case "runtime":
			add(dumps.length, "full dump");
			add(signals.goroutineProfiles.length, "profile");
			add(signals.traces.length, "execution trace");
			add(dumps.at(-1)?.table.count ?? signals.goroutineProfiles.at(-1)?.value.total ?? 0, "goroutine");
			return words;
		case "pool":
			add(pools.length, "pool's counters", "pools' counters");
			add(signals.sessions.length, "session list");
			if (sessions !== undefined)
				add(sessions.ours.length, "session of the service", "sessions of the service");
			if (words.length === 0)
				add(signals.metrics.length, "metrics page without pools", "metrics pages without pools");
			return words;
		default:
			return line satisfies never;
	}
}

/** What the join itself could not tell. */
function joinGaps(world: World): Gap[] {
	const { sessions, signals, sockets, tcpLife, spansWindow, dumps, ledger, dnsCheck } = world;
	const gaps: Gap[] = tcpLife === undefined ? [] : lifeGaps(tcpLife);
	if (dnsCheck !== undefined) gaps.push(...checkGaps(dnsCheck));
	for (const doubt of ledger === undefined ? [] : ledgerDoubts(ledger)) {
		gaps.push({
			line: "runtime",
			what: "borrow ledger",
			why: `it names nobody there: ${doubt}`,
			weight: "note",
		});
	}
	if (sessions !== undefined && sessions.link.confidence < 1) {
		const weight = sessions.link.confidence === 0 ? ("loss" as const) : ("note" as const);
		gaps.push({ line: "pool", what: "whose the database sessions are", why: sessions.link.reason, weight });
	}
	if (sockets !== undefined && sockets.owners.kind !== "descriptors") {
		const { why } = sockets.owners;
		gaps.push({ line: "sockets", what: "whose the connections are", why, weight: "note" });
	}
	if (dumps.length > 0 && !spansWindow) {
		const why = "one full dump only: what lasts cannot be told from what passes";
		gaps.push({ line: "runtime", what: "goroutines at the end of the window", why, weight: "note" });
	}
	if (signals.metrics.length > 0 && signals.metrics.every((m) => m.value.pools.length === 0)) {
		const why = "the metrics page has no pool counters (sql.DBStats, pgxpool, gorm)";
		gaps.push({ line: "pool", what: "pool counters", why, weight: "note" });
	}
	return gaps;
}
