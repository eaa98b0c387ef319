/**
 * Finds tracefs, the kernel's tracing as files (Documentation/trace/ftrace.rst), and gives a private trace
 * buffer in it: an instance. Root's business; needs no BPF.
 *
 * Where tracefs is mounted nowhere we mount it in no folder at all (fsmount(2), kernel 5.2): it hangs on a
 * descriptor, is reached as /proc/self/fd/N, and is gone with this process. An instance is not: one left
 * by a process that was killed keeps its buffer until `openTraceInstance` runs again and removes it. Its
 * name says whose it is: `plumbline-PIDNAMESPACE-PID-STARTTICKS-N`.
 */
import { closeSync, existsSync, mkdirSync, readdirSync, readlinkSync, rmdirSync } from "node:fs";
import { type Libc, loadLibc } from "./libc.ts";
import { isLockedDown, LOCKED_DOWN } from "./lockdown.ts";
import { readProcessStat } from "./process-stat.ts";
import { errnoCode, explainFileError, type Reading, read, refused } from "./reading.ts";

export interface Tracefs {
	readonly folder: string;
	/** Forgets the mount if it is ours. Instances end first. */
	readonly close: () => void;
}

const MOUNT_POINTS = ["/sys/kernel/tracing", "/sys/kernel/debug/tracing"];

/** Of the module, so that its address holds during the call. */
const FILE_SYSTEM = Buffer.from("tracefs\0");

/** The same numbers on every machine. */
const FSOPEN = 430;
const FSCONFIG = 431;
const FSMOUNT = 432;
const CLOSE_ON_EXEC = 1;
const FSCONFIG_CMD_CREATE = 6;
const EPERM = 1;

/** The mounted one, else one of our own. */
export async function openTracefs(mountPoints: readonly string[] = MOUNT_POINTS): Promise<Reading<Tracefs>> {
	for (const folder of mountPoints) {
		if (existsSync(`${folder}/instances`)) return read({ folder, close: () => {} });
	}
	const libc = await loadLibc();
	return libc.kind === "refused" ? libc : mountNowhere(libc.value);
}

function mountNowhere(libc: Libc): Reading<Tracefs> {
	const context = libc.syscall(FSOPEN, libc.addressOf(FILE_SYSTEM), CLOSE_ON_EXEC, 0, 0, 0);
	if (context < 0) return explainMount(libc);
	try {
		if (libc.syscall(FSCONFIG, context, FSCONFIG_CMD_CREATE, 0, 0, 0) < 0) return explainMount(libc);
		const mount = libc.syscall(FSMOUNT, context, CLOSE_ON_EXEC, 0, 0, 0);
		if (mount < 0) return explainMount(libc);
		let open = true;
		const close = () => {
			if (open) closeSync(mount);
			open = false;
		};
		return read({ folder: `/proc/self/fd/${mount}`, close });
	} finally {
		closeSync(context);
	}
}

function explainMount(libc: Libc): Reading<never> {
	const errno = libc.errno();
	const why = `tracefs is mounted at none of ${MOUNT_POINTS.join(", ")} and could not be: ${libc.errorName(errno)}`;
	if (errno === EPERM) return refused("denied", `${why}; it takes CAP_SYS_ADMIN (run as root)`);
	return refused("unsupported", `${why}; try: mount -t tracefs tracefs ${MOUNT_POINTS[0]}`);
}

const INSTANCE_PREFIX = "plumbline-";
const INSTANCE_NAME = /^plumbline-(\d+)-(\d+)-(\d+)-\d+$/;
/** Instances of one process at a time. */
const INSTANCES_MAX = 16;

/** Makes a folder for an instance of ours, and removes those of processes that are no more. */
export function makeInstanceFolder(tracefs: Tracefs): Reading<string> {
	const instances = `${tracefs.folder}/instances`;
	const itself = readProcessStat(process.pid);
	if (itself.kind === "refused") return itself;
	try {
		removeStaleInstances(instances);
		for (let n = 0; n < INSTANCES_MAX; n++) {
			const owner = `${pidNamespace()}-${process.pid}-${itself.value.startTicks}`;
			const folder = `${instances}/${INSTANCE_PREFIX}${owner}-${n}`;
			if (tryMake(folder)) return read(folder);
		}
		return refused("failed", `this process has ${INSTANCES_MAX} trace instances already`);
	} catch (error) {
		return explainTraceError(error, instances);
	}
}

function tryMake(folder: string): boolean {
	try {
		mkdirSync(folder);
		return true;
	} catch (error) {
		if (errnoCode(error) === "EEXIST") return false;
		throw error;
	}
}

/** Only those of our pid namespace: of another one we cannot know whether its process lives. */
function removeStaleInstances(instances: string): void {
	const here = pidNamespace();
	for (const name of readdirSync(instances)) {
		const [, namespace, pid, startTicks] = INSTANCE_NAME.exec(name) ?? [];
		if (namespace !== here) continue;
		const owner = readProcessStat(Number(pid));
		const isGone = owner.kind === "refused" && (owner.code === "absent" || owner.code === "gone");
		const isReused = owner.kind === "read" && owner.value.startTicks !== Number(startTicks);
		if (!isGone && !isReused) continue;
		try {
			rmdirSync(`${instances}/${name}`);
		} catch {
			// Somebody reads it, or another process of ours was faster. It is no obstacle.
		}
	}
}

/** `pid:[4026531836]` without its words. */
function pidNamespace(): string {
	return readlinkSync("/proc/self/ns/pid").replaceAll(/\D/g, "");
}

export function explainTraceError(error: unknown, path: string): Reading<never> {
	if (errnoCode(error) === "EPERM" && isLockedDown()) return refused("denied", `${path}: ${LOCKED_DOWN}`);
	return explainFileError(error, path);
}
