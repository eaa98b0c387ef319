/**
 * Servers asked side by side: what each said to each question, and when. `dns-check-json.ts` is its form in a capture,
 * `dns-check-verdicts.ts` what follows from it.
 */
import type { DnsAsked, DnsTold } from "./dns-verdict-answer.ts";
import type { TlsHandshake } from "./dns-verdict-comparison.ts";

export interface DnsCheck {
	readonly servers: readonly CheckedServer[];
	readonly questions: readonly CheckedQuestion[];
	/** With addresses that only some of them gave. */
	readonly handshakes: readonly TlsHandshake[];
	/** Sent with every question: `192.0.2.0/24`. */
	readonly clientSubnet?: string;
}

export interface CheckedServer {
	/** `dot 9.9.9.9:853 (dns.quad9.net)`. */
	readonly label: string;
	readonly address: string;
	/** It is one of those that the others are compared with. */
	readonly trusted: boolean;
	/** Its word came over TLS that was verified. */
	readonly authenticated: boolean;
	/** Whether resolv.conf names it and none of the networks that may stand there has it; absent if none were given. */
	readonly stranger?: boolean;
}

export interface CheckedQuestion extends DnsAsked {
	/**
	 * `asked`: what the check is about. `made-up`: a random name that nobody has. `also`: asked to see what the servers
	 * say of it, A records beside AAAA, and names of others.
	 */
	readonly purpose: "asked" | "made-up" | "also";
	readonly answers: readonly CheckedAnswer[];
}

export interface CheckedAnswer {
	/** Index in `servers`. */
	readonly server: number;
	/** From the start of the check. */
	readonly atMs: number;
	readonly tookMs: number;
	readonly told: DnsTold;
	/** Byte offset of its line in the part that it was read from, where it was. */
	readonly offset?: number;
}
