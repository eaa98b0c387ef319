/**
 * What a process has mapped (proc_pid_maps(5)), and from it where its executable was loaded.
 *
 * ```
 * start        end          perm offset   dev   inode                      path
 * 55d0c0a00000-55d0c0b2c000 r-xp 00001000 fe:01 131077                     /srv/orders (deleted)
 * c000000000-c000400000     rw-p 00000000 00:00 0                          [anon: Go: heap]
 * ```
 *
 * A path is as our own mount namespace sees it, ends with " (deleted)" when the file lost its name, and has
 * its line ends written as `\012`.
 */
import { readlinkSync, statSync } from "node:fs";
import { readProcFile } from "./proc-file.ts";
import { explainFileError, type Reading, read, refused } from "./reading.ts";

interface Mapping {
	readonly start: number;
	readonly end: number;
	/** `r-xp` */
	readonly permissions: string;
	readonly fileOffset: number;
	/** `fe:01 131077`; `00:00 0` without a file. */
	readonly file: string;
	/** As written; "" where there is none. */
	readonly path: string;
}

/** What the file tells of a part of itself: PT_LOAD of its program headers. */
export interface Segment {
	readonly fileOffset: number;
	readonly address: number;
	/** Bytes of it that are in the file. */
	readonly size: number;
}

/** The kernel's own default (vm.max_map_count) is 65,530. */
const MAPPINGS_MAX = 1 << 17;
const LINE = /^([0-9a-f]+)-([0-9a-f]+) (\S{4}) ([0-9a-f]+) ([0-9a-f]+:[0-9a-f]+ \d+) *(.*)$/;

export function readMappings(pid: number, proc = "/proc"): Reading<readonly Mapping[]> {
	const path = `${proc}/${pid}/maps`;
	const text = readProcFile(path);
	if (text.kind === "refused") return text;
	const mappings = parseMaps(text.value);
	// An exited process, and a kernel thread, have an empty list.
	if (mappings.length === 0) return refused("gone", `${path} lists nothing: process ${pid} has exited`);
	return read(mappings);
}

/** Lines of another form are left out. */
export function parseMaps(text: string): readonly Mapping[] {
	const mappings: Mapping[] = [];
	for (const line of text.split("\n", MAPPINGS_MAX)) {
		const [, start = "", end = "", permissions = "", fileOffset = "", file = "", path = ""] =
			LINE.exec(line) ?? [];
		if (start === "") continue;
		mappings.push({
			start: Number.parseInt(start, 16),
			end: Number.parseInt(end, 16),
			permissions,
			fileOffset: Number.parseInt(fileOffset, 16),
			file,
			path,
		});
	}
	return mappings;
}

/**
 * Address in the process minus address in its executable's file; 0 for one that is not position
 * independent. `segments` are of /proc/PID/exe.
 */
export function loadBias(pid: number, segments: readonly Segment[], proc = "/proc"): Reading<number> {
	const mappings = readMappings(pid, proc);
	if (mappings.kind === "refused") return mappings;
	const exe = `${proc}/${pid}/exe`;
	let ofExe: readonly Mapping[];
	try {
		ofExe = mappingsOfFile(mappings.value, fileName(exe), readlinkSync(exe));
	} catch (error) {
		return explainFileError(error, exe);
	}
	if (ofExe.length === 0) return refused("failed", `process ${pid} has nothing of ${exe} mapped`);
	const biases = biasesThatFit(ofExe, segments);
	const [bias] = biases;
	if (bias === undefined || biases.length > 1) {
		return refused("failed", `${exe} fits its mappings in ${biases.length} ways, 1 expected`);
	}
	return read(bias);
}

/** `fe:01 131077`, from stat(2)'s device number in the kernel's own encoding. */
function fileName(path: string): string {
	const { dev, ino } = statSync(path, { bigint: true });
	const major = ((dev >> 8n) & 0xfffn) | ((dev >> 32n) & ~0xfffn);
	const minor = (dev & 0xffn) | ((dev >> 12n) & ~0xffn);
	const hex = (value: bigint) => value.toString(16).padStart(2, "0");
	return `${hex(major)}:${hex(minor)} ${ino}`;
}

/**
 * Device and inode name a file best. But btrfs and some overlays tell stat another device than they tell
 * maps; there the path counts, which both write in the same way.
 */
function mappingsOfFile(mappings: readonly Mapping[], file: string, path: string): readonly Mapping[] {
	const same = mappings.filter((mapping) => mapping.file === file);
	if (same.length > 0) return same;
	const written = path.replaceAll("\n", "\\012");
	return mappings.filter((mapping) => mapping.path === written);
}

/** A page at the border of two segments is mapped twice; so both ends of every segment must lie right. */
export function biasesThatFit(mappings: readonly Mapping[], segments: readonly Segment[]): readonly number[] {
	const [first, ...others] = segments.filter((segment) => segment.size > 0);
	if (first === undefined) return [];
	const biases = new Set(mappings.flatMap((mapping) => biasOf(mapping, first.fileOffset, first.address)));
	const fits = (bias: number, segment: Segment) =>
		[0, segment.size - 1].every((at) =>
			mappings.some((mapping) => biasOf(mapping, segment.fileOffset + at, segment.address + at)[0] === bias),
		);
	return [...biases].filter((bias) => [first, ...others].every((segment) => fits(bias, segment)));
}

/** The bias if this byte of the file is seen in this mapping; else nothing. */
function biasOf(mapping: Mapping, fileOffset: number, address: number): readonly number[] {
	const into = fileOffset - mapping.fileOffset;
	if (into < 0 || into >= mapping.end - mapping.start) return [];
	const bias = mapping.start + into - address;
	return bias >= 0 ? [bias] : [];
}
