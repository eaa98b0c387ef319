/** A proxy of the garden: somebody else's server, on ports of its own, that hands everything on to one place. */
import { chownSync, readdirSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { findProgram } from "@plumbline/lab/debian-program";
import { freePort } from "@plumbline/lab/server-host";
import { makeScratchFolder, removeScratchFolder, startTied } from "@plumbline/lab/tied-process";

export interface Place {
	/** Its own, and empty. */
	readonly folder: string;
	readonly port: number;
	/** Of 127.0.0.1. */
	readonly nextPort: number;
}

/**
 * Each request that it sends on bears TAG, a value that no other has, and TAG_LINE, its method and target as it read
 * them: what comes without was no request to it.
 */
export interface GardenKind {
	readonly name: string;
	readonly program: string;
	/** A body in chunks that is cut short is whole to whoever stands behind it: it writes the last chunk all the same. */
	readonly endsCutBodies?: true;
	/** It reads a body of GET, and does not send it on. */
	readonly dropsBodiesOfGet?: true;
	/** Writes its configuration into the folder; what to start it with. */
	prepare(place: Place): {
		readonly args: readonly string[];
		readonly env?: Readonly<Record<string, string>>;
	};
}

export interface GardenServer {
	readonly port: number;
	stop(): Promise<void>;
}

export const TAG = "x-garden-tag";
export const TAG_LINE = "x-garden-line";
const NOBODY = 65_534;
const START_MS_MAX = 20_000;
const KNOCK_MS = 20;

export function missingServer({ program }: GardenKind): string | false {
	return findProgram(program) === undefined ? `missing tool: ${program}` : false;
}

export async function startServer(kind: GardenKind, nextPort: number): Promise<GardenServer> {
	const program = findProgram(kind.program);
	if (program === undefined) throw new Error(`missing tool: ${kind.program}`);
	const folder = makeScratchFolder();
	const port = await freePort();
	const { args, env } = kind.prepare({ folder, port, nextPort });
	const isRoot = process.getuid?.() === 0;
	if (isRoot) ownAll(folder);
	const identity = isRoot ? { identity: { uid: NOBODY, gid: NOBODY } } : {};
	const tied = await startTied(program, args, { ...identity, env: env ?? {}, cwd: folder });
	let hasEnded = false;
	tied.ended.then(() => {
		hasEnded = true;
	});
	const until = performance.now() + START_MS_MAX;
	while (!(await takesConnections(port))) {
		if (hasEnded || performance.now() > until) {
			await tied.stop("SIGKILL");
			throw new Error(`${kind.name} does not start: ${tied.tail()}`);
		}
		await new Promise((resolve) => setTimeout(resolve, KNOCK_MS));
	}
	return {
		port,
		stop: async () => {
			await tied.stop("SIGTERM", 500);
			removeScratchFolder(folder);
		},
	};
}

function ownAll(folder: string): void {
	for (const path of [
		folder,
		...readdirSync(folder, { recursive: true, encoding: "utf8" }).map((name) => join(folder, name)),
	])
		chownSync(path, NOBODY, NOBODY);
}

function takesConnections(port: number): Promise<boolean> {
	return new Promise((resolve) => {
		const socket = connect(port, "127.0.0.1");
		socket.once("connect", () => {
			socket.resetAndDestroy();
			resolve(true);
		});
		socket.once("error", () => resolve(false));
	});
}
