/** The flags of `plumbline reclaim time-wait` to data. What they throw is shown beside the flag's name. */
import { isIP } from "node:net";
import { isPrivateAddress } from "@plumbline/kernel/private-address";
import { AddressTexts, normalizeAddress } from "@plumbline/signals/sockets-address";

export interface ReclaimFlags {
	readonly peer: string;
	readonly port: number;
	readonly pid?: number;
	readonly olderThan: number;
	readonly max: number;
	readonly rate: number;
	readonly yes?: boolean;
	readonly json?: boolean;
	readonly log?: string;
}

/** In the first seconds late segments and a lost last ACK are likely: no flag goes below. */
const OLDER_THAN_MS_MIN = 5000;
/** The kernel forgets them at 60 s anyway. */
const OLDER_THAN_MS_MAX = 59_000;
const PORT_MAX = 65_535;
const MAX_MAX = 100_000;
const RATE_MAX = 20_000;

/** An address of one private host, as the socket table writes it. */
export function parsePeer(text: string): string {
	const peer = isIP(text) === 0 ? undefined : normalizeAddress(text, new AddressTexts());
	if (peer === undefined) throw new RangeError(`--peer wants an IP address such as 10.0.0.7, not "${text}"`);
	if (peer === "0.0.0.0" || peer === "::") {
		throw new RangeError(`--peer wants the address of one host; ${text} stands for any`);
	}
	if (isPrivateAddress(peer)) return peer;
	throw new RangeError(
		`--peer ${text} is no private address: only 10/8, 172.16/12, 192.168/16, 127/8, fc00::/7 and ::1 are cleaned up`,
	);
}

export function parsePort(text: string): number {
	const port = Number(text);
	if (/^\d+$/.test(text) && port >= 1 && port <= PORT_MAX) return port;
	throw new RangeError(`--port wants the peer's port such as 5432, not "${text}"`);
}

export function parseOlderThan(text: string): number {
	const [, number, unit] = /^(\d+(?:\.\d+)?)(ms|s)?$/.exec(text) ?? [];
	const ms = Math.round(Number(number) * (unit === "ms" ? 1 : 1000));
	if (ms >= OLDER_THAN_MS_MIN && ms <= OLDER_THAN_MS_MAX) return ms;
	throw new RangeError(`--older-than wants a time from 5s to 59s such as 10s, not "${text}"`);
}

export function parseMax(text: string): number {
	const max = Number(text.replaceAll("_", ""));
	if (/^[\d_]+$/.test(text) && max >= 1 && max <= MAX_MAX) return max;
	throw new RangeError(`--max wants a number of sockets from 1 to ${MAX_MAX}, not "${text}"`);
}

export function parseRate(text: string): number {
	const rate = Number(text.replace(/\/s$/, ""));
	if (/^\d+(\/s)?$/.test(text) && rate >= 1 && rate <= RATE_MAX) return rate;
	throw new RangeError(`--rate wants sockets a second from 1/s to ${RATE_MAX}/s, not "${text}"`);
}
