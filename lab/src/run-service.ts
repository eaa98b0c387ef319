/** Runs one scenario of the lab's Go service. */
import { startTied, type TiedProcess } from "./tied-process.ts";

/** The line of JSON the service prints when it serves. */
interface Ready {
	readonly scenario: string;
	readonly pid: number;
	readonly go: string;
	readonly base: string;
	readonly pprof: string;
	readonly metrics: string;
}

export interface RunningService extends Ready {
	/** Settles when it has ended by itself or was stopped. */
	readonly ended: TiedProcess["ended"];
	/** The last lines of its log. */
	tail(): string;
	stop(): Promise<void>;
}

const READY_MS_MAX = 60_000;

export interface RunOptions {
	readonly signal?: AbortSignal;
	/** The service sees this file as its /etc/resolv.conf. Takes root. */
	readonly resolvConf?: string;
}

/** Each program becomes the next one, so that the pid started is the service's own. */
function seeing(resolvConf: string, command: readonly string[]): readonly string[] {
	const script = 'mount --bind "$0" /etc/resolv.conf && exec "$@"';
	return ["unshare", "--mount", "--propagation", "private", "--", "sh", "-c", script, resolvConf, ...command];
}

/** Starts it and returns when it serves. */
export async function runService(
	binary: string,
	scenario: string,
	databaseUrl: string,
	{ signal, resolvConf }: RunOptions = {},
): Promise<RunningService> {
	signal?.throwIfAborted();
	const said = Promise.withResolvers<Ready>();
	const command = [binary, "-scenario", scenario, "-db", databaseUrl];
	const [program = binary, ...args] = resolvConf === undefined ? command : seeing(resolvConf, command);
	const process = await startTied(program, args, {
		onLine: (line, stream) => {
			if (stream === "stdout" && line.startsWith('{"ready":true')) said.resolve(JSON.parse(line) as Ready);
		},
	});
	const give = (why: string) => said.reject(new Error(`labsvc ${scenario}: ${why}\n${process.tail()}`));
	const late = setTimeout(() => give(`not ready after ${READY_MS_MAX} ms`), READY_MS_MAX);
	const abort = () => said.reject(signal?.reason);
	signal?.addEventListener("abort", abort, { once: true });
	void process.ended.then(({ code, signal: by }) => give(`ended before it was ready (${by ?? code})`));
	try {
		const ready = await said.promise;
		return { ...ready, ended: process.ended, tail: process.tail, stop: () => process.stop() };
	} catch (error) {
		await process.stop();
		throw error;
	} finally {
		clearTimeout(late);
		signal?.removeEventListener("abort", abort);
	}
}
