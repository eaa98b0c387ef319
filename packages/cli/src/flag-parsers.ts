/** Flag values to data. What they throw is shown to the user beside the flag's name. */
import { parseDatabaseUrl } from "@plumbline/capture/database-url";
import { metricsUrl, pprofBase } from "@plumbline/capture/target";

const WINDOW_MS_MIN = 1000;
const WINDOW_MS_MAX = 10 * 60_000;
/** A ledger is for a window, not for ever: every borrow costs the program something. */
const FOR_MS_MAX = 60 * 60_000;
const PID_MAX = 2 ** 22;

export function parsePid(text: string): number {
	const pid = Number(text);
	if (/^\d+$/.test(text) && pid >= 1 && pid <= PID_MAX) return pid;
	throw new RangeError(`--pid wants a process id such as 4711, not "${text}"`);
}

export function parseWindow(text: string): number {
	const ms = parseTime(text);
	if (ms >= WINDOW_MS_MIN && ms <= WINDOW_MS_MAX) return ms;
	throw new RangeError(`--window wants a time from 1s to 10m such as 10s, not "${text}"`);
}

export function parseFor(text: string): number {
	const ms = parseTime(text);
	if (ms >= WINDOW_MS_MIN && ms <= FOR_MS_MAX) return ms;
	throw new RangeError(`--for wants a time from 1s to 60m such as 30s, not "${text}"`);
}

/** `10s`, `1m30s`, `2500ms`; a bare number is seconds. In milliseconds; NaN for what is no time. */
function parseTime(text: string): number {
	const bare = /^\d+(\.\d+)?$/.test(text) ? `${text}s` : text;
	const match = /^(?:(\d+)m(?!s))?(?:(\d+(?:\.\d+)?)s)?(?:(\d+)ms)?$/.exec(bare);
	if (match === null) return Number.NaN;
	const [, minutes = "0", seconds = "0", millis = "0"] = match;
	return Math.round(Number(minutes) * 60_000 + Number(seconds) * 1000 + Number(millis));
}

export function parseGoroutinesMax(text: string): number {
	return parseCount("--goroutines-max", text);
}

export function parseProfileSeconds(text: string): number {
	return parseCount("--profile-seconds", text, "whole number of seconds such as 5");
}

export function parseTraceSeconds(text: string): number {
	return parseCount("--trace-seconds", text, "whole number of seconds such as 3");
}

export function parseRuns(text: string): number {
	return parseCount("--runs", text);
}

export function parseTop(text: string): number {
	return parseCount("--top", text);
}

function parseCount(flag: string, text: string, wanted = "number such as 100"): number {
	const count = Number(text.replaceAll("_", ""));
	if (/^[\d_]+$/.test(text) && Number.isSafeInteger(count) && count > 0) return count;
	throw new RangeError(`${flag} wants a ${wanted}, not "${text}"`);
}

/** A script's unset variable gives an empty name; better said at once than after the window. */
export function parseFile(flag: string): (text: string) => string {
	return (text) => {
		if (text !== "") return text;
		throw new RangeError(`${flag} wants the name of a file`);
	};
}

export const parsePprof = pprofBase;
export const parseMetrics = metricsUrl;

/** The URL as given, once it is known to be sound. What it throws holds no password. */
export function parseDb(text: string): string {
	return soundDatabaseUrl("--db", text);
}

/** `named` says where the URL came from. */
export function soundDatabaseUrl(named: string, text: string): string {
	try {
		parseDatabaseUrl(text);
		return text;
	} catch (error) {
		throw new RangeError(`${named}: ${error instanceof Error ? error.message : ""}`, { cause: error });
	}
}
