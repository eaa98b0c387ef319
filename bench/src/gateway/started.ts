/** A program that listens: started on one core, known by its processes, ended by them. */
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer, connect as open, type Socket } from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import { startTied, type TiedProcess } from "@plumbline/lab/tied-process";

const START_MS_MAX = 15_000;
const LOOK_MS = 50;
const CHILDREN_MAX = 64;
/** USER_HZ of Linux. */
const TICK_US = 10_000;

export interface Command {
	readonly program: string;
	readonly args: readonly string[];
	readonly core: number;
	readonly port: number;
	readonly environment?: Readonly<Record<string, string>>;
}

export interface CpuTime {
	readonly userUs: number;
	readonly systemUs: number;
}

export class Started {
	readonly port: number;
	readonly #process: TiedProcess;

	constructor(process: TiedProcess, port: number) {
		this.#process = process;
		this.port = port;
	}

	/** Its process and those that it has started. */
	get pids(): readonly number[] {
		const { pid } = this.#process;
		return [pid, ...childrenOf(pid)];
	}

	cpu(): CpuTime {
		let userUs = 0;
		let systemUs = 0;
		for (const pid of this.pids) {
			const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
			// Behind the name, which may hold anything: state is field 3, utime 14, stime 15.
			const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
			userUs += Number(fields[11]) * TICK_US;
			systemUs += Number(fields[12]) * TICK_US;
		}
		return { userUs, systemUs };
	}

	residentBytes(): number {
		let kilobytes = 0;
		for (const pid of this.pids)
			kilobytes += Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0);
		return kilobytes * 1024;
	}

	stop(): Promise<void> {
		return this.#process.stop();
	}
}

/** Resolves when it takes connections. */
export async function start({ program, args, core, port, environment }: Command): Promise<Started> {
	const options = environment === undefined ? {} : { env: environment };
	const process = await startTied("taskset", ["-c", String(core), program, ...args], options);
	let hasEnded = false;
	void process.ended.then(() => {
		hasEnded = true;
	});
	for (const until = performance.now() + START_MS_MAX; performance.now() < until; await wait(LOOK_MS)) {
		if (hasEnded) break;
		const socket = await connect(port).catch(() => undefined);
		socket?.destroy();
		if (socket !== undefined) return new Started(process, port);
	}
	await process.stop();
	throw new Error(`${program} does not listen on ${port}:\n${process.tail()}`);
}

export async function connect(port: number, from?: string): Promise<Socket> {
	const socket = open({ port, host: "127.0.0.1", ...(from !== undefined && { localAddress: from }) });
	await once(socket, "connect");
	return socket;
}

export async function freePort(): Promise<number> {
	const server = createServer().listen(0, "127.0.0.1");
	await once(server, "listening");
	const address = server.address();
	server.close();
	if (address === null || typeof address === "string") throw new Error("no port is free");
	return address.port;
}

function childrenOf(pid: number): readonly number[] {
	const text = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim();
	return text === "" ? [] : text.split(" ").slice(0, CHILDREN_MAX).map(Number);
}
