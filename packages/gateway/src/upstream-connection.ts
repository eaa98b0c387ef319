/**
 * A connection to an upstream as the pool sees it; h1-client.ts carries one exchange at a time, h2-client.ts many.
 *
 *   Dial ──▶ ready ──▶ (room ─ open ─ roomChanged)* ──▶ retire / GOAWAY / close of the peer ──▶ closed
 *        └──▶ failed
 *
 * Exactly one of `ready` and `failed` comes for each dial that was not abandoned; after `ready`, `closed` comes once.
 */
import type { ClientStream, Failure, ResponseReceiver } from "./stream.ts";

/** All that makes two connections the same to a pool. */
export interface DialTarget {
	readonly address: string;
	readonly port: number;
	readonly protocol: "http" | "https" | "h2c" | "h2";
	readonly tls: DialTls | undefined;
	readonly connectMs: number;
	/** Larger response heads are refused. */
	readonly headBytesMax: number;
	readonly fieldsMax: number;
}

export interface DialTls {
	readonly serverName: string;
	readonly verify: boolean;
	/** PEM texts. */
	readonly authority: string | undefined;
	readonly certificate: string | undefined;
	readonly key: string | undefined;
}

/** Monotonic milliseconds of what dialling took; absent where a step was not taken. */
export interface DialTimes {
	readonly beganMs: number;
	readonly connectedMs: number;
	readonly securedMs: number | undefined;
}

export interface UpstreamConnection {
	readonly multiplexes: boolean;
	readonly times: DialTimes;
	readonly localPort: number;
	/** Exchanges that have begun on it. */
	readonly served: number;
	/** Exchanges on it now. */
	readonly open: number;
	/** More exchanges could begin now; 0 when retired. */
	readonly room: number;
	/** Begins an exchange. Calling it without room is a programmer's mistake and throws. */
	begin(receiver: ResponseReceiver): ClientStream;
	/** No new exchanges; closes when the last has ended, at once if there is none. */
	retire(): void;
	/** Now, whatever is on it. */
	destroy(): void;
}

export interface ConnectionOwner {
	ready(connection: UpstreamConnection): void;
	failed(failure: Failure): void;
	/** `room` or `open` is another: an exchange ended, or the peer changed its limits. */
	roomChanged(connection: UpstreamConnection): void;
	closed(connection: UpstreamConnection): void;
}

export interface Dialling {
	/** Not wanted any more: neither `ready` nor `failed` comes after it. */
	abandon(): void;
}

export type Dial = (target: DialTarget, owner: ConnectionOwner) => Dialling;
