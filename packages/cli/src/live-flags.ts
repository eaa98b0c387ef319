/** The flags that say what to look at: shared by every command that takes a capture. */
import type { CaptureRequest } from "@plumbline/capture/take-capture";
import type { FlagParametersForType } from "@stricli/core";
import type { CliContext } from "./context.ts";
import { dnsCheckTask } from "./dns-check-task.ts";
import { type GivenServer, parseDnsName, parseServerFlag } from "./dns-flags.ts";
import { CommandError, EXIT_USAGE } from "./exit-code.ts";
import {
	parseDb,
	parseFile,
	parseGoroutinesMax,
	parseMetrics,
	parsePid,
	parsePprof,
	parseProfileSeconds,
	parseTraceSeconds,
	parseWindow,
	soundDatabaseUrl,
} from "./flag-parsers.ts";

export interface LiveFlags {
	readonly pid?: number;
	readonly pprof?: string;
	readonly metrics?: string;
	readonly db?: string;
	readonly window: number;
	readonly goroutinesMax?: number;
	readonly ledger?: boolean;
	readonly trace?: boolean;
	readonly profileSeconds?: number;
	readonly leakProfile?: boolean;
	readonly traceSeconds?: number;
	readonly dnsCheck?: readonly string[];
	readonly dnsTrusted?: readonly GivenServer[];
	readonly dnsCa?: string;
}

export const LIVE_FLAGS = {
	pid: {
		kind: "parsed",
		parse: parsePid,
		optional: true,
		brief: "Process to examine; its pprof and metrics ports are found by themselves",
		placeholder: "N",
	},
	pprof: {
		kind: "parsed",
		parse: parsePprof,
		optional: true,
		brief: "Address of its net/http/pprof: 127.0.0.1:6060, or a URL",
		placeholder: "URL",
	},
	metrics: {
		kind: "parsed",
		parse: parseMetrics,
		optional: true,
		brief: "Its Prometheus page: 127.0.0.1:9090/metrics, or a URL",
		placeholder: "URL",
	},
	db: {
		kind: "parsed",
		parse: parseDb,
		optional: true,
		brief: "Its database, read-only: postgres://… or mysql://…; or set PLUMBLINE_DB",
		placeholder: "URL",
	},
	window: {
		kind: "parsed",
		parse: parseWindow,
		default: "10s",
		brief: "Time between the two samples",
		placeholder: "TIME",
	},
	goroutinesMax: {
		kind: "parsed",
		parse: parseGoroutinesMax,
		optional: true,
		brief: "Take full dumps up to this many goroutines (a dump pauses the service)",
		placeholder: "N",
	},
	ledger: {
		kind: "boolean",
		optional: true,
		brief: "Watch who borrows connections, by uprobes: as root, unless no pool is in use",
	},
	trace: {
		kind: "boolean",
		optional: true,
		withNegated: false,
		brief:
			"Count every opened and closed connection by the kernel's events: as root, or with CAP_BPF, PERFMON",
	},
	profileSeconds: {
		kind: "parsed",
		parse: parseProfileSeconds,
		optional: true,
		brief: "Within the window take a CPU profile of N seconds, and the growth of allocs, block and mutex",
		placeholder: "N",
	},
	traceSeconds: {
		kind: "parsed",
		parse: parseTraceSeconds,
		optional: true,
		brief:
			"Within the window take a Go execution trace of N seconds: who made each goroutine. Slows the service; not --trace, which is of connections",
		placeholder: "N",
	},
	leakProfile: {
		kind: "boolean",
		optional: true,
		withNegated: false,
		brief: "Ask the runtime which goroutines are leaked (Go 1.27): it collects garbage for that, twice",
	},
	dnsTrusted: {
		kind: "parsed",
		parse: parseServerFlag("--dns-trusted"),
		variadic: true,
		optional: true,
		brief:
			"Ask the service's name servers beside this one, for forged answers: tls://9.9.9.9#dns.quad9.net. It is told the names",
		placeholder: "URL",
	},
	dnsCheck: {
		kind: "parsed",
		parse: parseDnsName,
		variadic: true,
		optional: true,
		brief: "A name to ask them for; by default the host names in --db, --metrics and --pprof",
		placeholder: "NAME",
	},
	dnsCa: {
		kind: "parsed",
		parse: parseFile("--dns-ca"),
		optional: true,
		brief: "PEM file of the authority that signs the trusted name servers",
		placeholder: "FILE",
	},
} as const satisfies FlagParametersForType<LiveFlags, CliContext>;

/** What is said of how to look at a running service, and so means nothing for what was taken before. */
export function onlyLive(flags: Omit<LiveFlags, "metrics">): readonly unknown[] {
	const { goroutinesMax, ledger, trace, profileSeconds, traceSeconds, leakProfile } = flags;
	const { dnsCheck, dnsTrusted, dnsCa } = flags;
	return [
		...[goroutinesMax, ledger, trace, profileSeconds, traceSeconds, leakProfile],
		...[dnsCheck, dnsTrusted, dnsCa],
	];
}

/** Whether the flags name anything to look at. */
export function namesTarget(request: CaptureRequest): boolean {
	const { pid, pprof, metrics, db } = request;
	return pid !== undefined || pprof !== undefined || metrics !== undefined || db !== undefined;
}

/** What to capture; the database's URL may come from the environment, where `ps` does not show it. */
export function captureRequest(flags: LiveFlags, env: CliContext["process"]["env"]): CaptureRequest {
	const {
		window,
		pid,
		pprof,
		metrics,
		goroutinesMax,
		ledger,
		trace,
		profileSeconds,
		leakProfile,
		traceSeconds,
	} = flags;
	const db = flags.db ?? dbFromEnv(env.PLUMBLINE_DB);
	const dnsCheck = dnsCheckTask(flags, [db, metrics, pprof]);
	return {
		windowMs: window,
		...(pid === undefined ? {} : { pid }),
		...(pprof === undefined ? {} : { pprof }),
		...(metrics === undefined ? {} : { metrics }),
		...(db === undefined ? {} : { db }),
		...(goroutinesMax === undefined ? {} : { goroutinesMax }),
		...(trace === undefined ? {} : { trace }),
		...(ledger === undefined ? {} : { ledger }),
		...(leakProfile === undefined ? {} : { leakProfile }),
		...(dnsCheck === undefined ? {} : { dnsCheck }),
		...(profileSeconds === undefined
			? {}
			: { profileSeconds: withinWindow("--profile-seconds", profileSeconds, window) }),
		...(traceSeconds === undefined
			? {}
			: { traceSeconds: withinWindow("--trace-seconds", traceSeconds, window) }),
	};
}

/** A profile or trace that outlives the window would keep everybody waiting for it. */
function withinWindow(flag: string, seconds: number, windowMs: number): number {
	if (seconds * 1000 <= windowMs) return seconds;
	throw new CommandError(
		`${flag} ${seconds} is longer than the window of ${windowMs / 1000} s: shorten it, or lengthen --window`,
		EXIT_USAGE,
	);
}

function dbFromEnv(value: string | undefined): string | undefined {
	if (!value) return undefined;
	try {
		return soundDatabaseUrl("PLUMBLINE_DB", value);
	} catch (error) {
		throw new CommandError(error instanceof Error ? error.message : String(error), EXIT_USAGE, error);
	}
}
