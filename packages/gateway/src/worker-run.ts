/**
 * A worker: a process that serves until it is told to drain. worker-main.ts is the real one.
 *
 * It drains by itself when its supervisor is gone, or somebody sends it SIGTERM; what a terminal sends to the whole group
 * is the supervisor's business.
 */
import { loadSocketLibc } from "./supervisor-libc.ts";
import { takeDescriptor } from "./supervisor-pass.ts";
import {
	askSupervisor,
	type GatewayHooks,
	type ListenSockets,
	type OpenGateway,
	type RunningGateway,
	type WorkerAnswer,
} from "./worker-contract.ts";
import {
	COLLECT_MS_MAX,
	FIRST_SOCKET_FD,
	type FromWorker,
	PASSING_FD,
	type ToWorker,
} from "./worker-messages.ts";

const EXIT_FAILED = 3;
const COLLECTS_MAX = 64;

type Opening = Extract<ToWorker, { kind: "open" }>;
type Applying = Extract<ToWorker, { kind: "apply" }>;

export function runWorker(open: OpenGateway): void {
	let gateway: RunningGateway | undefined;
	let isDraining = false;
	let changing: Promise<void> = Promise.resolve();
	const collects = new Map<number, (answers: readonly WorkerAnswer[]) => void>();
	let lastCollect = 0;

	function tell(message: FromWorker): void {
		if (process.connected) process.send?.(message, undefined, {}, () => {});
	}

	function hooksOf({ slot, workers }: Opening): GatewayHooks {
		return {
			slot,
			workers,
			say: (line) => tell({ kind: "say", line }),
			publish: (topic, value) => tell({ kind: "publish", topic, value }),
			ask: askSupervisor(process.ppid),
			collect: (question) => {
				if (collects.size >= COLLECTS_MAX || !process.connected) return Promise.resolve([]);
				const id = ++lastCollect;
				return new Promise((resolve) => {
					const timer = setTimeout(() => finish([]), COLLECT_MS_MAX * 2);
					const finish = (answers: readonly WorkerAnswer[]) => {
						clearTimeout(timer);
						collects.delete(id);
						resolve(answers);
					};
					collects.set(id, finish);
					tell({ kind: "collect", id, question });
				});
			},
		};
	}

	async function opened(message: Opening): Promise<void> {
		const sockets = new Map(message.sockets.map((name, index) => [name, FIRST_SOCKET_FD + index]));
		try {
			gateway = await open(message.settings, sockets, hooksOf(message));
			for (const [topic, value] of message.published) gateway.received(topic, value);
			tell({ kind: "ready", listening: gateway.listening });
		} catch (error) {
			tell({ kind: "failed", why: wordsOf(error) });
			leave(EXIT_FAILED);
		}
	}

	async function applied({ epoch, settings, changes, sockets: names }: Applying): Promise<void> {
		let why: string | undefined;
		try {
			await gateway?.apply(settings, await passed(names), changes);
		} catch (error) {
			why = wordsOf(error);
		}
		tell({ kind: "applied", epoch, why });
	}

	async function drain(): Promise<void> {
		if (isDraining) return;
		isDraining = true;
		await changing;
		await gateway?.drain();
		await gateway?.close();
		tell({ kind: "drained" });
		leave(0);
	}

	function take(message: ToWorker): void {
		switch (message.kind) {
			case "open":
				changing = opened(message);
				break;
			case "apply":
				changing = changing.then(() => applied(message));
				break;
			case "reloaded":
				gateway?.reloaded?.(message.outcome);
				break;
			case "drain":
				void drain();
				break;
			case "ask":
				void answered(message.id, message.question);
				break;
			case "published":
				gateway?.received(message.topic, message.value);
				break;
			case "collected":
				collects.get(message.id)?.(message.answers);
				break;
			default:
				message satisfies never;
		}
	}

	async function answered(id: number, question: string): Promise<void> {
		let value: unknown;
		try {
			value = await gateway?.answer(question);
		} catch {
			value = undefined;
		}
		tell({ kind: "answer", id, value });
	}

	process.on("message", (message) => take(message as ToWorker));
	process.on("disconnect", () => void drain());
	process.on("SIGTERM", () => void drain());
	for (const name of ["SIGINT", "SIGHUP", "SIGUSR1", "SIGUSR2"] as const) process.on(name, () => {});
}

async function passed(names: readonly string[]): Promise<ListenSockets> {
	const sockets = new Map<string, number>();
	const libc = names.length === 0 ? undefined : await loadSocketLibc();
	for (const name of names) {
		const fd = libc && takeDescriptor(libc, PASSING_FD);
		if (fd !== undefined) sockets.set(name, fd);
	}
	return sockets;
}

/** After what was told has been handed over. */
function leave(code: number): void {
	process.exitCode = code;
	if (!process.connected) process.exit(code);
	process.send?.({ kind: "say", line: "" }, undefined, {}, () => process.exit(code));
}

function wordsOf(error: unknown): string {
	return error instanceof Error ? error.message : String(error);
}
