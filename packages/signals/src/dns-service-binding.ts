/**
 * Parameters of SVCB and HTTPS records as text (RFC 9460 section 2.1 and appendix A).
 *
 *     00 01 00 06 02 'h' '2' 02 'h' '3'       alpn="h2,h3"
 *     00 03 00 02 20 fb                       port=8443
 *     00 04 00 04 c0 00 02 01                 ipv4hint=192.0.2.1
 *     02 9b 00 03 'a' '"' d2                  key667="a\"\210"
 *
 * A value that its key cannot have is shown as octets (`key3="\001"`), not hidden.
 */
import { formatIpv4, formatIpv6 } from "./dns-address.ts";
import { base64Text, quotedText } from "./dns-octet-text.ts";

const SERVICE_PARAMETER = {
	MANDATORY: 0,
	ALPN: 1,
	NO_DEFAULT_ALPN: 2,
	PORT: 3,
	IPV4_HINT: 4,
	ECH: 5,
	IPV6_HINT: 6,
} as const;

const KEYS = ["mandatory", "alpn", "no-default-alpn", "port", "ipv4hint", "ech", "ipv6hint"];

/** `alpn`, `key667`. */
function serviceParameterName(key: number): string {
	return KEYS[key] ?? `key${key}`;
}

export function serviceParameterText({
	key,
	value,
}: {
	readonly key: number;
	readonly value: Uint8Array;
}): string {
	const shown = valueText(key, value);
	if (shown === undefined) return value.length === 0 ? `key${key}` : `key${key}=${quotedText(value)}`;
	return shown === "" ? serviceParameterName(key) : `${serviceParameterName(key)}=${shown}`;
}

/** Undefined: not a key whose form is known, or not its form. */
function valueText(key: number, value: Uint8Array): string | undefined {
	switch (key) {
		case SERVICE_PARAMETER.MANDATORY:
			return pieces(value, 2, (at) => serviceParameterName(u16(value, at)));
		case SERVICE_PARAMETER.ALPN: {
			const list = alpnList(value);
			return list === undefined ? undefined : quotedText(list);
		}
		case SERVICE_PARAMETER.NO_DEFAULT_ALPN:
			return value.length === 0 ? "" : undefined;
		case SERVICE_PARAMETER.PORT:
			return value.length === 2 ? String(u16(value, 0)) : undefined;
		case SERVICE_PARAMETER.IPV4_HINT:
			return pieces(value, 4, (at) => formatIpv4(value, at));
		case SERVICE_PARAMETER.ECH:
			return value.length === 0 ? undefined : base64Text(value);
		case SERVICE_PARAMETER.IPV6_HINT:
			return pieces(value, 16, (at) => formatIpv6(value, at));
		default:
			return undefined;
	}
}

function pieces(value: Uint8Array, width: number, textAt: (at: number) => string): string | undefined {
	if (value.length === 0 || value.length % width !== 0) return undefined;
	const texts: string[] = [];
	for (let at = 0; at < value.length; at += width) texts.push(textAt(at));
	return texts.join(",");
}

const COMMA = 0x2c;
const BACKSLASH = 0x5c;

/** Protocol names joined by commas; what is a comma or a backslash within one gets a backslash. */
function alpnList(value: Uint8Array): Uint8Array | undefined {
	const list: number[] = [];
	for (let at = 0; at < value.length; ) {
		const length = value[at] ?? 0;
		const end = at + 1 + length;
		if (length === 0 || end > value.length) return undefined;
		if (at > 0) list.push(COMMA);
		for (const octet of value.subarray(at + 1, end)) {
			if (octet === COMMA || octet === BACKSLASH) list.push(BACKSLASH);
			list.push(octet);
		}
		at = end;
	}
	return list.length === 0 ? undefined : Uint8Array.from(list);
}

function u16(bytes: Uint8Array, at: number): number {
	return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}
