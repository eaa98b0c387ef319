/**
 * Who may ask, and how often: the first thing a query meets. Addresses come as 32-bit words, so that nothing has to be
 * made for them; an IPv6 client is counted by its /56, which is what one customer gets (RFC 6177).
 *
 *   not in an allowed network ─▶ refuse     over its rate ─▶ drop, and every second time slip     otherwise ─▶ pass
 *
 * `slip` answers with TC and nothing else: it cannot be used to flood somebody whose address was forged, and a real
 * client comes again over TCP, where nobody forges addresses.
 */
import { isIP } from "node:net";
import { RateLimiter } from "@plumbline/policy/rate-limit";

export type Admission = "pass" | "refuse" | "slip" | "drop";

export interface GateOptions {
	/** `192.0.2.0/24`, `2001:db8::/32`, or single addresses. */
	readonly allow: readonly string[];
	/** Absent: as often as it likes. */
	readonly rate?: RateBounds | undefined;
}

export interface RateBounds {
	readonly perSecond: number;
	readonly burst: number;
	/** Remembered at a time. */
	readonly clientsMax: number;
}

export interface Gate {
	/** The address as the four octets in network order, read as one big-endian number (`| 0`). */
	admit4(address: number, nowMs: number): Admission;
	admit6(first: number, second: number, third: number, fourth: number, nowMs: number): Admission;
	/** Whether the network is allowed, without counting it. Text as sockets give it. */
	allows(address: string): boolean;
	admit(address: string, nowMs: number): Admission;
	/**
	 * For whoever has shown by a connection that the address is its own. It is counted apart: a flood of packets in its
	 * name must not use up what it may ask.
	 */
	admitConnected(address: string, nowMs: number): boolean;
}

export const LOOPBACK_NETWORKS = ["127.0.0.0/8", "::1/128"] as const;
const SLIP_EVERY = 2;

interface Network {
	readonly family: 4 | 6;
	readonly words: readonly number[];
	readonly masks: readonly number[];
}

/** Throws RangeError for what is no network. */
export function createGate({ allow, rate }: GateOptions): Gate {
	const networks = allow.map(parseNetwork);
	const networks4 = networks.filter(({ family }) => family === 4);
	const words4 = Int32Array.from(networks4, ({ words }) => words[0] ?? 0);
	const masks4 = Int32Array.from(networks4, ({ masks }) => masks[0] ?? 0);
	const networks6 = networks.filter(({ family }) => family === 6);
	const limiter = rate && limiterOf(rate);
	const connectedLimiter = rate && limiterOf(rate);
	let over = 0;

	function allows4(address: number): boolean {
		for (let index = 0; index < words4.length; index++) {
			if (((address ^ (words4[index] ?? 0)) & (masks4[index] ?? 0)) === 0) return true;
		}
		return false;
	}

	function allows6(first: number, second: number, third: number, fourth: number): boolean {
		return networks6.some(
			({ words: [a = 0, b = 0, c = 0, d = 0], masks: [ma = 0, mb = 0, mc = 0, md = 0] }) => {
				return (
					((first ^ a) & ma) === 0 &&
					((second ^ b) & mb) === 0 &&
					((third ^ c) & mc) === 0 &&
					((fourth ^ d) & md) === 0
				);
			},
		);
	}

	function take(key: number, nowMs: number): Admission {
		if (limiter === undefined || limiter.take(key, nowMs).allowed) return "pass";
		return over++ % SLIP_EVERY === 0 ? "slip" : "drop";
	}

	const admit4 = (address: number, nowMs: number) => (allows4(address) ? take(address, nowMs) : "refuse");
	const admit6 = (first: number, second: number, third: number, fourth: number, nowMs: number) =>
		allows6(first, second, third, fourth) ? take(clientKey6(first, second), nowMs) : "refuse";
	return {
		admit4,
		admit6,
		allows: (address) => {
			const words = addressWords(address);
			const [first = 0, second = 0, third = 0, fourth = 0] = words ?? [];
			if (words === undefined) return false;
			return words.length === 1 ? allows4(first) : allows6(first, second, third, fourth);
		},
		admit: (address, nowMs) => {
			const words = addressWords(address);
			const [first = 0, second = 0, third = 0, fourth = 0] = words ?? [];
			if (words === undefined) return "refuse";
			return words.length === 1 ? admit4(first, nowMs) : admit6(first, second, third, fourth, nowMs);
		},
		admitConnected: (address, nowMs) => {
			return connectedLimiter?.take(clientKey(address), nowMs).allowed ?? true;
		},
	};
}

