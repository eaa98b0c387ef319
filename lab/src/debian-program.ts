/** Programs that come from a Debian package: found, or installed when root, or named as missing. */
import { execFile } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

const FOLDERS = [...(process.env.PATH ?? "").split(":"), "/usr/sbin", "/usr/bin", "/usr/local/sbin"];
const INSTALL_MS_MAX = 300_000;

/** A program the lab needs is not here and cannot be put here. */
export class MissingProgramError extends Error {
	readonly code = "PLUMBLINE_LAB_MISSING_PROGRAM";
}

/** The path of a program; installs its package when root and apt-get is there. */
export async function requireProgram(program: string, debianPackage: string): Promise<string> {
	const present = findProgram(program);
	if (present) return present;
	const advice = `${program} is not installed; on Debian: apt-get install ${debianPackage}`;
	if (process.getuid?.() !== 0 || !findProgram("apt-get")) throw new MissingProgramError(advice);
	const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive", RUNLEVEL: "1" };
	const install = ["install", "-y", "--no-install-recommends", debianPackage];
	try {
		// Old lists may still do: what matters is whether the install works.
		await run("apt-get", ["update", "-qq"], { env, timeout: INSTALL_MS_MAX }).catch(() => {});
		// RUNLEVEL=1 keeps the package from starting a service of its own.
		await run("apt-get", install, { env, timeout: INSTALL_MS_MAX });
	} catch (cause) {
		throw new MissingProgramError(`${advice} (installing it failed)`, { cause });
	}
	const installed = findProgram(program);
	if (!installed) throw new MissingProgramError(advice);
	return installed;
}

/** The first of the folders that has it. */
export function findProgram(program: string, folders: readonly string[] = FOLDERS): string | undefined {
	for (const folder of folders) {
		const path = join(folder, program);
		try {
			accessSync(path, constants.X_OK);
			return path;
		} catch {
			// Not in this folder.
		}
	}
	return undefined;
}
