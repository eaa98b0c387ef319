/**
 * Who the client is when others stand before us, and what we tell the upstream of it. X-Forwarded-* and Forwarded are
 * words of whoever sent them: they are passed on from trusted networks only, and written anew for everybody else.
 *
 *   client ─▶ [proxy 10.0.0.9, trusted] ─▶ us          x-forwarded-for: 203.0.113.7, 198.51.100.4
 *                                                                                    └ the last that is not trusted
 */
import { isIP } from "node:net";
import { type Trust, trustList } from "@plumbline/resolver/trust";
import type { RequestHead } from "./message.ts";
import type { ClientFacts } from "./stream.ts";

export interface Forwarded {
	/** What comes on the connection is believed. */
	readonly trusted: boolean;
	/** The client as limits, hashes and logs see it. */
	readonly clientAddress: string;
}

/** Written anew for everybody who is not trusted. */
export const FORWARDED_FIELDS = [
	"x-forwarded-for",
	"x-forwarded-proto",
	"x-forwarded-host",
	"x-forwarded-port",
	"x-forwarded-scheme",
	"x-forwarded-ssl",
	"x-forwarded-prefix",
	"x-forwarded-server",
	"x-forwarded-user",
	"x-forwarded-client-cert",
	"x-real-ip",
	"forwarded",
] as const;
/** Longer chains are no chains of proxies. */
const CHAIN_MAX = 32;

export class Forwarding {
	readonly #trust: Trust | undefined;
	/** Of a connection: its peer does not change. */
	readonly #peers = new WeakMap<ClientFacts, boolean>();

	/** `trusted`: networks and addresses. Throws RangeError for what is neither. */
	constructor(trusted: readonly string[]) {
		if (trusted.length === 0) return;
		const list = trustList(trusted, { loopback: false });
		if (list.kind === "refused") throw new RangeError(list.faults.join("; "));
		this.#trust = list.trust;
	}

	read(head: RequestHead, client: ClientFacts): Forwarded {
		if (this.#trust === undefined || !this.#trusts(client))
			return { trusted: false, clientAddress: client.address };
		return { trusted: true, clientAddress: this.#lastStranger(head) ?? client.address };
	}

	/** Appends [name, value] pairs for the upstream; the fields they replace are to be dropped. */
	write(into: string[], head: RequestHead, client: ClientFacts, { trusted }: Forwarded): void {
		const address = client.address === "" ? "unknown" : client.address;
		const before = trusted ? joined(head, "x-forwarded-for") : "";
		into.push("x-forwarded-for", before === "" ? address : `${before}, ${address}`);
		// A trusted proxy that says nothing of it leaves it to us.
		const says = (name: string) => trusted && head.value(name) !== undefined;
		if (!says("x-forwarded-proto")) into.push("x-forwarded-proto", head.scheme);
		if (head.authority !== "" && !says("x-forwarded-host")) into.push("x-forwarded-host", head.authority);
	}

	#trusts(client: ClientFacts): boolean {
		const known = this.#peers.get(client);
		if (known !== undefined) return known;
		// Who reaches a unix socket was let through by its file's rights.
		const trusted = client.address === "" || this.#trust?.trusts(client.address) === true;
		this.#peers.set(client, trusted);
		return trusted;
	}

	#lastStranger(head: RequestHead): string | undefined {
		const chain = joined(head, "x-forwarded-for").split(",").slice(-CHAIN_MAX);
		let last: string | undefined;
		for (const each of chain.reverse()) {
			const address = addressOf(each.trim());
			// Beyond a word that is no address nobody vouches for anything.
			if (address === undefined) return last;
			last = address;
			if (this.#trust?.trusts(address) !== true) return address;
		}
		return last;
	}
}

/** A list may come in several fields. */
function joined(head: RequestHead, name: string): string {
	const first = head.value(name);
	if (first === undefined) return "";
	let all = "";
	head.each((each, value) => {
		if (each === name) all = all === "" ? value : `${all}, ${value}`;
	});
	return all === "" ? first : all;
}

/** `192.0.2.1`, `192.0.2.1:443`, `2001:db8::1`, `[2001:db8::1]:443`. */
function addressOf(text: string): string | undefined {
	if (isIP(text) !== 0) return text;
	const [, six, four] = /^(?:\[([^\]]+)\]|([\d.]+))(?::\d{1,5})?$/.exec(text) ?? [];
	const address = six ?? four;
	return address !== undefined && isIP(address) !== 0 ? address : undefined;
}
