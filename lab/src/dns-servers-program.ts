/**
 * Programs of the name servers, found but never installed from here: their Debian packages start a service by
 * themselves, and only the preparation of the tests (scripts/test-tools.ts) knows how to prevent that.
 */
import { accessSync, constants } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { MissingProgramError } from "./debian-program.ts";

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
	for (const folder of FOLDERS) {
		const path = join(folder, program);
		try {
			accessSync(path, constants.X_OK);
			return path;
		} catch {
			// Not in this folder.
		}
	}
	throw new MissingProgramError(`missing tool: ${program} (${source})`);
}
