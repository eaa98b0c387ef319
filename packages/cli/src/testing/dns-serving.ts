/** `plumbline dns serve` as a process of its own, for tests: its lines, its end, dig and dnsperf against it. */
import { execFile } from "node:child_process";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { promisify } from "node:util";
import { startTied, type TiedProcess } from "@plumbline/lab/tied-process";

const run = promisify(execFile);
const MAIN = join(import.meta.dirname, "..", "main.ts");
const CLIENT_MS_MAX = 30_000;

export interface Serving {
	readonly process: TiedProcess;
	/** Everything it has said, a line each. */
	readonly lines: readonly string[];
	/** The next line that has this in it, also one that was said already but not waited for. */
	said(what: RegExp): Promise<string>;
	/** The port behind a protocol of the line that says where it listens. */
	port(protocol: "udp" | "tcp" | "dot" | "doh"): number;
}

export async function serving(t: TestContext, ...args: readonly string[]): Promise<Serving> {
	const lines: string[] = [];
	let read = 0;
	let wake = () => {};
	const process = await startTied(globalThis.process.execPath, [MAIN, "dns", "serve", ...args], {
		onLine: (line) => {
			lines.push(line);
			wake();
		},
	});
	t.after(() => process.stop());
	const said = async (what: RegExp) => {
		for (;;) {
			for (; read < lines.length; read++) {
				const line = lines[read] ?? "";
				if (what.test(line)) {
					read++;
					return line;
				}
			}
			const ended = await Promise.race([
				new Promise<void>((resolve) => {
					wake = resolve;
				}),
				process.drained,
			]);
			if (ended !== undefined && read >= lines.length) throw new Error(`it ended: ${lines.join("\n")}`);
		}
	};
	const first = await said(/listening on|plumbline: /);
	return {
		process,
		lines,
		said,
		port: (protocol) => Number(new RegExp(`${protocol} 127\\.0\\.0\\.1:(\\d+)`).exec(first)?.[1] ?? 0),
	};
}

export async function digAt(port: number, ...args: readonly string[]): Promise<string> {
	const all = ["@127.0.0.1", "-p", String(port), "+tries=1", "+time=5", ...args];
	const { stdout } = await run("dig", all, { timeout: CLIENT_MS_MAX });
	return stdout;
}

/** What dnsperf tells of a run over a file of questions. */
export async function dnsperf(port: number, questions: string, seconds: number) {
	const args = ["-s", "127.0.0.1", "-p", String(port), "-d", questions, "-l", String(seconds), "-q", "50"];
	const { stdout } = await run("dnsperf", args, { timeout: CLIENT_MS_MAX });
	const number = (what: RegExp) => Number(what.exec(stdout)?.[1] ?? Number.NaN);
	return {
		sent: number(/Queries sent:\s+(\d+)/),
		completed: number(/Queries completed:\s+(\d+)/),
		lost: number(/Queries lost:\s+(\d+)/),
		codes: /Response codes:\s+(.*)/.exec(stdout)?.[1] ?? "",
	};
}
