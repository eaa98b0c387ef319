/**
 * Memory and CPU limits that a process's control groups set: the tightest on the way up.
 *
 * | limit | version 2 | version 1 |
 * |---|---|---|
 * | memory | memory.max: bytes or `max` | memory.limit_in_bytes: about 9.2e18 = none |
 * | cpu | cpu.max: `50000 100000` = half a core, `max 100000` = none | cpu.cfs_quota_us (-1 = none) / cpu.cfs_period_us |
 */
import { type CgroupFolders, cgroupFolders } from "./cgroup-folders.ts";
import { readProcFile } from "./proc-file.ts";
import { type Reading, read } from "./reading.ts";

/** Version 1 writes "no limit" as the largest page count in bytes; anything of that size is none. */
const NO_MEMORY_LIMIT_BYTES = 2 ** 60;

/** Bytes; undefined = no limit. */
export function readMemoryLimit(pid: number, root = ""): Reading<number | undefined> {
	const folders = cgroupFolders(pid, "memory", root);
	return folders.kind === "refused" ? folders : read(tightest(folders.value, memoryLimit));
}

/** Cores, 0.5 = half a core; undefined = no limit. */
export function readCpuLimit(pid: number, root = ""): Reading<number | undefined> {
	const folders = cgroupFolders(pid, "cpu", root);
	return folders.kind === "refused" ? folders : read(tightest(folders.value, cpuLimit));
}

function tightest(
	cgroup: CgroupFolders,
	limit: (folder: string, version: 1 | 2) => number | undefined,
): number | undefined {
	let least: number | undefined;
	for (const folder of cgroup.folders) {
		const here = limit(folder, cgroup.version);
		if (here !== undefined && (least === undefined || here < least)) least = here;
	}
	return least;
}

function memoryLimit(folder: string, version: 1 | 2): number | undefined {
	const bytes = readNumbers(`${folder}/${version === 2 ? "memory.max" : "memory.limit_in_bytes"}`)[0];
	return bytes !== undefined && bytes < NO_MEMORY_LIMIT_BYTES ? bytes : undefined;
}

function cpuLimit(folder: string, version: 1 | 2): number | undefined {
	const [quota, period] =
		version === 2
			? readNumbers(`${folder}/cpu.max`)
			: [...readNumbers(`${folder}/cpu.cfs_quota_us`), ...readNumbers(`${folder}/cpu.cfs_period_us`)];
	return quota !== undefined && period !== undefined && quota > 0 && period > 0 ? quota / period : undefined;
}

/** The numbers of a file; `max` and an absent file (the root group has none) give none. */
function readNumbers(path: string): number[] {
	const text = readProcFile(path);
	if (text.kind === "refused") return [];
	const words = text.value.trim().split(/\s+/);
	return words.every((word) => /^-?\d+$/.test(word)) ? words.map(Number) : [];
}
