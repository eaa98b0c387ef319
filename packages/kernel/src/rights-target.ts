/** What this user may see of one process, each by trying. */
import { closeSync, openSync, readdirSync, readlinkSync } from "node:fs";
import { decodeGoBuildinfo } from "@plumbline/signals/go-binary-buildinfo";
import { readGoBuildinfo } from "./go-buildinfo.ts";
import { readStatus } from "./process-facts.ts";
import { openProcessMemory } from "./process-memory.ts";
import { readProcessStat } from "./process-stat.ts";
import { explainFileError, type Reading, read } from "./reading.ts";

const NAMESPACES = ["net", "mnt", "pid", "user"] as const;
export type NamespaceKind = (typeof NAMESPACES)[number];

export interface TargetRights {
	readonly pid: number;
	readonly comm: string;
	readonly uid: number;
	readonly namespaces: Readonly<Record<NamespaceKind, Reading<"ours" | "other">>>;
	/** Its descriptors: which sockets are its own. */
	readonly descriptors: Reading<true>;
	readonly executable: Reading<true>;
	/** `go1.27.1`; absent when it is not Go, or tells no version. */
	readonly go: Reading<string>;
	readonly memory: Reading<true>;
}

/** Refused when there is no such process. */
export function readTargetRights(pid: number, proc = "/proc"): Reading<TargetRights> {
	const stat = readProcessStat(pid, proc);
	if (stat.kind === "refused") return stat;
	const status = readStatus(pid, proc);
	if (status.kind === "refused") return status;
	const place = (kind: NamespaceKind) => placeOf(kind, pid, proc);
	return read({
		pid,
		comm: stat.value.comm,
		uid: status.value.uid,
		namespaces: { net: place("net"), mnt: place("mnt"), pid: place("pid"), user: place("user") },
		descriptors: tryDescriptors(`${proc}/${pid}/fd`),
		executable: tryOpen(`${proc}/${pid}/exe`),
		go: goVersion(pid, proc),
		memory: tryMemory(pid, proc),
	});
}

function placeOf(kind: NamespaceKind, pid: number, proc: string): Reading<"ours" | "other"> {
	const path = `${proc}/${pid}/ns/${kind}`;
	try {
		return read(readlinkSync(path) === readlinkSync(`${proc}/self/ns/${kind}`) ? "ours" : "other");
	} catch (error) {
		return explainFileError(error, path);
	}
}

/** Listing takes another right than following the links, so both are tried. */
function tryDescriptors(folder: string): Reading<true> {
	try {
		const [first] = readdirSync(folder);
		if (first !== undefined) readlinkSync(`${folder}/${first}`);
		return read(true);
	} catch (error) {
		return explainFileError(error, folder);
	}
}

function tryOpen(path: string): Reading<true> {
	try {
		closeSync(openSync(path, "r"));
		return read(true);
	} catch (error) {
		return explainFileError(error, path);
	}
}

function goVersion(pid: number, proc: string): Reading<string> {
	const bytes = readGoBuildinfo(pid, proc);
	if (bytes.kind === "refused") return bytes;
	const decoded = decodeGoBuildinfo(bytes.value);
	return read(decoded.kind === "decoded" ? decoded.value.goVersion : "");
}

function tryMemory(pid: number, proc: string): Reading<true> {
	const memory = openProcessMemory(pid, proc);
	if (memory.kind === "refused") return memory;
	memory.value.close();
	return read(true);
}
