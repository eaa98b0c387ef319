/**
 * Who may ask the admin server. The token comes as `Authorization: Bearer TOKEN`, or as the password of Basic, which is
 * what browsers and `--metrics http://x:TOKEN@host/metrics` send. A unix socket needs none: its file's rights decide.
 *
 * Host must be an address, `localhost` or the host it was told to listen on: a page of a stranger's name that was made
 * to point here (DNS rebinding) brings that name. What changes something must be JSON and of this origin, so that no
 * form of another page can send it along with remembered credentials.
 */
import { createHash, timingSafeEqual } from "node:crypto";
import { isIP } from "node:net";
import type { MiddlewareHandler } from "hono";
import type { AdminSettings } from "./settings.ts";

/** Longer than any that is meant. */
const AUTHORIZATION_LENGTH_MAX = 4096;
const OPEN_PATHS: ReadonlySet<string> = new Set(["/health"]);

export function adminGuard({ host, path, token }: AdminSettings): MiddlewareHandler {
	const isSocketFile = path !== undefined;
	return async (context, next) => {
		const { req } = context;
		if (!isSocketFile && !isOurHost(req.header("host") ?? "", host))
			return context.json({ error: "Host is neither an address nor this gateway's own name" }, 421);
		if (!isSocketFile && !OPEN_PATHS.has(req.path) && !isOurToken(req.header("authorization"), token)) {
			context.header("www-authenticate", 'Basic realm="plumbline", charset="UTF-8"');
			return context.json({ error: "wants Authorization: Bearer TOKEN, as in admin.token" }, 401);
		}
		if (req.method === "POST" && !isOurOrigin(req.header("origin"), req.header("host")))
			return context.json({ error: "comes from a page of another origin" }, 403);
		if (req.method === "POST" && !/^application\/json\b/i.test(req.header("content-type") ?? ""))
			return context.json({ error: "wants Content-Type: application/json" }, 415);
		context.header("cache-control", "no-store");
		context.header("x-content-type-options", "nosniff");
		context.header("referrer-policy", "no-referrer");
		context.header(
			"content-security-policy",
			"default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
		);
		await next();
		return undefined;
	};
}

function isOurHost(given: string, own: string | undefined): boolean {
	const bare = given.replace(/:\d{1,5}$/, "").replace(/^\[(.*)\]$/, "$1");
	return isIP(bare) !== 0 || bare.toLowerCase() === "localhost" || (own !== undefined && bare === own);
}

function isOurOrigin(origin: string | undefined, host: string | undefined): boolean {
	return origin === undefined || (host !== undefined && origin === `http://${host}`);
}

function isOurToken(authorization: string | undefined, token: string | undefined): boolean {
	if (token === undefined || authorization === undefined) return false;
	if (authorization.length > AUTHORIZATION_LENGTH_MAX) return false;
	const given = givenToken(authorization);
	// Hashes have one length, so that the comparison tells nothing of the token's.
	return given !== undefined && timingSafeEqual(hash(given), hash(token));
}

function givenToken(authorization: string): string | undefined {
	const [, scheme = "", rest = ""] = /^(\w+) +(\S+)$/.exec(authorization) ?? [];
	if (scheme.toLowerCase() === "bearer") return rest;
	if (scheme.toLowerCase() !== "basic") return undefined;
	const pair = Buffer.from(rest, "base64").toString("utf8");
	const colon = pair.indexOf(":");
	return colon < 0 ? undefined : pair.slice(colon + 1);
}

function hash(text: string): Buffer {
	return createHash("sha256").update(text).digest();
}
