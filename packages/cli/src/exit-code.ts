/** How the command ends, and the errors that decide it. */
import { visibleLines } from "@plumbline/report/visible";

export const EXIT_NOTHING_FOUND = 0;
export const EXIT_FINDINGS = 1;
export const EXIT_USAGE = 2;
/** What was asked could not be examined: never to be read as health. */
export const EXIT_UNEXAMINED = 3;
export const EXIT_INTERRUPTED = 130;

/** An end the user can understand and act on: one line, no stack. */
export class CommandError extends Error {
	override readonly name = "CommandError";
	readonly exitCode: number;

	constructor(message: string, exitCode: number, cause?: unknown) {
		super(message, cause === undefined ? {} : { cause });
		this.exitCode = exitCode;
	}
}

/** Flags that do not go together, or too few of them. */
export function usageError(message: string, command: string): CommandError {
	return new CommandError(`${message}\nSee plumbline ${command} --help`, EXIT_USAGE);
}

export function isAbort(error: unknown): boolean {
	return error instanceof Error && error.name === "AbortError";
}

/** Errors other rooms throw for people: their message says it all. */
const SPOKEN = new Set(["CommandError", "FileError", "TargetError"]);

/** The one line for an error that ended a command. Names in it come from outside: processes, files, servers. */
export function describeError(error: unknown, debug: boolean): string {
	return visibleLines(inWords(error, debug)).join("\n");
}

function inWords(error: unknown, debug: boolean): string {
	if (isAbort(error)) return "interrupted";
	if (error instanceof Error && SPOKEN.has(error.name)) return `plumbline: ${error.message}`;
	const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
	const line = message.split("\n", 1)[0] ?? "";
	const stack = error instanceof Error ? (error.stack ?? message) : message;
	if (debug) return `plumbline: unexpected error\n${stack}`;
	return `plumbline: ${line}\nThis is a bug; run again with PLUMBLINE_DEBUG=1 for details.`;
}

/** What stricli answers, in the codes this command promises. */
export function exitCodeOf(error: unknown): number {
	if (isAbort(error)) return EXIT_INTERRUPTED;
	return error instanceof CommandError ? error.exitCode : EXIT_UNEXAMINED;
}
