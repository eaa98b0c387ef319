/**
 * One cookie of a request, read strictly (RFC 6265, section 4.1.1): what is no cookie there is none to us.
 *
 *   theme=dark; session=abc; lang="de"          session: abc, lang: de, sess: undefined
 *
 * The first of a name counts. A name is compared as it is; a value with characters that none may have counts as absent.
 */
import type { RequestHead } from "./message.ts";

const SEMICOLON = 0x3b;
const EQUALS = 0x3d;
const QUOTE = 0x22;

/** HTTP/2 may bring cookies in several fields (RFC 9113, section 8.2.3); in HTTP/1.1 the first one counts. */
export function requestCookie(head: RequestHead, name: string): string | undefined {
	const first = head.value("cookie");
	if (first === undefined) return undefined;
	let value = cookieValue(first, name);
	if (value !== undefined || head.version !== "2") return value;
	head.each((field, text) => {
		if (field === "cookie") value ??= cookieValue(text, name);
	});
	return value;
}

export function cookieValue(cookies: string, name: string): string | undefined {
	for (let at = 0; at < cookies.length; ) {
		while (isSpace(cookies.charCodeAt(at))) at++;
		const semicolon = cookies.indexOf(";", at);
		const end = semicolon < 0 ? cookies.length : semicolon;
		if (cookies.startsWith(name, at) && cookies.charCodeAt(at + name.length) === EQUALS) {
			return soundValue(cookies, at + name.length + 1, end);
		}
		at = end + 1;
	}
	return undefined;
}

function soundValue(cookies: string, from: number, to: number): string | undefined {
	let start = from;
	let end = to;
	while (end > start && isSpace(cookies.charCodeAt(end - 1))) end--;
	if (end - start >= 2 && cookies.charCodeAt(start) === QUOTE && cookies.charCodeAt(end - 1) === QUOTE) {
		start++;
		end--;
	}
	for (let at = start; at < end; at++) if (!isCookieOctet(cookies.charCodeAt(at))) return undefined;
	return cookies.slice(start, end);
}

function isSpace(code: number): boolean {
	return code === 0x20 || code === 0x09;
}

/** All that is visible in ASCII but quote, comma, semicolon and backslash. */
function isCookieOctet(code: number): boolean {
	return code > 0x20 && code < 0x7f && code !== QUOTE && code !== 0x2c && code !== SEMICOLON && code !== 0x5c;
}
