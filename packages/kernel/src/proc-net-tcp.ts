/**
 * /proc/PID/net/tcp and tcp6, one after the other: the way to the sockets that needs neither library nor
 * tool, and that shows the network namespace of the process whatever our own is. Slow under churn.
 */
import { closeSync, openSync, readSync } from "node:fs";
import { setImmediate as nextTurn } from "node:timers/promises";
import { explainFileError, type Reading, type Refusal, read, refused } from "./reading.ts";
import type { SocketText, SocketTextQuery } from "./ss.ts";

const READ_BYTES = 65536;
/** The kernel formats about 400 rows a read: a millisecond's work. */
const READS_PER_TURN = 4;

/** Rejects only when `signal` says stop. */
export async function readProcNetTcp(
	pid: number,
	query: SocketTextQuery,
	proc = "/proc",
): Promise<Reading<SocketText>> {
	const chunks: Uint8Array[] = [];
	let left = query.bytesMax;
	for (const name of ["tcp", "tcp6"]) {
		const path = `${proc}/${pid}/net/${name}`;
		const refusal = await readInto(chunks, path, left, query.signal);
		// A kernel without IPv6 has no tcp6.
		if (refusal?.code === "absent" && name === "tcp6") break;
		if (refusal?.code === "absent")
			return refused("gone", `${path} does not exist: process ${pid} has exited`);
		if (refusal !== undefined) return refusal;
		left = query.bytesMax - chunks.reduce((size, chunk) => size + chunk.length, 0);
		if (left <= 0) {
			return read({
				bytes: Buffer.concat(chunks),
				truncated: `stopped at the bound of ${query.bytesMax} bytes`,
			});
		}
	}
	return read({ bytes: Buffer.concat(chunks) });
}

async function readInto(
	chunks: Uint8Array[],
	path: string,
	bytesMax: number,
	signal: AbortSignal | undefined,
): Promise<Refusal | undefined> {
	let fd: number | undefined;
	let left = bytesMax;
	try {
		fd = openSync(path, "r");
		for (let reads = 1; left > 0; reads++) {
			const chunk = Buffer.allocUnsafe(Math.min(READ_BYTES, left));
			const count = readSync(fd, chunk);
			if (count === 0) return undefined;
			chunks.push(chunk.subarray(0, count));
			left -= count;
			if (reads % READS_PER_TURN === 0) await nextTurn();
			if (signal?.aborted) break;
		}
	} catch (error) {
		return explainFileError(error, path);
	} finally {
		if (fd !== undefined) closeSync(fd);
	}
	signal?.throwIfAborted();
	return undefined;
}
