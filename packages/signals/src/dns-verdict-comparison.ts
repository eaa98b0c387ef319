/** What is laid side by side for a verdict, and how it is quoted. */
import type { DnsAnswer, DnsAsked, DnsTold } from "./dns-verdict-answer.ts";

export interface DnsReason {
	/** Stable, kebab-case. */
	readonly id: string;
	/** What was seen, quoted. */
	readonly says: string;
}

/** A TLS handshake with an address, with the name in SNI. */
export interface TlsHandshake {
	readonly name: string;
	readonly address: string;
	/**
	 * `valid`: for the name, by an authority that is trusted. `other-name`: by such an authority, but for other names.
	 * `untrusted`: by anybody. `none`: nothing that speaks TLS there.
	 */
	readonly result: "valid" | "other-name" | "untrusted" | "none";
	/** Names of the certificate, or the error. */
	readonly detail: string;
}

/** Another question put to the same servers: a random name that nobody has, or a name of somebody else. */
export interface DnsControl {
	readonly asked: DnsAsked;
	readonly suspect: DnsTold;
	readonly trusted: readonly DnsTold[];
	/** A name of somebody else, as whoever asks knows. */
	readonly foreign?: boolean;
}

/** A comparison as the signs look at it. */
export interface ReadComparison {
	readonly asked: DnsAsked;
	readonly suspect: DnsAnswer;
	/** Those that answered, with data or with a denial. */
	readonly trusted: readonly DnsAnswer[];
	/** All their values. */
	readonly values: ReadonlySet<string>;
	readonly handshakes: readonly TlsHandshake[];
	readonly controls: readonly DnsControl[];
}

export const QUOTED_MAX = 4;

export function handshakeWith(
	handshakes: readonly TlsHandshake[],
	address: string,
): TlsHandshake["result"] | undefined {
	return handshakes.find((handshake) => handshake.address === address)?.result;
}

export function quoteValues(values: readonly string[]): string {
	const shown = values.slice(0, QUOTED_MAX).join(", ");
	return values.length > QUOTED_MAX ? `${shown} and ${values.length - QUOTED_MAX} more` : shown;
}
