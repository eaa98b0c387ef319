/** What every database server of the lab needs: a free port, an unprivileged user, a readable home. */
import { cpSync, readFileSync, statSync } from "node:fs";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import type { Identity } from "./tied-process.ts";

/** A port nobody listens on now. Another process may take it before it is used: callers retry. */
export function freePort(): Promise<number> {
	return new Promise((resolve, reject) => {
		const probe = createServer();
		probe.once("error", reject);
		probe.listen(0, "127.0.0.1", () => {
			const address = probe.address();
			probe.close(() => {
				if (address && typeof address === "object") resolve(address.port);
				else reject(new Error("no port"));
			});
		});
	});
}

/** Database servers refuse to run as root: then they run as `nobody`. Undefined when we are not root. */
export function unprivilegedIdentity(): Identity | undefined {
	if (process.getuid?.() !== 0) return undefined;
	const entry = readFileSync("/etc/passwd", "utf8")
		.split("\n")
		.map((line) => line.split(":"))
		.find((fields) => fields[0] === "nobody");
	if (!entry) throw new Error("no user `nobody` in /etc/passwd to run the database as");
	return { uid: Number(entry[2]), gid: Number(entry[3]) };
}

/**
 * A folder of programs the unprivileged user can enter: itself, or a copy in `scratch` when a folder
 * above it is closed to others (a clone under /root).
 */
export function enterable(folder: string, scratch: string, identity: Identity | undefined): string {
	if (!identity || isOpenToOthers(folder)) return folder;
	const copy = join(scratch, "programs");
	cpSync(folder, copy, { recursive: true, verbatimSymlinks: true });
	return copy;
}

const EXECUTE_BY_OTHERS = 0o001;

function isOpenToOthers(folder: string): boolean {
	for (let at = folder; ; at = dirname(at)) {
		if ((statSync(at).mode & EXECUTE_BY_OTHERS) === 0) return false;
		if (at === dirname(at)) return true;
	}
}
