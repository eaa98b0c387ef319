/**
 * `lookup` for everything in Node that takes one (net, tls, http, undici, pg), in the place of `dns.lookup`: the same
 * arguments, the same answers, the same error codes, but by our resolver. No thread of the pool is held, a name that
 * is known is answered without asking anybody, and an AbortSignal ends a lookup.
 *
 * ```
 *   http.get({ host: "orders.internal", lookup: resolver.lookup })
 *   new undici.Agent({ connect: { lookup: resolver.lookup } })
 *   new pg.Pool({ stream: resolver.stream })                   pg takes no lookup, but a socket
 *
 *   memo ─▶ IP literal ─▶ hosts file ─▶ cache ─▶ servers, for each name that the search list makes of it
 * ```
 */
import { ADDRCONFIG, type LookupAddress, type LookupOptions, V4MAPPED } from "node:dns";
import { isIP } from "node:net";
import { domainToASCII } from "node:url";
import { dnsNameFromHost } from "@plumbline/signals/dns-name";
import type { HostsFile } from "./hosts-file.ts";
import { LookupError } from "./lookup-error.ts";
import { askFamilies, cachedFamilies, type Families } from "./lookup-families.ts";
import { type Addresses, LookupMemo, turnsOf, type WantedFamily } from "./lookup-memo.ts";
import { type FamilyOrder, familiesOfHost } from "./lookup-order.ts";
import type { Resolver } from "./resolution.ts";

/** Of the time its records hold; the rest belongs to the cache, which fetches a hot name anew in it. */
const MEMO_SHARE = 0.9;
/** Where there is a hosts file: it may take a name over at any time. */
const MEMO_MS_MAX = 1_000;
/** Longer ones are no names as DNS has them, but texts that become one, and they could fill the memory. */
const MEMO_NAME_CHARS_MAX = 255;
/** Networks come and go, but not between two lookups. */
const FAMILIES_LOOK_MS = 10_000;
/** Names that a search list may make of one: glibc's own limits are far below. */
const CANDIDATES_MAX = 40;

export interface LookupSettings {
	readonly resolver: Resolver;
	/** Names the host knows by itself; asked first, as libc does. */
	readonly hosts?: HostsFile;
	/**
	 * Fully qualified names to try in turn for a name as it was given; the name alone by default. None for a name that
	 * DNS cannot hold, with an empty label or one of more than 63 octets.
	 */
	readonly candidates?: (name: string) => readonly string[];
	/** Monotonic milliseconds. */
	readonly now?: () => number;
	readonly families?: () => { readonly ipv4: boolean; readonly ipv6: boolean };
}

export interface SignalledLookupOptions extends LookupOptions {
	/** Ends the lookup with its reason; the servers are left alone if nobody else waits. */
	readonly signal?: AbortSignal;
}

