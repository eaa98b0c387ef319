/**
 * Programs of the name servers, found but never installed from here: their Debian packages start a service by
 * themselves, and only the preparation of the tests (scripts/test-tools.ts) knows how to prevent that.
 */
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { findProgram, MissingProgramError } from "./debian-program.ts";

const FOLDERS = [
	...(process.env.PATH ?? "").split(delimiter),
	"/usr/local/sbin",
	"/usr/sbin",
	"/usr/bin",
	// Where `go install` puts CoreDNS.
	join(process.env.GOPATH ?? join(homedir(), "go"), "bin"),
];

/** The path of a program. Throws a MissingProgramError whose message a test can skip with. */
export function requireDnsProgram(program: string, source: string): string {
	const path = findProgram(program, FOLDERS);
	if (path === undefined) throw new MissingProgramError(`missing tool: ${program} (${source})`);
	return path;
}

/** For the `skip` of a test: what is missing, or false. CoreDNS comes with the bench only, so that is no fault. */
export function missingDnsProgram(...programs: readonly string[]): string | false {
	const missing = programs.find((program) => findProgram(program, FOLDERS) === undefined);
	if (missing === undefined) return false;
	return missing === "coredns" ? "not possible here: no CoreDNS" : `missing tool: ${missing}`;
}
