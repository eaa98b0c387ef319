/**
 * One name among an upstream's servers, asked for again and again: which addresses it has, and what DNS says of it.
 *
 *   A ── addresses ─────────────────────────▶ found
 *   │ └─ NXDOMAIN ──────────────────────────▶ none
 *   │ no A, or no answer
 *   └─▶ AAAA ── addresses ─────────────────▶ found          the resolver refused a forged answer, or told
 *         └─ nothing either ───▶ none, failed               that one was hijacked ───▶ forged
 *
 * AAAA is asked for only where A has no addresses: the two families are the same servers twice nearly always, and on a
 * host without a route for IPv6 half of the endpoints would be dead.
 *
 * Whatever comes, the addresses last found are kept until others are found. It is asked again when the TTL is over,
 * within the bounds of the settings, a little later by chance so that processes do not ask together; after a failure
 * sooner, then ever later.
 */

import type { Compared } from "@plumbline/resolver/quorum";
import type { Resolution, Resolver } from "@plumbline/resolver/resolution";
import type { Timers } from "@plumbline/resolver/timers";
import { DNS_CLASS, DNS_RCODE, DNS_TYPE } from "@plumbline/signals/dns-message";
import { dnsNameFromHost, isSameDnsName } from "@plumbline/signals/dns-name";
import type { GatewayEvent } from "./observer.ts";
import type { UpstreamDnsSettings } from "./settings.ts";

export type NameAnswer = Extract<GatewayEvent, { kind: "resolved" }>["answer"];

export interface NameParts {
	readonly resolver: Pick<Resolver, "resolve">;
	readonly timers: Timers;
	readonly now: () => number;
	readonly random: () => number;
}

/** Of one resolution, whatever the resolver's own limits are. */
const RESOLVE_MS_MAX = 10_000;
const JITTER = 0.1;
const DOUBLINGS_MAX = 16;

type Found = { readonly addresses: readonly string[]; readonly ttlMs: number; readonly stale: boolean };
type Family = ({ readonly kind: "addresses" } & Found) | Exclude<NameAnswer, { kind: "addresses" }>;

export class NameWatch {
	readonly host: string;
	/** Last found; textual, in order, so that the same set is the same list. */
	addresses: readonly string[] = [];
	/** What was heard last; undefined before the first answer. */
	heard: NameAnswer["kind"] | undefined = undefined;
	readonly #name: string | undefined;
	readonly #parts: NameParts;
	readonly #told: (watch: NameWatch, answer: NameAnswer, tookMs: number) => void;
	#settings: UpstreamDnsSettings;
	/** An answer that was told to be hijacked, and given all the same, is not taken. */
	#isStrict: boolean;
	readonly #hijacked = new Set<number>();
	readonly #first = Promise.withResolvers<void>();
	#failures = 0;
	#stopWaiting: (() => void) | undefined;
	#asking: AbortController | undefined;

	/** Call `start`. `told` after each answer, when `addresses` and `heard` are as it says. */
	constructor(
		host: string,
		settings: { readonly dns: UpstreamDnsSettings; readonly isStrict: boolean },
		parts: NameParts,
		told: (watch: NameWatch, answer: NameAnswer, tookMs: number) => void,
	) {
		this.host = host;
		this.#name = dnsNameFromHost(host);
		this.#settings = settings.dns;
		this.#isStrict = settings.isStrict;
		this.#parts = parts;
		this.#told = told;
	}

	start(): void {
		void this.#ask();
	}

	/** Something was heard of it, or it was given up. */
	get first(): Promise<void> {
		return this.#first.promise;
	}

	stop(): void {
		this.#first.resolve();
		this.#stopWaiting?.();
		this.#asking?.abort();
		this.#asking = undefined;
	}

	use(settings: { readonly dns: UpstreamDnsSettings; readonly isStrict: boolean }): void {
		this.#settings = settings.dns;
		this.#isStrict = settings.isStrict;
	}

