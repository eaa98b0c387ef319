/**
 * Where results may be written, said before anything is done: not over what they are made of, not over each other,
 * and not over a file that is no such result. `--html dump.txt` with its own name forgotten would else cost the dump.
 */
import { closeSync, openSync, readSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { CommandError, EXIT_USAGE } from "./exit-code.ts";

export interface Place {
	readonly flag: "--html" | "--save" | "--output";
	readonly path: string;
	readonly holds: "report" | "capture";
}

/** Throws a CommandError. What cannot be looked at is left to the writer, who says why it cannot be written. */
export function checkPlaces(places: readonly Place[], inputs: readonly string[]): void {
	const read = new Set(inputs.map(identity));
	const taken = new Map<string, string>();
	for (const { flag, path, holds } of places) {
		const file = identity(path);
		if (read.has(file)) throw refused(`${flag} ${path} would replace a file that is read`);
		const other = taken.get(file);
		if (other !== undefined) throw refused(`${other} and ${flag} name the same file`);
		taken.set(file, flag);
		if (!looksLike(holds, path)) throw refused(`${flag} ${path} would replace a file that is no ${holds}`);
	}
}

function refused(why: string): CommandError {
	return new CommandError(`${why}: name another`, EXIT_USAGE);
}

/** One file has many names. */
function identity(path: string): string {
	try {
		const { dev, ino } = statSync(path, { bigint: true });
		return `${dev}:${ino}`;
	} catch {
		return resolve(path);
	}
}

const ENDINGS = { report: /\.html?$/iu, capture: /\.plumb$/iu } as const;
/** How their bytes begin, as latin1. */
const BEGINNINGS = { report: "<!doctype html", capture: "\x1f\x8b" } as const;

function looksLike(holds: Place["holds"], path: string): boolean {
	if (ENDINGS[holds].test(path)) return true;
	const start = beginningOf(path);
	return start === "" || start.toLowerCase().startsWith(BEGINNINGS[holds]);
}

function beginningOf(path: string): string {
	try {
		if (!statSync(path).isFile()) return "";
		const file = openSync(path, "r");
		try {
			const bytes = Buffer.alloc(16);
			return bytes.toString("latin1", 0, readSync(file, bytes));
		} finally {
			closeSync(file);
		}
	} catch {
		return "";
	}
}
