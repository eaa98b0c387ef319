/** A Redis of Debian on a port of its own, tied to this process; it keeps nothing. */
import { findProgram } from "@plumbline/lab/debian-program";
import { freePort } from "@plumbline/lab/server-host";
import { startTied } from "@plumbline/lab/tied-process";

export interface TestRedis {
	readonly url: string;
	readonly port: number;
	/** Stays connected but says nothing, and goes on later. */
	freeze(): void;
	thaw(): void;
	stop(): Promise<void>;
}

export function missingRedis(): string | false {
	return findProgram("redis-server") === undefined ? "missing tool: redis-server" : false;
}

export async function startRedis(port?: number, password?: string): Promise<TestRedis> {
	const own = port ?? (await freePort());
	let ready = () => {};
	const isReady = new Promise<void>((resolve) => {
		ready = resolve;
	});
	const args = ["--port", String(own), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"];
	if (password !== undefined) args.push("--requirepass", password);
	const program = findProgram("redis-server") ?? "redis-server";
	const redis = await startTied(program, args, {
		onLine: (line) => line.includes("Ready to accept connections") && ready(),
	});
	const ended = redis.ended.then(() => {
		throw new Error(`redis-server ended: ${redis.tail()}`);
	});
	ended.catch(() => {});
	await Promise.race([isReady, ended]);
	return {
		url: `redis://127.0.0.1:${own}/0`,
		port: own,
		freeze: () => void process.kill(redis.pid, "SIGSTOP"),
		thaw: () => void process.kill(redis.pid, "SIGCONT"),
		stop: () => redis.stop("SIGKILL"),
	};
}
