/**
 * A DNS message as data (RFC 1035, EDNS by RFC 6891). `dns-message-decode.ts` reads the wire form, `dns-message-encode.ts`
 * writes it.
 *
 * Names are fully qualified text with the last dot: `www.example.com.`, the root is `.`. Octets that text cannot show
 * are escaped as in zone files (`\.`, `\032`). The case is kept as it came: a resolver that mixes cases compares it.
 */

/** RR types that have a meaning here; any other number is kept as it is (RFC 3597). */
export const DNS_TYPE = {
	A: 1,
	NS: 2,
	CNAME: 5,
	SOA: 6,
	PTR: 12,
	MX: 15,
	TXT: 16,
	AAAA: 28,
	SRV: 33,
	NAPTR: 35,
	DNAME: 39,
	OPT: 41,
	DS: 43,
	RRSIG: 46,
	NSEC: 47,
	DNSKEY: 48,
	NSEC3: 50,
	TLSA: 52,
	SVCB: 64,
	HTTPS: 65,
	ANY: 255,
	CAA: 257,
} as const;

export const DNS_CLASS = { IN: 1, CH: 3, ANY: 255 } as const;

/** With the upper bits that EDNS adds. */
export const DNS_RCODE = {
	NOERROR: 0,
	FORMERR: 1,
	SERVFAIL: 2,
	NXDOMAIN: 3,
	NOTIMP: 4,
	REFUSED: 5,
	BADVERS: 16,
} as const;

export interface DnsQuestion {
	readonly name: string;
	readonly type: number;
	readonly class: number;
}

export interface DnsRecord {
	readonly name: string;
	readonly type: number;
	readonly class: number;
	/** Seconds, 0 to 2^31-1; what has the top bit set is read as 0 (RFC 2181 section 8). */
	readonly ttl: number;
	readonly data: DnsData;
}

export type DnsData =
	/** A and AAAA, in the usual text form (IPv6 as RFC 5952 has it). */
	| { readonly kind: "address"; readonly address: string }
	/** CNAME, NS, PTR, DNAME. */
	| { readonly kind: "name"; readonly name: string }
	| {
			readonly kind: "soa";
			readonly primary: string;
			readonly mailbox: string;
			readonly serial: number;
			/** Seconds, as are the next three. */
			readonly refresh: number;
			readonly retry: number;
			readonly expire: number;
			readonly minimum: number;
	  }
	| { readonly kind: "mx"; readonly preference: number; readonly exchange: string }
	| {
			readonly kind: "srv";
			readonly priority: number;
			readonly weight: number;
			readonly port: number;
			readonly target: string;
	  }
	| { readonly kind: "text"; readonly strings: readonly Uint8Array[] }
	/** SVCB and HTTPS (RFC 9460); parameters in ascending order of their keys. */
	| {
			readonly kind: "service";
			readonly priority: number;
			readonly target: string;
			readonly parameters: readonly { readonly key: number; readonly value: Uint8Array }[];
	  }
	| { readonly kind: "caa"; readonly flags: number; readonly tag: string; readonly value: Uint8Array }
	/** Everything else, as RFC 3597 treats it: the bytes of RDATA. */
	| { readonly kind: "opaque"; readonly bytes: Uint8Array };

/** The client's network, told to the authority (RFC 7871). */
export interface ClientSubnet {
	readonly family: "ipv4" | "ipv6";
	/** Bits. */
	readonly sourcePrefix: number;
	/** Bits; 0 in a query. */
	readonly scopePrefix: number;
	/** All bits beyond the source prefix are 0. */
	readonly address: string;
}

export type DnsOption =
	| { readonly kind: "client-subnet"; readonly subnet: ClientSubnet }
	/** Extended DNS error (RFC 8914). */
	| { readonly kind: "extended-error"; readonly code: number; readonly text: string }
	/** Octets of padding (RFC 7830). */
	| { readonly kind: "padding"; readonly length: number }
	| { readonly kind: "unknown"; readonly code: number; readonly bytes: Uint8Array };

export interface Edns {
	/** Largest answer over UDP that the sender takes, in octets. */
	readonly udpSizeMax: number;
	readonly version: number;
	readonly dnssecOk: boolean;
	readonly options: readonly DnsOption[];
}

export interface DnsMessage {
	readonly id: number;
	readonly isResponse: boolean;
	readonly opcode: number;
	readonly isAuthoritative: boolean;
	readonly isTruncated: boolean;
	readonly recursionDesired: boolean;
	readonly recursionAvailable: boolean;
	readonly authenticData: boolean;
	readonly checkingDisabled: boolean;
	/** 12 bits: with EDNS its upper eight come from the OPT record. */
	readonly rcode: number;
	readonly questions: readonly DnsQuestion[];
	readonly answers: readonly DnsRecord[];
	readonly authorities: readonly DnsRecord[];
	/** Without the OPT record, which is `edns`. */
	readonly additionals: readonly DnsRecord[];
	readonly edns?: Edns;
}