type OneCallback = (error: NodeJS.ErrnoException | null, address: string, family: number) => void;
type AllCallback = (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void;
type AnyCallback = (
	error: NodeJS.ErrnoException | null,
	address: string | LookupAddress[],
	family?: number,
) => void;

/** The forms that `dns.lookup` has. The callback is never called before the call returns. */
export interface Lookup {
	(name: string, callback: OneCallback): void;
	(name: string, options: SignalledLookupOptions & { readonly all: true }, callback: AllCallback): void;
	(name: string, options: SignalledLookupOptions, callback: AnyCallback): void;
	(name: string, family: number, callback: OneCallback): void;
}

interface Wanted {
	readonly family: WantedFamily;
	readonly all: boolean;
	readonly order: FamilyOrder;
	readonly hints: number;
	readonly signal: AbortSignal | undefined;
}

type HostFamilies = ReturnType<typeof familiesOfHost>;

const NO_OPTIONS: SignalledLookupOptions = {};
const BOTH: HostFamilies = { ipv4: true, ipv6: true };
const ANSWERED = Promise.resolve();

export function createLookup({
	resolver,
	hosts,
	candidates = nameAlone,
	now = performance.now.bind(performance),
	families = familiesOfHost,
}: LookupSettings): Lookup {
	const memo = new LookupMemo();
	const memoMsMax = hosts === undefined ? Number.POSITIVE_INFINITY : MEMO_MS_MAX;
	let host = BOTH;
	lookAtHost();
	let hostLookedAtMs = now();

	/** It throws where no descriptor is left, or a sandbox forbids it. What is known then holds on. */
	function lookAtHost(): void {
		try {
			host = families();
		} catch {}
	}

	function lookup(
		name: string,
		second: SignalledLookupOptions | number | OneCallback,
		third?: AnyCallback,
	): void {
		const callback = typeof second === "function" ? (second as AnyCallback) : third;
		if (typeof callback !== "function") throw new TypeError("lookup needs a callback as its last argument");
		if (typeof name !== "string") throw new TypeError(`lookup needs a name, found ${typeof name}`);
		const nowMs = now();
		if (nowMs - hostLookedAtMs > FAMILIES_LOOK_MS) {
			lookAtHost();
			hostLookedAtMs = nowMs;
		}
		const wanted = wantedOf(second, host);
		const known = memo.take(name, wanted.family, wanted.order, nowMs);
		if (known !== undefined && wanted.signal?.aborted !== true) deliver(known, wanted.all, callback);
		else begin(name, wanted, nowMs, callback);
	}

	function begin(name: string, wanted: Wanted, nowMs: number, callback: AnyCallback): void {
		const { signal, all, family, order } = wanted;
		const plain = plainName(name);
		const local = signal?.aborted ? undefined : withoutDns(name, plain, family, nowMs);
		if (signal?.aborted) process.nextTick(callback, signal.reason);
		else if (local !== undefined) deliver(turnsOf(local, 0, order)[0] ?? [], all, callback);
		// What dns.lookup does for no name at all.
		else if (name === "" && all) deliver([], all, callback);
		else if (name === "") process.nextTick(callback, null, null, family === 6 ? 6 : 4);
		else ask(name, candidates(plain).slice(0, CANDIDATES_MAX), wanted, callback);
	}

	/** An address is its own answer; some names the host knows by itself. */
	function withoutDns(
		name: string,
		plain: string,
		family: WantedFamily,
		nowMs: number,
	): Addresses | undefined {
		const literal = isIP(name);
		if (literal === 4) return { ipv4: [{ address: name, family: 4 }], ipv6: [] };
		if (literal === 6) return { ipv4: [], ipv6: [{ address: name, family: 6 }] };
		return addressesOfHosts(hosts?.addressesOf(plain.replace(/\.$/, ""), nowMs) ?? [], family);
	}

	function ask(name: string, names: readonly string[], wanted: Wanted, callback: AnyCallback): void {
		const first = names[0];
		const cached = first === undefined ? undefined : cachedFamilies(resolver, first, wanted.family);
		if (cached?.kind === "found") finish(name, wanted, cached, callback);
		else
			askInTurn(names, wanted).then(
				(found) => finish(name, wanted, found, callback),
				(error: unknown) => process.nextTick(callback, error as NodeJS.ErrnoException),
			);
	}

	async function askInTurn(names: readonly string[], wanted: Wanted): Promise<Families> {
		const { family, signal, hints } = wanted;
		let failed: Families | undefined;
		for (const each of names) {
			const found =
				cachedFamilies(resolver, each, family) ?? (await askFamilies(resolver, each, family, signal));
			signal?.throwIfAborted();
			// What an earlier name would have said is not known: this is for now only.
			if (found.kind === "found") return failed === undefined ? found : { ...found, ttlS: 0 };
			if (found.kind === "failed") failed ??= found;
		}
		if (family === 6 && (hints & V4MAPPED) !== 0 && failed === undefined)
			return mapped(await askInTurn(names, { ...wanted, family: 4 }));
		return failed ?? { kind: "none" };
	}

	function finish(
		name: string,
		{ family, order, all }: Wanted,
		found: Families,
		callback: AnyCallback,
	): void {
		if (found.kind !== "found") {
			const [code, why] =
				found.kind === "none"
					? (["ENOTFOUND", "does not exist or has no address of that family"] as const)
					: (["EAI_AGAIN", found.detail] as const);
			process.nextTick(callback, new LookupError(code, name, why));
			return;
		}
		const { addresses, ttlS } = found;
		if (ttlS > 0 && name.length <= MEMO_NAME_CHARS_MAX)
			memo.put(name, family, addresses, now() + Math.min(memoMsMax, ttlS * 1_000 * MEMO_SHARE));
		deliver(turnsOf(addresses, family, order)[0] ?? [], all, callback);
	}

	return lookup as Lookup;
}

/** IPv4 addresses as a socket that speaks IPv6 alone can dial them; kept by no memo. */
function mapped(found: Families): Families {
	if (found.kind !== "found") return found;
	const ipv6 = found.addresses.ipv4.map(({ address }) => ({
		address: `::ffff:${address}`,
		family: 6 as const,
	}));
	return { kind: "found", addresses: { ipv4: [], ipv6 }, ttlS: 0 };
}

function nameAlone(host: string): readonly string[] {
	const name = dnsNameFromHost(host);
	return name === undefined ? [] : [name];
}

function deliver(addresses: readonly LookupAddress[], all: boolean, callback: AnyCallback): void {
	ANSWERED.then(() => tell(addresses, all, callback));
}

/**
 * What a callback throws is its program's own affair, as it is with `dns.lookup`: no rejection of ours. And the list is
 * its own: undici writes times into it.
 */
function tell(addresses: readonly LookupAddress[], all: boolean, callback: AnyCallback): void {
	try {
		if (all) (callback as AllCallback)(null, addresses.map(copyOf));
		else callback(null, addresses[0]?.address ?? "", addresses[0]?.family ?? 0);
	} catch (error) {
		process.nextTick(() => {
			throw error;
		});
	}
}

function copyOf({ address, family }: LookupAddress): LookupAddress {
	return { address, family };
}

/** Lower case, and the ASCII form of names in other scripts. Underscores are none of a URL's, but DNS knows them. */
function plainName(name: string): string {
	const dot = name.endsWith(".") ? "." : "";
	const ascii = domainToASCII(dot === "" ? name : name.slice(0, -1));
	return ascii === "" ? name.toLowerCase() : `${ascii.toLowerCase()}${dot}`;
}

function addressesOfHosts(fixed: readonly string[], family: WantedFamily) {
	const of = (wanted: 4 | 6) =>
		family !== 0 && family !== wanted
			? []
			: fixed.filter((address) => isIP(address) === wanted).map((address) => ({ address, family: wanted }));
	const both = { ipv4: of(4), ipv6: of(6) };
	return both.ipv4.length + both.ipv6.length === 0 ? undefined : both;
}

function wantedOf(given: SignalledLookupOptions | number | OneCallback, host: HostFamilies): Wanted {
	const options = typeof given === "object" ? (given ?? NO_OPTIONS) : NO_OPTIONS;
	const { order, signal } = options;
	const hints = options.hints ?? 0;
	const family = typeof given === "number" ? familyOf(given) : familyOf(options.family);
	return {
		family: family === 0 && (hints & ADDRCONFIG) !== 0 ? narrowed(host) : family,
		all: options.all === true,
		order:
			order === "ipv4first" || order === "ipv6first"
				? order
				: options.verbatim === false
					? "ipv4first"
					: host.ipv6
						? "in-turn-ipv6"
						: "in-turn-ipv4",
		hints,
		signal,
	};
}

/** ADDRCONFIG leaves out a family of which this host has no address, as long as it has one of the other. */
function narrowed({ ipv4, ipv6 }: HostFamilies): WantedFamily {
	if (ipv4 === ipv6) return 0;
	return ipv4 ? 4 : 6;
}

function familyOf(family: LookupOptions["family"] | null): WantedFamily {
	// Programs in JavaScript give null, and dns.lookup takes it.
	if (family === undefined || family === null || family === 0) return 0;
	if (family === 4 || family === "IPv4") return 4;
	if (family === 6 || family === "IPv6") return 6;
	throw new TypeError(`lookup knows the families 0, 4 and 6, found ${String(family)}`);
}
