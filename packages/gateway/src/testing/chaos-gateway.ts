/** The real gateway, `plumbline gateway -c FILE`, as a process that is tied to this one, and what can be seen of it from outside. */
import { readdirSync, readlinkSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
	makeScratchFolder,
	removeScratchFolder,
	startTied,
	type TiedProcess,
} from "@plumbline/lab/tied-process";
import type { EndpointSnapshot, WorkerSnapshot } from "../admin-view.ts";

const MAIN = fileURLToPath(new URL("../../../cli/src/main.ts", import.meta.url));
const LINES_MAX = 100_000;
const TOKEN = "chaos";
const INSPECTOR_MS_MAX = 10_000;

export interface ChaosGatewayOptions {
	/** Its heap can be asked for; of one process only. */
	readonly inspect?: boolean;
	readonly env?: Readonly<Record<string, string>>;
}

export class ChaosGateway {
	readonly #folder = makeScratchFolder();
	readonly #lines: string[] = [];
	#given = 0;
	#waiting: (() => void)[] = [];
	#process: TiedProcess | undefined;
	#successor: number | undefined;
	port = 0;
	adminPort = 0;

	/** `text`: without `listen` and `admin`. */
	async start(text: string, { inspect = false, env = {} }: ChaosGatewayOptions = {}): Promise<void> {
		this.configure(text);
		const flags = inspect ? ["--inspect=127.0.0.1:0"] : [];
		this.#process = await startTied(process.execPath, [...flags, MAIN, "gateway", "-c", this.#file], {
			env: { NO_COLOR: "1", ...env },
			onLine: (line) => {
				if (this.#lines.length < LINES_MAX) this.#lines.push(line);
				for (const look of this.#waiting.splice(0)) look();
			},
		});
		const admin = this.said(/admin on 127\.0\.0\.1:\d+/);
		const listening = await this.said(/gateway: listening on/);
		this.port = Number(/127\.0\.0\.1:(\d+)/.exec(listening)?.[1]);
		this.adminPort = Number(/127\.0\.0\.1:(\d+)/.exec(await admin)?.[1]);
	}

	get pid(): number {
		return this.#successor ?? this.#process?.pid ?? 0;
	}

	get lines(): readonly string[] {
		return this.#lines;
	}

	get ended(): TiedProcess["ended"] {
		return (this.#process as TiedProcess).ended;
	}

	get metrics(): string {
		return `http://any:${TOKEN}@127.0.0.1:${this.adminPort}/metrics`;
	}

	get #file(): string {
		return join(this.#folder, "gateway.yaml");
	}

	configure(text: string): void {
		const whole = `listen: { at: "127.0.0.1:0", connectionsPerClient: 32000 }\nadmin: { at: "127.0.0.1:0", token: ${TOKEN} }\n${text}\n`;
		writeFileSync(`${this.#file}.new`, whole);
		renameSync(`${this.#file}.new`, this.#file);
	}

	/** The next line like this, from the first that was not looked at. */
	async said(pattern: RegExp): Promise<string> {
		for (let at = this.#given; ; at++) {
			while (at >= this.#lines.length) {
				const told = new Promise<void>((resolve) => this.#waiting.push(resolve));
				await Promise.race([told, this.#end()]);
			}
			if (!pattern.test(this.#lines[at] as string)) continue;
			this.#given = Math.max(this.#given, at + 1);
			return this.#lines[at] as string;
		}
	}

	/** SIGUSR2. Resolves when a new program serves; the old one may go on with what it has. */
	async handOver(): Promise<void> {
		this.signal("SIGUSR2");
		const line = await this.said(/process \d+ serves now/);
		this.#successor = Number(/process (\d+) serves/.exec(line)?.[1]);
	}

	/** Of the program that was started; one that took over is not heard of. */
	async #end(): Promise<void> {
		if (this.#successor !== undefined) return await new Promise(() => undefined);
		await this.#process?.ended;
		if (this.#successor === undefined)
			throw new Error(`the gateway ended:\n${this.#lines.slice(-10).join("\n")}`);
		await new Promise(() => undefined);
	}

	signal(name: NodeJS.Signals): void {
		process.kill(this.pid, name);
	}

	async get<T>(path: string): Promise<T> {
		const response = await fetch(`http://127.0.0.1:${this.adminPort}${path}`, {
			headers: { authorization: `Bearer ${TOKEN}`, connection: "close" },
		});
		if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
		return (await response.json()) as T;
	}

	processes(): Promise<readonly WorkerSnapshot[]> {
		return this.get("/api/processes");
	}

	async endpoints(): Promise<readonly EndpointSnapshot[]> {
		const workers = await this.get<readonly Pick<WorkerSnapshot, "upstreams">[]>("/api/upstreams");
		return workers.flatMap(({ upstreams }) => upstreams.flatMap(({ endpoints }) => endpoints));
	}

	/** Descriptors of its main process that are sockets. */
	sockets(): number {
		return socketsOf(this.pid);
	}

	/** Bytes in use after a full collection. */
	async heapBytes(): Promise<number> {
		const place = this.#lines.map((line) => /Debugger listening on (ws:\S+)/.exec(line)?.[1]).find(Boolean);
		if (place === undefined) throw new Error("the gateway was started without inspect");
		return await heapOver(place);
	}

	async stop(signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
		if (this.#successor !== undefined) killQuietly(this.#successor);
		await this.#process?.stop(signal);
		removeScratchFolder(this.#folder);
	}
}

function killQuietly(pid: number): void {
	try {
		process.kill(pid, "SIGKILL");
	} catch {
		// It has ended.
	}
}

function socketsOf(pid: number): number {
	const folder = `/proc/${pid}/fd`;
	return readdirSync(folder).filter((fd) => {
		try {
			return readlinkSync(join(folder, fd)).startsWith("socket:");
		} catch {
			return false;
		}
	}).length;
}

async function heapOver(place: string): Promise<number> {
	const socket = new WebSocket(place);
	const signal = AbortSignal.timeout(INSPECTOR_MS_MAX);
	const heard = (type: string) =>
		new Promise<Event>((resolve, reject) => {
			socket.addEventListener(type, resolve, { once: true });
			signal.addEventListener("abort", () => reject(new Error("the inspector does not answer")), {
				once: true,
			});
		});
	try {
		await heard("open");
		const ask = async (id: number, method: string): Promise<{ usedSize?: number }> => {
			const message = heard("message");
			socket.send(JSON.stringify({ id, method }));
			return JSON.parse(String(((await message) as MessageEvent).data)).result;
		};
		// A second one takes what finalizers of the first let go.
		await ask(1, "HeapProfiler.collectGarbage");
		await ask(2, "HeapProfiler.collectGarbage");
		return (await ask(3, "Runtime.getHeapUsage")).usedSize ?? 0;
	} finally {
		socket.close();
	}
}
