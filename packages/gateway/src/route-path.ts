/**
 * The path that routes are matched on. What goes to the upstream is the path as it came; so whatever the upstream may
 * read as another path than we do must not get past a route that guards it.
 *
 *   came                                         matched on            why
 *   /admin?x=1                                   /admin                the query is none of it
 *   /%61dmin  //admin  /admin;jsessionid=1       /admin                some servers read them alike: taken as one
 *   /caf%c3%a9                                   /caf%C3%A9            one way of writing
 *   /x/../admin  /%2e%2e/admin  /x/..;/admin     refused               dot segments: who resolves them differs
 *   /x%2fadmin  /x%5cadmin  /x\admin             refused               a slash to some
 *   /admin%00  /%c0%afadmin                      refused               NUL; UTF-8 written too long
 *   /%zz  /admin#x                               refused               no percent-encoding; no part of a request
 *
 * Letters keep their case: a server that ignores it (files on Windows) needs its guards written for that.
 */

const SLASH = 0x2f;
const DOT = 0x2e;
const PERCENT = 0x25;
const QUESTION = 0x3f;
const SEMICOLON = 0x3b;

/** How a byte stands in a path: kept as it is, or looked at. */
const PLAIN = new Uint8Array(256);
for (let code = 0x21; code <= 0x7e; code++) PLAIN[code] = 1;
for (const character of "%?#;\\") PLAIN[character.charCodeAt(0)] = 0;

const NO_PATH = "A path begins with a slash.";
const DOTS = "A path must not have the segments . and .. in any writing.";
const SEPARATORS = "A path must not have backslashes, or slashes and backslashes in percent-encoding.";
const CONTROLS = "A path must not have spaces, control characters or a fragment, or NUL in percent-encoding.";
const ENCODING = "A percent sign in a path must have two hexadecimal digits after it.";
const OVERLONG = "A path must not have UTF-8 that is longer than needed.";

interface Canonical {
	/** Without query. */
	readonly path: string;
	readonly fault: string | undefined;
}

/** Why a path is refused with 400, in one sentence; undefined: it is sound, as is `*`. */
export function pathFault(path: string): string | undefined {
	return plainPathEnd(path) >= 0 ? undefined : canonicalPath(path).fault;
}

/** Where the path ends that is already as it is matched on; -1: see `canonicalPath`. */
export function plainPathEnd(path: string): number {
	const { length } = path;
	if (path.charCodeAt(0) !== SLASH) return -1;
	let before = 0;
	for (let at = 0; at < length; at++) {
		const code = path.charCodeAt(at);
		if (code === QUESTION) return at;
		if (code > 0xff || PLAIN[code] === 0) return -1;
		if (before === SLASH && (code === SLASH || (code === DOT && dotsAt(path, at)))) return -1;
		before = code;
	}
	return length;
}

/** A segment that begins here has nothing but one or two dots. */
function dotsAt(path: string, at: number): boolean {
	let after = at + 1;
	if (path.charCodeAt(after) === DOT) after++;
	const code = path.charCodeAt(after);
	return Number.isNaN(code) || code === SLASH || code === QUESTION;
}

/** Also of paths of the configuration, which may have letters beyond ASCII. */
export function canonicalPath(path: string): Canonical {
	if (path === "*") return { path, fault: undefined };
	if (path.charCodeAt(0) !== SLASH) return faulty(NO_PATH);
	let made = "";
	let segmentAt = 0;
	let parameters = false;
	for (let at = 0; at < path.length; at++) {
		const code = path.charCodeAt(at);
		if (code === QUESTION) break;
		if (code === SLASH) {
			if (isDots(made, segmentAt)) return faulty(DOTS);
			if (!made.endsWith("/")) made += "/";
			segmentAt = made.length;
			parameters = false;
			continue;
		}
		let piece = path.charAt(at);
		if (code === PERCENT) {
			const byte = hexByte(path, at + 1);
			if (byte < 0) return faulty(ENCODING);
			if (byte === 0) return faulty(CONTROLS);
			if (byte === SLASH || byte === 0x5c) return faulty(SEPARATORS);
			if (isOverlong(byte, path, at + 3)) return faulty(OVERLONG);
			piece = PLAIN[byte] === 1 ? String.fromCharCode(byte) : encodedByte(byte);
			at += 2;
		} else if (code === 0x5c) return faulty(SEPARATORS);
		else if (code <= 0x20 || code === 0x7f || code === 0x23) return faulty(CONTROLS);
		else if (code > 0x7f) piece = encodedPoint(path, at);
		if (code === SEMICOLON) parameters = true;
		if (!parameters) made += piece;
	}
	return isDots(made, segmentAt) ? faulty(DOTS) : { path: made, fault: undefined };
}

function faulty(fault: string): Canonical {
	return { path: "", fault };
}

function isDots(made: string, from: number): boolean {
	const length = made.length - from;
	return (length === 1 || length === 2) && made.charCodeAt(from) === DOT && made.endsWith(".");
}

/** -1 if these are not two hexadecimal digits. */
function hexByte(path: string, at: number): number {
	const digits = path.slice(at, at + 2);
	return /^[\da-f]{2}$/i.test(digits) ? Number.parseInt(digits, 16) : -1;
}

/** A first byte that only writes what needs fewer (RFC 3629, section 3): C0, C1, E0 80-9F, F0 80-8F. */
function isOverlong(byte: number, path: string, at: number): boolean {
	if (byte === 0xc0 || byte === 0xc1) return true;
	if (byte !== 0xe0 && byte !== 0xf0) return false;
	const next = path.charCodeAt(at) === PERCENT ? hexByte(path, at + 1) : path.charCodeAt(at);
	return next >= 0x80 && next <= (byte === 0xe0 ? 0x9f : 0x8f);
}

function encodedByte(byte: number): string {
	return `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
}

/** Half of a pair is encoded with the other, the second half by itself gives nothing more. */
function encodedPoint(path: string, at: number): string {
	const point = path.codePointAt(at) ?? 0;
	if (point >= 0xdc00 && point <= 0xdfff) return "";
	return encodeURIComponent(point >= 0xd800 && point <= 0xdbff ? "�" : String.fromCodePoint(point));
}
