/**
 * What walls this process is within: user and pid namespaces, a container, seccomp, no_new_privs.
 *
 * ```
 * /proc/self/status    NoNewPrivs:	1        sudo and setuid programs give nothing any more
 *                      Seccomp:	2          0 none, 1 strict, 2 a filter, as container runtimes set
 * /proc/self/uid_map            0          0 4294967295      every user: the initial user namespace
 * ```
 */
import { existsSync, readlinkSync } from "node:fs";
import { readProcFile } from "./proc-file.ts";

export interface Confinement {
	/** Absent where the kernel does not tell. */
	readonly noNewPrivileges?: boolean;
	readonly seccomp?: "off" | "strict" | "filter";
	/** Root of a user namespace of its own is not root of the host. */
	readonly ownUserNamespace?: boolean;
	readonly ownPidNamespace?: boolean;
	/** What tells of a container: `/.dockerenv`. A machine made from an image may have it too. */
	readonly containerSign?: string;
	readonly kubernetes: boolean;
}

const SECCOMP = ["off", "strict", "filter"] as const;
/** PROC_PID_INIT_INO (linux/proc_ns.h): the first pid namespace has had this number since Linux 3.8. */
const INITIAL_PID_NAMESPACE = "pid:[4026531836]";
const ALL_USERS = /^\s*0\s+0\s+4294967295\s*$/;
const CONTAINER_FILES = ["/.dockerenv", "/run/.containerenv"];
const KUBERNETES_FOLDER = "/var/run/secrets/kubernetes.io";
const CONTAINER_CGROUP = /\/(?:docker|kubepods|libpod|lxc|containerd)[/.-]/;

/** `root` is where /proc, /run and the rest lie: "" but for tests. */
export function readConfinement(root = ""): Confinement {
	const status = readProcFile(`${root}/proc/self/status`);
	const text = status.kind === "read" ? status.value : "";
	const noNewPrivileges = /^NoNewPrivs:\s+([01])$/m.exec(text)?.[1];
	const seccomp = SECCOMP[Number(/^Seccomp:\s+([012])$/m.exec(text)?.[1])];
	const users = readProcFile(`${root}/proc/self/uid_map`);
	const pidNamespace = linkOf(`${root}/proc/self/ns/pid`);
	const containerSign = signOfContainer(root);
	return {
		...(noNewPrivileges === undefined ? {} : { noNewPrivileges: noNewPrivileges === "1" }),
		...(seccomp === undefined ? {} : { seccomp }),
		...(users.kind === "refused" ? {} : { ownUserNamespace: !ALL_USERS.test(users.value) }),
		...(pidNamespace === undefined ? {} : { ownPidNamespace: pidNamespace !== INITIAL_PID_NAMESPACE }),
		...(containerSign === undefined ? {} : { containerSign }),
		kubernetes: existsSync(`${root}${KUBERNETES_FOLDER}`),
	};
}

function signOfContainer(root: string): string | undefined {
	const file = CONTAINER_FILES.find((path) => existsSync(`${root}${path}`));
	if (file !== undefined) return file;
	const cgroup = readProcFile(`${root}/proc/self/cgroup`);
	if (cgroup.kind === "refused" || !CONTAINER_CGROUP.test(cgroup.value)) return undefined;
	return "its cgroup";
}

function linkOf(path: string): string | undefined {
	try {
		return readlinkSync(path);
	} catch {
		return undefined;
	}
}
