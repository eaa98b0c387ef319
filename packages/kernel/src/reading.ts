/** What a reader of this room answers: the value, or a refusal with a reason for people. Never a throw. */

/** Why the kernel did not tell. */
export type RefusalCode =
	/** The thing does not exist: no such process, no such file. */
	| "absent"
	/** It existed when we began and does not now. */
	| "gone"
	/** A right is missing; `why` names it and how to get it. */
	| "denied"
	/** This kernel, or this installation, cannot do it. */
	| "unsupported"
	/** Anything else; `why` quotes the system's own words. */
	| "failed";

export interface Refusal {
	readonly kind: "refused";
	readonly code: RefusalCode;
	readonly why: string;
}

export type Reading<T> = { readonly kind: "read"; readonly value: T } | Refusal;

export function read<T>(value: T): Reading<T> {
	return { kind: "read", value };
}

export function refused(code: RefusalCode, why: string): Refusal {
	return { kind: "refused", code, why };
}

/** The code of a Node system error, "" for anything else. */
export function errnoCode(error: unknown): string {
	return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "";
}

/** Turns a file system error into a refusal that names the path. */
export function explainFileError(error: unknown, path: string): Refusal {
	const code = errnoCode(error);
	if (code === "ENOENT") return refused("absent", `${path} does not exist`);
	if (code === "ESRCH") return refused("gone", `the process of ${path} has exited`);
	if (code === "EACCES" || code === "EPERM") return refused("denied", `no right to read ${path}`);
	const message = error instanceof Error ? error.message : String(error);
	return refused("failed", `${path} could not be read: ${message}`);
}
