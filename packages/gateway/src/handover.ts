/**
 * A binary restart: the program is started anew, gets all listening sockets, and when it serves, this one drains.
 *
 *   old ── spawn with sockets, Beginning ─▶ new
 *       ◀── ready, or failed ──────────────
 *
 * Both accept from the same queues for a moment; no connection is lost between them.
 */
import { spawn } from "node:child_process";
import type { InheritedSocket } from "./supervisor-sockets.ts";
import { START_MS_MAX } from "./worker-messages.ts";

/** Says to a process that it was started by the one before it. Descriptors are from FIRST_FD on. */
const VARIABLE = "PLUMBLINE_GATEWAY_HANDOVER";
const FIRST_FD = 4;
/** More listeners times workers than anybody has. */
const SOCKETS_MAX = 65_536;

interface Beginning {
	readonly sockets: readonly { readonly key: string; readonly place: string }[];
	readonly published: readonly (readonly [topic: string, value: unknown])[];
}

type Ending = { readonly kind: "ready" } | { readonly kind: "failed"; readonly why: string };

/** The id of the new process, which serves. Rejects if it does not; it is gone then. */
export async function handOver(
	sockets: readonly InheritedSocket[],
	published: Beginning["published"],
): Promise<number> {
	const child = spawn(process.execPath, [...process.execArgv, ...process.argv.slice(1)], {
		stdio: ["inherit", "inherit", "inherit", "ipc", ...sockets.map(({ fd }) => fd)],
		env: { ...process.env, [VARIABLE]: "1" },
		serialization: "advanced",
	});
	const ending = await new Promise<Ending>((resolve) => {
		const timer = setTimeout(
			() => resolve({ kind: "failed", why: `it was not ready after ${START_MS_MAX / 1000} s` }),
			START_MS_MAX,
		);
		const finish = (how: Ending) => {
			clearTimeout(timer);
			resolve(how);
		};
		child.once("message", (message) => finish(message as Ending));
		child.once("error", (error) => finish({ kind: "failed", why: error.message }));
		child.once("exit", (code, signal) => finish({ kind: "failed", why: `it ended: ${signal ?? code}` }));
		const beginning: Beginning = { sockets: sockets.map(({ key, place }) => ({ key, place })), published };
		child.send(beginning, () => {});
	});
	if (ending.kind === "failed") {
		child.kill("SIGKILL");
		throw new Error(ending.why);
	}
	child.disconnect();
	child.unref();
	return child.pid ?? 0;
}

export interface Inheritance {
	readonly sockets: readonly InheritedSocket[];
	readonly published: Beginning["published"];
	/** To be called once. */
	report(ending: Ending): Promise<void>;
}

/** What the process before this one leaves; undefined if there was none. */
export async function inheritance(): Promise<Inheritance | undefined> {
	if (process.env[VARIABLE] === undefined || !process.connected) return undefined;
	delete process.env[VARIABLE];
	const beginning = await new Promise<Beginning>((resolve, reject) => {
		process.once("message", (message) => resolve(message as Beginning));
		process.once("disconnect", () => reject(new Error("the process before this one is gone")));
	});
	return {
		sockets: beginning.sockets.slice(0, SOCKETS_MAX).map((each, at) => ({ ...each, fd: FIRST_FD + at })),
		published: beginning.published,
		report: (ending) =>
			new Promise((resolve) => {
				process.send?.(ending, undefined, {}, () => {
					if (process.connected) process.disconnect();
					resolve();
				});
			}),
	};
}