	/** What the resolver said of a comparison, before it gave the answer. It stands until the next one. */
	compared({ ask, verdict, given }: Compared): void {
		const { name, type } = ask.question;
		if (this.#name === undefined || !isSameDnsName(name, this.#name)) return;
		if (verdict.kind === "hijacked" && given === "server") this.#hijacked.add(type);
		else this.#hijacked.delete(type);
	}

	async #ask(): Promise<void> {
		const { timers, now } = this.#parts;
		const beganMs = now();
		const asking = new AbortController();
		this.#asking = asking;
		const endLimit = timers.after(RESOLVE_MS_MAX, () => asking.abort());
		const answer = await this.#answer(asking.signal);
		endLimit();
		if (this.#asking !== asking) return;
		this.#asking = undefined;
		this.heard = answer.kind;
		if (answer.kind === "addresses") this.addresses = answer.addresses;
		this.#failures = answer.kind === "addresses" ? 0 : this.#failures + 1;
		this.#stopWaiting = timers.after(this.#waitMs(answer), () => void this.#ask());
		const { kind } = answer;
		const told: NameAnswer =
			kind === "addresses" ? { kind, addresses: answer.addresses, stale: answer.stale } : answer;
		this.#told(this, told, now() - beganMs);
		this.#first.resolve();
	}

	async #answer(signal: AbortSignal): Promise<Family> {
		if (this.#name === undefined)
			return { kind: "none", detail: `${JSON.stringify(this.host)} cannot be a name in DNS` };
		const ipv4 = await this.#family(this.#name, DNS_TYPE.A, signal);
		if (ipv4.kind === "addresses" || ipv4.kind === "forged" || signal.aborted) return ipv4;
		if (ipv4.kind === "none" && ipv4.detail.startsWith(NXDOMAIN)) return ipv4;
		const ipv6 = await this.#family(this.#name, DNS_TYPE.AAAA, signal);
		// Without a word on A nothing is proven by there being no AAAA.
		return ipv6.kind === "none" ? ipv4 : ipv6;
	}

	async #family(name: string, type: number, signal: AbortSignal): Promise<Family> {
		const question = { name, type, class: DNS_CLASS.IN };
		const resolution = await this.#parts.resolver.resolve({ question }, { signal });
		const family = familyOf(resolution, type);
		if (family.kind !== "addresses") return family;
		if (this.#isStrict && this.#hijacked.has(type))
			return { kind: "forged", detail: `trusted servers contradict ${family.addresses.join(", ")}` };
		const addresses = [...new Set(family.addresses)].sort().slice(0, this.#settings.addressesMax);
		return { ...family, addresses };
	}

	#waitMs(answer: Family): number {
		const { everyMsMin, everyMsMax } = this.#settings;
		const ms =
			answer.kind === "addresses"
				? answer.ttlMs
				: everyMsMin * 2 ** Math.min(DOUBLINGS_MAX, this.#failures - 1);
		const withinMs = Math.min(everyMsMax, Math.max(everyMsMin, ms));
		return withinMs * (1 + JITTER * this.#parts.random());
	}
}

const NXDOMAIN = "NXDOMAIN";

function familyOf(resolution: Resolution, type: number): Family {
	if (resolution.kind === "failed")
		return { kind: resolution.why === "refused-forged" ? "forged" : "failed", detail: resolution.detail };
	const { rcode, answers } = resolution.message;
	if (rcode === DNS_RCODE.NXDOMAIN) return { kind: "none", detail: `${NXDOMAIN}: the name does not exist` };
	if (rcode !== DNS_RCODE.NOERROR) return { kind: "failed", detail: `answered with code ${rcode}` };
	let ttlS = Infinity;
	const addresses: string[] = [];
	for (const record of answers) {
		ttlS = Math.min(ttlS, record.ttl);
		if (record.type === type && record.data.kind === "address") addresses.push(record.data.address);
	}
	if (addresses.length === 0) return { kind: "none", detail: "the name has no addresses" };
	const stale = resolution.source === "stale";
	return { kind: "addresses", addresses, ttlMs: stale ? 0 : ttlS * 1000, stale };
}
