/**
 * Names of the numbers in DNS messages, from IANA's registries as of 2025. A number without a name is `TYPE65280`,
 * `CLASS32` (RFC 3597 section 5), `RCODE24`, `OPCODE7`.
 */

const TYPES = names(`
	1 A  2 NS  3 MD  4 MF  5 CNAME  6 SOA  7 MB  8 MG  9 MR  10 NULL  11 WKS  12 PTR  13 HINFO  14 MINFO  15 MX  16 TXT
	17 RP  18 AFSDB  19 X25  20 ISDN  21 RT  22 NSAP  23 NSAP-PTR  24 SIG  25 KEY  26 PX  27 GPOS  28 AAAA  29 LOC
	30 NXT  31 EID  32 NIMLOC  33 SRV  34 ATMA  35 NAPTR  36 KX  37 CERT  38 A6  39 DNAME  40 SINK  41 OPT  42 APL
	43 DS  44 SSHFP  45 IPSECKEY  46 RRSIG  47 NSEC  48 DNSKEY  49 DHCID  50 NSEC3  51 NSEC3PARAM  52 TLSA  53 SMIMEA
	55 HIP  56 NINFO  57 RKEY  58 TALINK  59 CDS  60 CDNSKEY  61 OPENPGPKEY  62 CSYNC  63 ZONEMD  64 SVCB  65 HTTPS
	99 SPF  100 UINFO  101 UID  102 GID  103 UNSPEC  104 NID  105 L32  106 L64  107 LP  108 EUI48  109 EUI64
	249 TKEY  250 TSIG  251 IXFR  252 AXFR  253 MAILB  254 MAILA  255 ANY  256 URI  257 CAA  258 AVC  259 DOA
	260 AMTRELAY  32768 TA  32769 DLV`);

const CLASSES = names("1 IN  3 CH  4 HS  254 NONE  255 ANY");

const OPCODES = names("0 QUERY  1 IQUERY  2 STATUS  4 NOTIFY  5 UPDATE  6 DSO");

const RCODES = names(`
	0 NOERROR  1 FORMERR  2 SERVFAIL  3 NXDOMAIN  4 NOTIMP  5 REFUSED  6 YXDOMAIN  7 YXRRSET  8 NXRRSET  9 NOTAUTH
	10 NOTZONE  11 DSOTYPENI  16 BADVERS  17 BADKEY  18 BADTIME  19 BADMODE  20 BADNAME  21 BADALG  22 BADTRUNC
	23 BADCOOKIE`);

/** INFO-CODEs of extended errors (RFC 8914). */
const EXTENDED_ERRORS = [
	"Other Error",
	"Unsupported DNSKEY Algorithm",
	"Unsupported DS Digest Type",
	"Stale Answer",
	"Forged Answer",
	"DNSSEC Indeterminate",
	"DNSSEC Bogus",
	"Signature Expired",
	"Signature Not Yet Valid",
	"DNSKEY Missing",
	"RRSIGs Missing",
	"No Zone Key Bit Set",
	"NSEC Missing",
	"Cached Error",
	"Not Ready",
	"Blocked",
	"Censored",
	"Filtered",
	"Prohibited",
	"Stale NXDOMAIN Answer",
	"Not Authoritative",
	"Not Supported",
	"No Reachable Authority",
	"Network Error",
	"Invalid Data",
	"Signature Expired before Valid",
	"Too Early",
	"Unsupported NSEC3 Iterations Value",
	"Unable to conform to policy",
	"Synthesized",
];

interface Registry {
	readonly byNumber: ReadonlyMap<number, string>;
	readonly byName: ReadonlyMap<string, number>;
}

function names(text: string): Registry {
	const words = text.trim().split(/\s+/);
	const pairs = words.flatMap((word, i) =>
		i % 2 === 0 ? [[Number(word), words[i + 1] ?? ""] as const] : [],
	);
	return { byNumber: new Map(pairs), byName: new Map(pairs.map(([number, name]) => [name, number])) };
}

export function dnsTypeName(type: number): string {
	return TYPES.byNumber.get(type) ?? `TYPE${type}`;
}

/** `AAAA`, `aaaa`, `TYPE28`. Undefined: no type. */
export function dnsTypeNumber(name: string): number | undefined {
	return numberOf(name, TYPES, "TYPE", 0xffff);
}

export function dnsClassName(rrClass: number): string {
	return CLASSES.byNumber.get(rrClass) ?? `CLASS${rrClass}`;
}

export function dnsClassNumber(name: string): number | undefined {
	return numberOf(name, CLASSES, "CLASS", 0xffff);
}

export function dnsRcodeName(rcode: number): string {
	return RCODES.byNumber.get(rcode) ?? `RCODE${rcode}`;
}

export function dnsOpcodeName(opcode: number): string {
	return OPCODES.byNumber.get(opcode) ?? `OPCODE${opcode}`;
}

/** `22 (No Reachable Authority)`, or the bare number. */
export function dnsExtendedErrorName(code: number): string {
	const name = EXTENDED_ERRORS[code];
	return name === undefined ? String(code) : `${code} (${name})`;
}

function numberOf(name: string, registry: Registry, prefix: string, max: number): number | undefined {
	const capitals = name.toUpperCase();
	const known = registry.byName.get(capitals);
	if (known !== undefined) return known;
	const digits = capitals.startsWith(prefix) ? capitals.slice(prefix.length) : "";
	return /^\d{1,5}$/.test(digits) && Number(digits) <= max ? Number(digits) : undefined;
}
