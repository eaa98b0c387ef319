/**
 * Holds on to the program a process runs. After an exec the pid and the start time are the same and the program is
 * another one; what tells is the address space: an open /proc/PID/maps belongs to the one it was opened for, and
 * lists nothing once that is gone. (Seen on 6.18; an exited process answers ESRCH.)
 */
import { closeSync, openSync, readSync } from "node:fs";
import { readMappings } from "./process-maps.ts";
import { type ProcessStat, readProcessStat } from "./process-stat.ts";
import { explainFileError, type Reading, read } from "./reading.ts";

export interface Gone {
	/** An exec: the process lives, and what was known of its program is of no use any more. */
	readonly execed: boolean;
	readonly why: string;
}

export interface RunningProgram {
	/** Undefined while the same program runs. An exec that was once seen is remembered. */
	readonly gone: () => Gone | undefined;
	readonly close: () => void;
}

/** To be closed by the caller. Takes the right to read the process's mappings. */
export function holdProgram({ pid, startTicks }: ProcessStat): Reading<RunningProgram> {
	const path = `/proc/${pid}/maps`;
	let maps: number;
	try {
		maps = openSync(path, "r");
	} catch (error) {
		return explainFileError(error, path);
	}
	let execed: Gone | undefined;
	const look = (): Gone | undefined => {
		const exited = { execed: false, why: `process ${pid} has exited` };
		const now = readProcessStat(pid);
		if (now.kind === "refused") return { execed: false, why: now.why };
		if (now.value.startTicks !== startTicks) return exited;
		if (listsAnything(maps)) return undefined;
		// A process on its way out has no mappings either, and no new ones.
		const anew = readMappings(pid);
		if (anew.kind === "refused" && anew.code !== "denied") return exited;
		return { execed: true, why: `process ${pid} has exec'ed another program` };
	};
	return read({
		gone() {
			if (execed !== undefined) return execed;
			const gone = look();
			if (gone?.execed === true) execed = gone;
			return gone;
		},
		close: () => closeSync(maps),
	});
}

function listsAnything(maps: number): boolean {
	try {
		return readSync(maps, new Uint8Array(1), 0, 1, 0) > 0;
	} catch {
		return false;
	}
}
