/**
 * One end of a connection as tools write it.
 *
 * ```
 * 10.0.0.2:5432   [::1]:80   [::ffff:10.0.0.9]:443   fe80::1%eth0:22   :::80   *:*      ss, netstat of Linux, Windows
 * 10.0.0.2.5432   ::1.80     fe80::1%lo0.22          localhost.postgresql      *.*      netstat of macOS, BSD, illumos
 * db-1.internal:postgresql   2001:db8:85a3:8d3:13:5432 (cut)
 * ```
 * Where the text after the last colon has a dot, or there is no colon, the port stands after the last dot.
 *
 * `localhost` is taken for 127.0.0.1.
 *
 * How it may mislead: an IPv6 address that netstat cut to its column can look like a whole one.
 */
import { type AddressTexts, normalizeAddress } from "./sockets-address.ts";
import { portOfName } from "./sockets-port-names.ts";

export interface Endpoint {
	/** Address in its usual form; where `odd` is there, the text as it was written. */
	readonly ip: string;
	/** 0 for `*`. */
	readonly port: number;
	/** The address is a host's name, or was cut. */
	readonly odd?: "name" | "cut";
}

/** Longest text of an end: a DNS name and a port. */
const ENDPOINT_CHARS_MAX = 300;
const NAME = /^(?=.*[a-z])[a-z0-9_][\w.-]*$/i;
const CUT_V6 = /^\[?[0-9a-f]*:[0-9a-f:.]*$/i;

/** The end, or undefined when it is none or its port has a name nobody knows. */
export function readEndpoint(text: string, texts: AddressTexts): Endpoint | undefined {
	if (text.length > ENDPOINT_CHARS_MAX) return undefined;
	const colon = text.lastIndexOf(":");
	const dot = text.lastIndexOf(".");
	const at = colon >= 0 && dot < colon ? colon : dot;
	if (at < 0) return undefined;
	const port = readPort(text.slice(at + 1));
	if (port === undefined) return undefined;
	const host = text.slice(0, at);
	if (/^localhost$/i.test(host)) return { ip: "127.0.0.1", port };
	const ip = normalizeAddress(host.startsWith("*%") ? "*" : host, texts);
	if (ip !== undefined) return { ip, port };
	if (NAME.test(host)) return { ip: host, port, odd: "name" };
	return CUT_V6.test(host) ? { ip: host, port, odd: "cut" } : undefined;
}

function readPort(text: string): number | undefined {
	if (text === "*") return 0;
	if (/^\d+$/.test(text)) return text.length <= 5 && Number(text) <= 65535 ? Number(text) : undefined;
	return portOfName(text);
}
