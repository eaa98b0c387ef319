/** `plumbline diagnose FILE...`: loose files, read and recognised by what is in them, to one capture. */

import type { Readable } from "node:stream";
import { readCapture } from "@plumbline/capture/file";
import type { Clock } from "@plumbline/capture/recorder";
import type { Capture, PartFormat } from "@plumbline/signals/capture";
import { CommandError, EXIT_UNEXAMINED, usageError } from "./exit-code.ts";
import { type LooseFile, looseCapture } from "./loose-capture.ts";
import { readLoose, STDIN } from "./loose-read.ts";
import { KNOWN_FILES, recognise } from "./loose-recognise.ts";
import { VERSION } from "./version.ts";

/** A file, and what the user says it is. */
export interface NamedFile {
	readonly path: string;
	readonly as?: LooseKind;
}

export type LooseKind = "goroutines" | "sockets" | "metrics" | "profile" | "db-sessions";

export interface LooseContext {
	readonly clock: Clock;
	readonly signal: AbortSignal;
	readonly stdin: Readable;
	/** Told what is being read. */
	readonly progress: (text: string) => void;
}

export interface Loose {
	readonly capture: Capture;
	/** Files of which nothing could be read, or not what they were given as: what was asked was not examined. */
	readonly unread: number;
}

/** Files of one command; more belong into a script. */
const FILES_MAX = 64;

/** Rejects with a CommandError when nothing of what was named can be read. */
export async function captureLoose(files: readonly NamedFile[], context: LooseContext): Promise<Loose> {
	if (files.length > FILES_MAX)
		throw usageError(`${files.length} files are more than ${FILES_MAX}`, "diagnose");
	if (files.filter(({ path }) => path === STDIN).length > 1) {
		throw usageError("standard input (-) can be read once", "diagnose");
	}
	const read: LooseFile[] = [];
	let misnamed = 0;
	for (const file of files) {
		const found = await readOne(file, context);
		if (found !== "capture") {
			const note = misnaming(found.pieces, file.as);
			if (note !== undefined) misnamed++;
			read.push(note === undefined ? found : { ...found, notes: [...found.notes, note] });
		} else if (files.length === 1) return { capture: await captureAlone(file, context), unread: 0 };
		else
			throw usageError(
				`${file.path} is a capture: it is diagnosed alone, as --from ${file.path}`,
				"diagnose",
			);
	}
	const unread = read.filter((file) => file.unread !== undefined);
	if (unread.length === read.length) {
		const why = unread.map(({ name, unread: reason }) => `${name}: ${reason}`).join("\n");
		throw new CommandError(why, EXIT_UNEXAMINED);
	}
	return { capture: looseCapture(read, context.clock.now(), VERSION), unread: unread.length + misnamed };
}

async function captureAlone({ path }: NamedFile, { signal }: LooseContext): Promise<Capture> {
	if (path !== STDIN) return await readCapture(path, signal);
	throw usageError("a capture is not read from standard input: name its file", "diagnose");
}

async function readOne({ path }: NamedFile, context: LooseContext): Promise<LooseFile | "capture"> {
	const name = path === STDIN ? "standard input" : path;
	context.progress(`reading ${name}`);
	const nothing = { name, pieces: [], losses: [], notes: [] };
	let bytes: Awaited<ReturnType<typeof readLoose>>;
	try {
		bytes = await readLoose(path, context.stdin, context.signal);
	} catch (error) {
		context.signal.throwIfAborted();
		return {
			...nothing,
			unread: `cannot be read: ${error instanceof Error ? error.message : String(error)}`,
		};
	}
	const found = recognise(bytes);
	switch (found.kind) {
		case "capture":
			return "capture";
		case "unknown":
			if (bytes.bytes.length === 0) return { ...nothing, unread: "it is empty" };
			return { ...nothing, unread: `holds ${found.found}, which is none of ${KNOWN_FILES}` };
		case "pieces":
			return { name, ...found };
		default:
			return found satisfies never;
	}
}

const FORMATS_OF: Readonly<Record<LooseKind, readonly PartFormat[]>> = {
	goroutines: ["go-debug2", "go-debug1", "pprof"],
	sockets: ["ss", "netstat", "proc-net-tcp", "sock-diag", "fd-table"],
	metrics: ["prometheus"],
	profile: ["pprof", "go-heap-debug1", "go-contention-debug1", "go-debug1", "go-trace", "go-trace-v2"],
	"db-sessions": ["postgres-sessions", "mysql-sessions", "sessions-text"],
};

/** A file that is something else than its flag says is read as what it is; what was meant is missing. */
function misnaming(
	pieces: readonly { readonly format: PartFormat }[],
	as: LooseKind | undefined,
): string | undefined {
	if (as === undefined || pieces.length === 0) return undefined;
	if (pieces.some(({ format }) => FORMATS_OF[as].includes(format))) return undefined;
	const formats = [...new Set(pieces.map(({ format }) => format))].join(", ");
	return `given as --${as}, but it holds ${formats}`;
}
