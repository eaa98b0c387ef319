/**
 * Where the control group of a process is, seen from here: /proc/PID/cgroup gives its path in each
 * hierarchy, /proc/self/mountinfo where the hierarchies are mounted (cgroups(7), proc_pid_mountinfo(5)).
 * /sys/fs/cgroup is a habit, not a rule.
 *
 * ```
 * /proc/PID/cgroup            4:memory:/docker/ab12        version 1, one line a hierarchy
 *                             0::/system.slice/x.service   version 2
 * /proc/self/mountinfo        35 31 0:32 /docker /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory
 *                                        │       └ mount point               │             └ controllers (v1)
 *                                        └ root: the part of the tree shown  └ type, `cgroup2` in version 2
 * ```
 * A limit holds for all groups below, so the answer is the folder and those above it, up to the mount.
 */
import { readProcFile } from "./proc-file.ts";
import { type Reading, read, refused } from "./reading.ts";

export interface CgroupFolders {
	readonly version: 1 | 2;
	/** From the process's own group up to the mount point. */
	readonly folders: readonly string[];
}

const DEPTH_MAX = 64;

/** `root` stands before every path; tests give a fixture tree. */
export function cgroupFolders(pid: number, controller: string, root = ""): Reading<CgroupFolders> {
	const groups = readProcFile(`${root}/proc/${pid}/cgroup`);
	if (groups.kind === "refused") return groups;
	const mountinfo = readProcFile(`${root}/proc/self/mountinfo`);
	if (mountinfo.kind === "refused") return mountinfo;
	const memberships = groups.value.split("\n").map(parseMembership);
	const mounts = mountinfo.value.split("\n").map(parseMount);
	const v1 = memberships.find((group) => group.controllers.includes(controller));
	const v1Mount = mounts.find((mount) => mount.type === "cgroup" && mount.options.includes(controller));
	if (v1 !== undefined && v1Mount !== undefined) return foldersUp(1, v1.path, v1Mount, root);
	const v2 = memberships.find((group) => group.hierarchy === "0");
	const v2Mount = mounts.find((mount) => mount.type === "cgroup2");
	if (v2 !== undefined && v2Mount !== undefined) return foldersUp(2, v2.path, v2Mount, root);
	return refused("absent", `process ${pid} is in no mounted cgroup hierarchy with ${controller}`);
}

function parseMembership(line: string): { hierarchy: string; controllers: readonly string[]; path: string } {
	const [hierarchy = "", controllers = "", ...path] = line.split(":");
	return { hierarchy, controllers: controllers.split(","), path: path.join(":") };
}

interface Mount {
	readonly root: string;
	readonly point: string;
	readonly type: string;
	readonly options: readonly string[];
}

function parseMount(line: string): Mount {
	const [before = "", after = ""] = line.split(" - ");
	const [, , , root = "", point = ""] = before.split(" ").map(unescapeOctal);
	const [type = "", , options = ""] = after.split(" ");
	return { root, point, type, options: options.split(",") };
}

/** mountinfo writes blanks, tabs, newlines and backslashes as `\040`. */
function unescapeOctal(field: string): string {
	return field.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}

function foldersUp(version: 1 | 2, path: string, mount: Mount, root: string): Reading<CgroupFolders> {
	const below = mount.root === "/" ? path : path.slice(mount.root.length);
	const inside = mount.root === "/" || path === mount.root || path.startsWith(`${mount.root}/`);
	const names = below.split("/").filter((name) => name !== "");
	if (!inside || names.includes("..") || names.length > DEPTH_MAX) {
		return refused("absent", `the cgroup "${path}" lies outside of what is mounted here`);
	}
	const folders: string[] = [];
	for (let depth = names.length; depth >= 0; depth--) {
		folders.push([`${root}${mount.point}`, ...names.slice(0, depth)].join("/"));
	}
	return read({ version, folders });
}
