/** Upstreams for chaos (chaos-upstream-program.ts), each a process that is tied to this one. */
import { fileURLToPath } from "node:url";
import { startTied, type TiedProcess } from "@plumbline/lab/tied-process";
import type { Behaviour } from "./chaos-upstream-program.ts";

/** Of one run: what they were asked by POST. */
const POSTS_MAX = 1_000_000;

export class ChaosUpstream {
	readonly id: string;
	readonly host: string;
	/** The same after a restart. */
	port = 0;
	/** Bodies of all POSTs that it was asked, over all its lives. */
	readonly posts: string[] = [];
	#process: TiedProcess | undefined;
	#told: (() => void)[] = [];

	constructor(id: string, host: string) {
		this.id = id;
		this.host = host;
	}

	get place(): string {
		return `${this.host}:${this.port}`;
	}

	get url(): string {
		return `http://${this.place}`;
	}

	get pid(): number {
		return this.#process?.pid ?? 0;
	}

	/** Resolves when it listens. */
	async start(): Promise<void> {
		const program = fileURLToPath(new URL("./chaos-upstream-program.ts", import.meta.url));
		const listening = this.#next();
		const args = [program, this.host, String(this.port), this.id];
		const started = await startTied(process.execPath, args, {
			withInput: true,
			onLine: (line) => this.#hear(line),
		});
		this.#process = started;
		const died = started.ended.then(() => {
			throw new Error(`upstream ${this.id} ended: ${started.tail()}`);
		});
		died.catch(() => undefined);
		await Promise.race([listening, died]);
	}

	/** Resolves when it does so. */
	async behave(behaviour: Partial<Behaviour>): Promise<void> {
		const behaves = this.#next();
		this.#process?.input?.write(`${JSON.stringify(behaviour)}\n`);
		await behaves;
	}

	/** Without a word. Resolves when it is gone. */
	async kill(): Promise<void> {
		await this.#process?.stop("SIGKILL");
	}

	/** It is there, its kernel takes connections, and nothing answers. */
	hang(): void {
		process.kill(this.pid, "SIGSTOP");
	}

	wake(): void {
		process.kill(this.pid, "SIGCONT");
	}

	#next(): Promise<void> {
		return new Promise((resolve) => this.#told.push(resolve));
	}

	#hear(line: string): void {
		if (!line.startsWith("{")) return;
		const told = JSON.parse(line) as { port?: number; post?: string };
		if (told.post !== undefined) {
			if (this.posts.length < POSTS_MAX) this.posts.push(told.post);
			return;
		}
		if (told.port !== undefined) this.port = told.port;
		for (const resolve of this.#told.splice(0)) resolve();
	}
}

/** Each on a port of its own. */
export async function startChaosUpstreams(count: number): Promise<ChaosUpstream[]> {
	const all = Array.from({ length: count }, (_, at) => new ChaosUpstream(`u${at}`, "127.0.0.1"));
	await Promise.all(all.map((each) => each.start()));
	return all;
}

/** All on one port, each on a loopback address of its own, as the servers of one name are. */
export async function startChaosUpstreamsOn(hosts: readonly string[]): Promise<ChaosUpstream[]> {
	const all = hosts.map((host, at) => new ChaosUpstream(`u${at}`, host));
	for (const each of all) {
		each.port = all[0]?.port ?? 0;
		await each.start();
	}
	return all;
}
