/** The real command, `plumbline gateway -c FILE`, for one test: what it says, and its configuration put anew. */
import { renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { makeScratchFolder, removeScratchFolder, startTied } from "@plumbline/lab/tied-process";

const MAIN = fileURLToPath(new URL("../../../cli/src/main.ts", import.meta.url));
const LINES_MAX = 10_000;

export interface RealGateway {
	readonly pid: number;
	/** Of its first listener. */
	readonly port: number;
	readonly lines: readonly string[];
	/** `127.0.0.1:9901`; never, if it has no admin server. */
	readonly adminPlace: Promise<string>;
	/** Puts another file in the place of its configuration. */
	configure(text: string): void;
	/** The next line like this, from the first that was not looked at. */
	said(pattern: RegExp): Promise<string>;
}

/** Ended after the test. */
export async function startRealGateway(t: Pick<TestContext, "after">, text: string): Promise<RealGateway> {
	const folder = makeScratchFolder();
	t.after(() => removeScratchFolder(folder));
	const file = join(folder, "gateway.yaml");
	const configure = (next: string) => {
		writeFileSync(`${file}.new`, next);
		renameSync(`${file}.new`, file);
	};
	configure(text);
	const lines: string[] = [];
	let looked = 0;
	let waiting: (() => void)[] = [];
	const gateway = await startTied(process.execPath, [MAIN, "gateway", "-c", file], {
		env: { NO_COLOR: "1" },
		onLine(line) {
			if (lines.length < LINES_MAX) lines.push(line);
			const told = waiting;
			waiting = [];
			for (const look of told) look();
		},
	});
	t.after(() => gateway.stop("SIGKILL"));
	const ended = gateway.ended.then(() => {
		throw new Error(`the gateway ended:\n${lines.slice(-10).join("\n")}`);
	});
	ended.catch(() => undefined);
	const next = async (pattern: RegExp, from: number): Promise<number> => {
		for (let at = from; ; at++) {
			while (at >= lines.length)
				await Promise.race([new Promise<void>((resolve) => waiting.push(resolve)), ended]);
			if (pattern.test(lines[at] as string)) return at;
		}
	};
	const adminPlace = next(/admin on \S+$/, 0).then(
		(at) => (lines[at] as string).split(" admin on ")[1] as string,
	);
	adminPlace.catch(() => undefined);
	looked = await next(/gateway: listening on/, 0);
	return {
		pid: gateway.pid,
		port: Number(/:(\d+)[;,]/.exec(lines[looked] as string)?.[1]),
		lines,
		adminPlace,
		configure,
		async said(pattern) {
			looked = (await next(pattern, looked)) + 1;
			return lines[looked - 1] as string;
		},
	};
}
