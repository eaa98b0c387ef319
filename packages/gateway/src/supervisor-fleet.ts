/** Whatever serves: worker processes, or this very process. */
import type { SettingsChanges } from "./reload-difference.ts";
import type { GatewaySettings } from "./settings.ts";
import type { SocketLibc } from "./supervisor-libc.ts";
import type { GatewaySockets } from "./supervisor-sockets.ts";
import {
	ADMIN_SOCKET,
	type ListeningPlace,
	type OpenGateway,
	type ReloadOutcome,
} from "./worker-contract.ts";
import type { PublishedTopics } from "./worker-messages.ts";

export interface FleetParts {
	readonly open: OpenGateway;
	/** The module of a worker process, which opens the same. */
	readonly workerModule: URL;
	readonly libc: SocketLibc | undefined;
	/** undefined without libc: servers listen by themselves then. */
	readonly sockets: GatewaySockets | undefined;
	readonly published: PublishedTopics;
	say(line: string): void;
}

export interface FleetChange {
	readonly settings: GatewaySettings;
	readonly changes: SettingsChanges;
}

/** Who may have to listen anew, and is given sockets for it. */
export function listeningAnew({ listeners, tcp, rest }: SettingsChanges): readonly string[] {
	const admin = rest.includes("admin") ? [ADMIN_SOCKET] : [];
	return [...listeners.added, ...listeners.changed, ...tcp.added, ...tcp.changed, ...admin];
}

export interface Fleet {
	readonly listening: readonly ListeningPlace[];
	/** Rejects if nobody took it; then all are as they were. */
	apply(change: FleetChange): Promise<void>;
	/** To one of them, for its metrics. */
	reloaded(outcome: ReloadOutcome): void;
	/** New processes take over, one after another. Rejects if the first that cannot start; the old one stays then. */
	roll(): Promise<void>;
	/** Resolves when all have ended. */
	drain(): Promise<void>;
	/** Now. */
	close(): Promise<void>;
	/** Process ids of those that serve. */
	readonly pids: readonly number[];
}
