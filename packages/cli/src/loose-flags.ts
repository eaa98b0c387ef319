/** The flags that name loose files, and how they are told from addresses of a running service. */
import { existsSync } from "node:fs";
import type { FlagParametersForType } from "@stricli/core";
import type { CliContext } from "./context.ts";
import { usageError } from "./exit-code.ts";
import { parseMetrics } from "./flag-parsers.ts";
import { type LiveFlags, onlyLive } from "./live-flags.ts";
import type { LooseKind, NamedFile } from "./loose-files.ts";
import { STDIN } from "./loose-read.ts";

export interface LooseFlags {
	readonly goroutines?: readonly string[];
	readonly sockets?: readonly string[];
	/** Files, or one address of a running service. */
	readonly metrics?: readonly string[];
	readonly profile?: readonly string[];
	readonly dbSessions?: readonly string[];
}

function file(flag: string, brief: string) {
	return {
		kind: "parsed",
		parse: parseLooseFile(flag),
		optional: true,
		variadic: true,
		brief,
		placeholder: "FILE",
	} as const;
}

export const LOOSE_FLAGS = {
	goroutines: file("--goroutines", "A file with a goroutine dump; give two, taken some seconds apart"),
	sockets: file("--sockets", "A file with what ss or netstat printed, or /proc/net/tcp"),
	metrics: {
		kind: "parsed",
		parse: parseMetricsOrFile,
		optional: true,
		variadic: true,
		brief: "Its Prometheus page: 127.0.0.1:9090/metrics, or a URL; or a file with one",
		placeholder: "URL|FILE",
	},
	profile: file("--profile", "A file with a profile of Go, or with an execution trace"),
	dbSessions: file("--db-sessions", "A file with the database's list of sessions"),
} as const satisfies FlagParametersForType<LooseFlags, CliContext>;

/** A name, checked for what is surely none. What it throws may hold the text, redacted by who shows it. */
export function parseLooseFile(named: string): (text: string) => string {
	return (text) => {
		if (text === "") throw new RangeError(`${named} wants the name of a file`);
		if (/^\d+$/u.test(text) && !existsSync(text))
			throw new RangeError(`no file "${text}", did you mean --pid ${text}?`);
		if (/^[a-z][\w+.-]*:\/\//iu.test(text))
			throw new RangeError(`${named} wants the name of a file, not "${text}"`);
		return text;
	};
}

/** An address is checked at once, as that of any live flag. */
function parseMetricsOrFile(text: string): string {
	if (isFile(text)) return text;
	if (/^\.{0,2}\/|^[^:/]+\.(?:txt|prom|log|md|out|gz)$/u.test(text))
		throw new RangeError(`--metrics: no file "${text}"`);
	return parseMetrics(text);
}

/** All files that were named; refuses what does not go with files. */
export function looseFilesOf(
	flags: LooseFlags & Omit<LiveFlags, "metrics">,
	files: readonly string[],
): readonly NamedFile[] {
	const { goroutines, sockets, metrics, profile, dbSessions } = flags;
	const flagged = (as: LooseKind, paths: readonly string[] = []): NamedFile[] =>
		paths.map((path) => ({ path, as }));
	const pages = metrics?.filter(isFile) ?? [];
	const named = [
		...files.map((path) => ({ path })),
		...flagged("goroutines", goroutines),
		...flagged("sockets", sockets),
		...flagged("metrics", pages),
		...flagged("profile", profile),
		...flagged("db-sessions", dbSessions),
	];
	if (named.length === 0) return [];
	const { pid, pprof, db } = flags;
	const address = metrics?.some((page) => !isFile(page)) === true ? true : undefined;
	const live = [pid, pprof, db, address, ...onlyLive(flags)];
	if (live.some((flag) => flag !== undefined)) {
		throw usageError(
			"files are diagnosed as they are: they go with no flag for a running service",
			"diagnose",
		);
	}
	return named;
}

/** The one address among what was given as --metrics. */
export function metricsAddress(metrics: readonly string[] | undefined): Pick<LiveFlags, "metrics"> {
	const [address, another] = metrics ?? [];
	if (another !== undefined) throw usageError("--metrics is one address, or files", "diagnose");
	return address === undefined ? {} : { metrics: address };
}

function isFile(text: string): boolean {
	return text === STDIN || (!text.includes("://") && existsSync(text));
}
