/**
 * Keeps packages from starting services while they are installed: Debian's maintainer scripts ask
 * /usr/sbin/policy-rc.d first, and start nothing when it ends with 101. Ours stands there only meanwhile.
 */
import { readFileSync, rmSync, writeFileSync } from "node:fs";

const POLICY_PATH = "/usr/sbin/policy-rc.d";
const POLICY =
	"#!/bin/sh\n# Of Plumbline's test preparation: may be removed when it does not run.\nexit 101\n";

/** Runs `install` with the policy in place. One that the machine has already is left as it is, and decides. */
export async function withoutServices<T>(install: () => Promise<T>, path = POLICY_PATH): Promise<T> {
	// A run that was killed may have left ours behind.
	const isOurs = put(path) || readFileSync(path, "utf8") === POLICY;
	const remove = () => rmSync(path, { force: true });
	if (isOurs) process.once("exit", remove);
	try {
		return await install();
	} finally {
		if (isOurs) {
			process.off("exit", remove);
			remove();
		}
	}
}

/** False when there is one. */
function put(path: string): boolean {
	try {
		writeFileSync(path, POLICY, { mode: 0o755, flag: "wx" });
		return true;
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
		throw error;
	}
}
