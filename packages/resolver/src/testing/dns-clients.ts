/** dig, kdig and bare sockets as clients of a server under test. */
import { execFile } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { promisify } from "node:util";

const run = promisify(execFile);
const CLIENT_MS_MAX = 15_000;

/** What the program printed; a client that fails tells by its text. */
export async function dig(port: number, ...args: readonly string[]): Promise<string> {
	return await output("dig", ["@127.0.0.1", "-p", String(port), "+tries=1", "+time=5", ...args]);
}

export async function kdig(port: number, ...args: readonly string[]): Promise<string> {
	return await output("kdig", ["@127.0.0.1", "-p", String(port), "+retry=0", "+timeout=5", ...args]);
}

async function output(program: string, args: readonly string[]): Promise<string> {
	try {
		const { stdout } = await run(program, args, { timeout: CLIENT_MS_MAX });
		return stdout;
	} catch (error) {
		if (error instanceof Error && "stdout" in error) return String(error.stdout);
		throw error;
	}
}

/** A plain query for an A record. */
export function queryFor(name: string, id = 0x1234, type = 1): Buffer {
	const labels = name.split(".").filter((label) => label !== "");
	const wire = labels.flatMap((label) => [label.length, ...Buffer.from(label)]);
	return Buffer.from([id >> 8, id & 255, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, ...wire, 0, 0, type, 0, 1]);
}

/** Sends packets from one socket and gives the first `wanted` answers; rejects when they do not come. */
export async function exchange(
	port: number,
	packets: readonly Uint8Array[],
	wanted = 1,
	address = "127.0.0.1",
): Promise<Buffer[]> {
	const socket = createSocket(address.includes(":") ? "udp6" : "udp4");
	const answers: Buffer[] = [];
	const signal = AbortSignal.timeout(CLIENT_MS_MAX);
	try {
		const done = new Promise<void>((resolve) => {
			socket.on("message", (packet, from) => {
				// A port that somebody had before may still be written to.
				if (from.port !== port) return;
				answers.push(packet);
				if (answers.length >= wanted) resolve();
			});
		});
		for (const packet of packets) socket.send(packet, port, address);
		await Promise.race([
			done,
			once(signal, "abort").then(() => Promise.reject(new Error(`${answers.length} answers`))),
		]);
		return answers;
	} finally {
		socket.close();
	}
}
