/** Takes secrets out of URLs, wherever they stand in a text. */
import { looksSecret, namesSecret, REDACTED } from "./secret.ts";

/** `scheme://` and all that may belong to one URL inside a longer text. */
const URL_IN_TEXT = /\b([a-z][a-z0-9+.-]*:\/\/)([^\s"`<>]+)/gi;

/**
 * Redacts every URL in a text: the password before the host, a user name that is itself a token, and
 * query or fragment parameters that are secrets by name or by look.
 * `postgres://app:s3cret@db/orders?sslpassword=x` gives `postgres://app:***@db/orders?sslpassword=***`.
 */
export function redactUrl(text: string): string {
	return text.replace(URL_IN_TEXT, (_, scheme: string, rest: string) => {
		const at = endOfUserinfo(rest);
		const userinfo = at < 0 ? "" : `${redactUserinfo(rest.slice(0, at))}@`;
		return scheme + userinfo + redactParameters(rest.slice(at + 1));
	});
}

/**
 * Offset of the `@` that ends the userinfo, or -1. A password pasted unescaped may hold `/ ? # @`, which
 * RFC 3986 would read as the end of the authority; then the last `@` before the query counts.
 */
function endOfUserinfo(rest: string): number {
	const authorityEnd = rest.search(/[/?#]/);
	const authority = authorityEnd < 0 ? rest : rest.slice(0, authorityEnd);
	const at = authority.lastIndexOf("@");
	if (at >= 0) return at;
	const looksLikeHost = authority.startsWith("[") || !/:(?!\d{0,5}$)/.test(authority);
	return looksLikeHost ? -1 : rest.lastIndexOf("@");
}

function redactUserinfo(userinfo: string): string {
	const colon = userinfo.indexOf(":");
	const user = colon < 0 ? userinfo : userinfo.slice(0, colon);
	const shownUser = looksSecret(user) ? REDACTED : user;
	return colon < 0 ? shownUser : `${shownUser}:${REDACTED}`;
}

function redactParameters(rest: string): string {
	return rest.replace(
		/([?&#;])([^=&#;?]+)=([^&#;']*)/g,
		(whole, mark: string, name: string, value: string) =>
			value !== "" && (namesSecret(name) || looksSecret(value, name)) ? `${mark}${name}=${REDACTED}` : whole,
	);
}