function limiterOf({ perSecond, burst, clientsMax }: RateBounds): RateLimiter<number> {
	return new RateLimiter({ ratePerSecond: perSecond, burst, keysMax: clientsMax });
}

/** Who counts as one client, from the address as sockets give it: of IPv4 the address itself, of IPv6 `clientKey6`. */
export function clientKey(address: string): number {
	const [first = 0, second] = addressWords(address) ?? [];
	return second === undefined ? first : clientKey6(first, second);
}

/** 53 of the 56 bits: the first three are the same for every global address. */
export function clientKey6(first: number, second: number): number {
	return (first & 0x1fff_ffff) * 2 ** 24 + (second >>> 8);
}

/** Why a text is no network, or undefined. */
export function networkFault(text: string): string | undefined {
	try {
		parseNetwork(text);
		return undefined;
	} catch (error) {
		return error instanceof Error ? error.message : String(error);
	}
}

function parseNetwork(text: string): Network {
	const [address = "", length, ...rest] = text.split("/");
	const words = isIP(address) === 0 ? undefined : addressWords(address);
	if (words === undefined || rest.length > 0) throw new RangeError(`not a network: ${JSON.stringify(text)}`);
	const bits = words.length * 32;
	const prefix = length === undefined ? bits : /^\d{1,3}$/.test(length) ? Number(length) : -1;
	if (prefix < 0 || prefix > bits) {
		throw new RangeError(`${JSON.stringify(text)}: the prefix must be 0 to ${bits}`);
	}
	const masks = words.map((_, index) => maskOf(Math.max(0, Math.min(32, prefix - 32 * index))));
	if (words.some((word, index) => (word & ~(masks[index] ?? 0)) !== 0)) {
		throw new RangeError(
			`${JSON.stringify(text)}: bits are set behind the prefix; a single host is /${bits}`,
		);
	}
	return { family: words.length === 1 ? 4 : 6, words, masks };
}

function maskOf(bits: number): number {
	return bits === 0 ? 0 : -1 << (32 - bits);
}

/** One word of IPv4, also where IPv6 wraps it (`::ffff:192.0.2.1`), or four of IPv6; undefined for anything else. */
export function addressWords(text: string): number[] | undefined {
	const [address = ""] = text.split("%");
	const family = isIP(address);
	if (family === 4) return [word4(address)];
	if (family !== 6) return undefined;
	const [, head = address, last] = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(address) ?? [];
	const tail = last === undefined ? [] : [word4(last) >>> 16, word4(last) & 0xffff];
	const [left = "", right] = head.replace(/([^:]):$/, "$1").split("::");
	const leftGroups = groups(left);
	const rightGroups = [...groups(right ?? ""), ...tail];
	const zeros = Array.from({ length: Math.max(0, 8 - leftGroups.length - rightGroups.length) }, () => 0);
	const all = [...leftGroups, ...zeros, ...rightGroups];
	const words = [0, 1, 2, 3].map((index) => ((all[2 * index] ?? 0) << 16) | (all[2 * index + 1] ?? 0));
	const isMapped = words[0] === 0 && words[1] === 0 && words[2] === 0xffff;
	return isMapped ? [words[3] ?? 0] : words;
}

function groups(text: string): number[] {
	return text === "" ? [] : text.split(":").map((group) => Number.parseInt(group, 16));
}

function word4(text: string): number {
	return text.split(".").reduce((word, part) => (word << 8) | Number(part), 0);
}
