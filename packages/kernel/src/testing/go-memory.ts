/**
 * For tests: the fixture program fixtures/go-memory, built and running, with what it says of its own
 * connections and what the kernel says of its sockets.
 */
import { execFile, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import type { TcpFd } from "../go-net-fd.ts";
import { readSocketFds } from "../socket-fds.ts";

interface OwnConnection {
	readonly name: string;
	readonly handle: number;
	readonly local: number;
	readonly remote: number;
	readonly told: boolean;
}

interface OwnPool {
	readonly kind: "sql" | "puddle";
	readonly db: number;
	readonly open: number;
	readonly idle: number;
	readonly maxOpen: number;
	/** Version of Go, or of puddle. */
	readonly version: string;
}

interface GoMemory {
	readonly pid: number;
	readonly connections: readonly OwnConnection[];
	readonly pools: readonly OwnPool[];
	readonly tcpFds: readonly TcpFd[];
	readonly end: () => Promise<void>;
}

/** Undefined without Go. */
export async function runGoMemory(): Promise<GoMemory | undefined> {
	if (spawnSync("go", ["version"]).error !== undefined) return undefined;
	const scratch = mkdtempSync(join(tmpdir(), "plumbline-go-memory-"));
	const program = join(scratch, "go-memory");
	const cwd = join(import.meta.dirname, "..", "..", "fixtures", "go-memory");
	// Stripped, as a service in production is.
	await promisify(execFile)("go", ["build", "-buildvcs=false", "-ldflags=-s -w", "-o", program, "."], {
		cwd,
	});
	const child = spawn(program, { stdio: ["pipe", "pipe", "inherit"] });
	const exited = once(child, "exit");
	const connections: OwnConnection[] = [];
	const pools: OwnPool[] = [];
	for await (const text of createInterface(child.stdout)) {
		const line: unknown = JSON.parse(text);
		if (line === "ready") break;
		if (typeof line !== "object" || line === null) throw new Error(text);
		if ("db" in line) pools.push(line as OwnPool);
		else connections.push(line as OwnConnection);
	}
	const pid = child.pid ?? 0;
	const end = async () => {
		child.stdin.end();
		await exited;
		rmSync(scratch, { recursive: true });
	};
	return { pid, connections, pools, tcpFds: await tcpFdsOf(pid), end };
}

/** `0: 0100007F:A1B2 0100007F:1F90 01 … inode` of net/tcp and net/tcp6, joined to the descriptors. */
async function tcpFdsOf(pid: number): Promise<readonly TcpFd[]> {
	const fds = await readSocketFds(pid);
	if (fds.kind === "refused") throw new Error(fds.why);
	const fdOf = new Map(
		fds.value.lines.split("\n").map((line) => {
			const [, fd, inode] = line.split("\t");
			return [Number(inode), Number(fd)];
		}),
	);
	return ["tcp", "tcp6"].flatMap((name) =>
		readFileSync(`/proc/${pid}/net/${name}`, "utf8")
			.split("\n")
			.slice(1)
			.map((line) => line.trim().split(/\s+/))
			.flatMap((columns) => {
				const [, local = "", remote = ""] = columns;
				const inode = Number(columns[9]);
				const fd = fdOf.get(inode);
				const port = (end: string) => Number.parseInt(end.split(":")[1] ?? "", 16);
				return fd === undefined ? [] : [{ fd, inode, localPort: port(local), remotePort: port(remote) }];
			}),
	);
}
