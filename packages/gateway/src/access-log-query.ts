/**
 * Takes secrets out of what clients ask for: values of query parameters that are secrets by their name or by their look
 * (signals/secret). `/login?user=a&password=b` gives `/login?user=a&password=***`. A path without a query costs one
 * search for "?".
 *
 * How it can miss: a secret in the path itself, and one under a plain name that looks like a word.
 */
import { redactUrl } from "@plumbline/signals/redact-url";
import { looksSecret, namesSecret, REDACTED } from "@plumbline/signals/secret";

/** A longer query is not looked through: it is left out. */
const QUERY_LENGTH_MAX = 4096;
/** Shortest value whose look is judged: the shortest key that its issuer marks. */
const LOOK_LENGTH_MIN = 16;
const NAMES_MAX = 1000;

/** What was found of a name of a parameter; services have few. */
const namedSecret = new Map<string, boolean>();

export function redactPath(path: string): string {
	const mark = path.indexOf("?");
	if (mark < 0) return path;
	const query = path.slice(mark + 1);
	const told = redactQuery(query);
	return told === query ? path : path.slice(0, mark + 1) + told;
}

export function redactReferer(referer: string): string {
	if (referer.length > QUERY_LENGTH_MAX) return REDACTED;
	return /[?#@]/.test(referer) ? redactPath(redactUrl(referer)) : referer;
}

function redactQuery(query: string): string {
	if (query.length > QUERY_LENGTH_MAX) return REDACTED;
	let told = "";
	/** Up to here it is in `told`; nothing is while nothing was found. */
	let taken = 0;
	for (let from = 0; from <= query.length; ) {
		const end = endOfPart(query, from);
		const equals = query.indexOf("=", from);
		if (equals >= 0 && equals < end - 1 && isSecret(query.slice(from, equals), query, equals + 1, end)) {
			told += query.slice(taken, equals + 1) + REDACTED;
			taken = end;
		}
		from = end + 1;
	}
	return taken === 0 ? query : told + query.slice(taken);
}

function endOfPart(query: string, from: number): number {
	for (let at = from; at < query.length; at++) {
		const code = query.charCodeAt(at);
		if (code === 0x26 || code === 0x3b) return at;
	}
	return query.length;
}

function isSecret(name: string, query: string, start: number, end: number): boolean {
	let named = namedSecret.get(name);
	if (named === undefined) {
		if (namedSecret.size >= NAMES_MAX) namedSecret.clear();
		named = namesSecret(decoded(name));
		namedSecret.set(name, named);
	}
	return named || (end - start >= LOOK_LENGTH_MIN && looksSecret(decoded(query.slice(start, end)), name));
}

/** `pass%77ord` is a password to the server, so it is one here. */
function decoded(text: string): string {
	if (!text.includes("%")) return text;
	return text.replace(/%([\da-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}
