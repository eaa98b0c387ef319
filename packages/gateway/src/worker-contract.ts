/**
 * What a process that carries connections is to the one that keeps it, and the other way round.
 *
 *   supervisor ── settings, sockets ─▶ OpenGateway ─▶ RunningGateway ── apply* ── drain ── close
 *                                         ▲ hooks: say, publish, collect
 *
 * With `workers: 1` both are one process, and nothing here tells the difference.
 */
import type { GatewayEvent } from "./observer.ts";
import type { SettingsChanges } from "./reload-difference.ts";
import type { GatewaySettings } from "./settings.ts";

/**
 * Listening sockets by the name of their listener (`listeners`, `tcp`, and ADMIN_SOCKET), already bound and listening.
 * Whoever is given them owns them: `server.listen({ fd })`, and closing the server closes this process's copy only, so
 * what waits in the accept queue goes to the next one. A listener that is not there is opened by the gateway itself,
 * with `reusePort` if there is more than one worker.
 */
export type ListenSockets = ReadonlyMap<string, number>;

export const ADMIN_SOCKET = "admin";

export interface ListeningPlace {
	/** Name of the listener. */
	readonly listener: string;
	/** `127.0.0.1:8080`, with the port the system chose; `unix:/run/gateway.sock`. */
	readonly place: string;
}

export interface GatewayHooks {
	/** 0 to workers - 1; the admin listener is worker 0's. */
	readonly slot: number;
	readonly workers: number;
	/** A line for people, on stderr. */
	say(line: string): void;
	/**
	 * Tells the other workers, who get it by `received`. The last value of a topic is kept for workers that come later,
	 * also after a binary restart. Values are plain data. Bounds: TOPICS_MAX, TOPIC_CHARS_MAX (worker-messages.ts).
	 */
	publish(topic: string, value: unknown): void;
	/** Asks every worker's `answer`, this one's too; those that do not answer in time are left out. */
	collect(kind: string): Promise<readonly WorkerAnswer[]>;
	/** What only the owner of the processes can do, begun now; false: not here. */
	ask?(what: "drain" | "reload"): boolean;
}

export interface WorkerAnswer {
	readonly slot: number;
	readonly pid: number;
	readonly value: unknown;
}

export type ReloadOutcome = Extract<GatewayEvent, { readonly kind: "reload" }>;

export interface RunningGateway {
	readonly listening: readonly ListeningPlace[];
	/**
	 * New settings, with sockets for listeners that are new. `changes` says what is another than before; whatever is in
	 * none of its lists but `same` must not notice. Rejects only if nothing has changed then.
	 */
	apply(settings: GatewaySettings, sockets: ListenSockets, changes: SettingsChanges): Promise<void>;
	/** What became of a configuration that was read, for metrics; told to one of the processes only. */
	reloaded?(outcome: ReloadOutcome): void;
	/** Takes no more connections, ends those there are politely; resolves when the last has ended, at most drainMs later. */
	drain(): Promise<void>;
	/** Now. */
	close(): Promise<void>;
	/** Plain data for `collect`: metrics, counts, rings. undefined for a kind it does not know. */
	answer(kind: string): unknown;
	/** What another worker published; in its order per worker, also its last before this one began. */
	received(topic: string, value: unknown): void;
}

/** `GatewayHooks.ask` of a process whose owner is the supervisor in process `pid`: it hears it as an operator's signal. */
export function askSupervisor(pid: number): (what: "drain" | "reload") => boolean {
	return (what) => process.kill(pid, what === "reload" ? "SIGHUP" : "SIGTERM");
}

/** Resolves when it takes connections. Rejects with what cannot be had; nothing is left open then. */
export type OpenGateway = (
	settings: GatewaySettings,
	sockets: ListenSockets,
	hooks: GatewayHooks,
) => Promise<RunningGateway>;
