/** What of a Caddyfile has its like here: site addresses, reverse_proxy, handle, handle_path, route, tls with files. */

import type { Directive } from "./config-import-words.ts";
import type { Imported, ImportedRoute, ImportedUpstream } from "./config-imported.ts";

const BALANCE: Readonly<Record<string, unknown>> = {
	round_robin: "round-robin",
	least_conn: "least-requests",
	random_choose: "two-choices",
	ip_hash: { hash: "client" },
	client_ip_hash: { hash: "client" },
	uri_hash: { hash: "path" },
};
const HANDLERS = new Set(["handle", "handle_path", "route"]);

interface Site {
	readonly hosts: readonly string[];
}

export function importCaddy(directives: readonly Directive[], into: Imported): void {
	// One site may stand without braces: its address is the first line.
	const [first] = directives;
	const isBare = first !== undefined && first.block === undefined;
	const sites = isBare ? [{ words: first.words, line: first.line, block: directives.slice(1) }] : directives;
	for (const each of sites) {
		if (each.words.length === 0)
			into.note({ ...each, words: ["{ … }"] }, "global options are not taken over");
		else if (each.words[0]?.startsWith("(") === true) into.note(each, "snippets are not taken over");
		else siteOf(each, into);
	}
}

function siteOf(site: Directive, into: Imported): void {
	const block = site.block ?? [];
	const hosts: string[] = [];
	const tls = block.find(({ words }) => words[0] === "tls");
	const [, certificate, key] = tls?.words ?? [];
	for (const address of site.words.flatMap((word) => word.split(",")).filter((word) => word !== "")) {
		const [, scheme, host = "", digits] = /^(?:(https?):\/\/)?([^:/]*)(?::(\d+))?/.exec(address) ?? [];
		if (host !== "" && host !== "localhost" && !hosts.includes(host)) hosts.push(host);
		const isClear = scheme === "http" || digits === "80" || (host === "" && scheme === undefined);
		const at = `${host === "localhost" ? "127.0.0.1" : ""}:${digits ?? (isClear ? 80 : 443)}`;
		into.listener(at);
		if (isClear) continue;
		if (certificate !== undefined && key !== undefined) into.pair(at, certificate, key);
		else
			into.note(
				site,
				"Caddy gets certificates by itself: name files in tls, until then this speaks in the clear",
			);
	}
	const others = block.filter((each) => each !== tls);
	directivesOf(others, { hosts }, { path: "/", strips: false }, into);
}

function directivesOf(
	block: readonly Directive[],
	site: Site,
	within: { readonly path: string; readonly strips: boolean },
	into: Imported,
): void {
	for (const each of block) {
		const [name = "", first] = each.words;
		if (HANDLERS.has(name)) {
			const path = first === undefined ? within.path : pathOf(first);
			if (path === undefined) into.note(each, "this matcher is not taken over");
			else
				directivesOf(each.block ?? [], site, { path, strips: name === "handle_path" || within.strips }, into);
		} else if (name === "reverse_proxy") proxyOf(each, site, within, into);
		else into.note(each);
	}
}

function proxyOf(
	directive: Directive,
	{ hosts }: Site,
	{ path, strips }: { readonly path: string; readonly strips: boolean },
	into: Imported,
): void {
	const [, ...given] = directive.words;
	const matcher = given[0] !== undefined && /^[/*@]/.test(given[0]) ? given[0] : undefined;
	const own = matcher === undefined ? path : pathOf(matcher);
	if (own === undefined) {
		into.note(directive, "this matcher is not taken over");
		return;
	}
	const block = directive.block ?? [];
	const named = block.filter(({ words }) => words[0] === "to").flatMap(({ words }) => words.slice(1));
	const servers = [...(matcher === undefined ? given : given.slice(1)), ...named].map(urlOf);
	if (servers.length === 0 || servers.some((server) => server === undefined)) {
		into.note(directive, "its upstreams are not taken over");
		return;
	}
	const urls = servers.filter((server) => server !== undefined);
	const more: Omit<ImportedUpstream, "servers"> = {};
	for (const each of block) {
		const [name = "", first = ""] = each.words;
		if (name === "to") continue;
		if (name === "lb_policy" && BALANCE[first] !== undefined) more.balance = BALANCE[first];
		else if (name === "health_uri") more.health = { ...more.health, path: first };
		else if (name === "health_interval") more.health = { ...more.health, every: first };
		else into.note(each);
	}
	const to = urls.length === 1 ? (urls[0] ?? "") : urls;
	const upstream = `${hosts[0] ?? ""}${own}`;
	const hasMore = Object.keys(more).length > 0;
	if (hasMore) into.upstreams[upstream] = { servers: urls, ...more };
	const route: ImportedRoute = {
		...(hosts.length === 0 ? {} : { host: hosts.length === 1 ? (hosts[0] ?? "") : [...hosts] }),
		path: own,
		to: hasMore ? upstream : to,
		...(strips && own !== "/" ? { rewrite: { prefix: own, to: "/" } } : {}),
	};
	into.route(route, directive);
}

/** `/api/*` and `/api*` as a prefix; undefined for what is not simply a path. */
function pathOf(matcher: string): string | undefined {
	if (matcher === "*" || matcher === "/*") return "/";
	const path = matcher.replace(/\/?\*$/, "");
	return /^\/[^*{}]*$/.test(path) ? path : undefined;
}

/** `localhost:9000`, `:9000`, `https://a`, `h2c://a:50051`. */
function urlOf(text: string): string | undefined {
	if (/[{}*]/.test(text) || text.startsWith("unix")) return undefined;
	const [, scheme = "http", host = "", rest = ""] = /^(?:(\w+):\/\/)?([^:/]*)(.*)$/.exec(text) ?? [];
	return `${scheme}://${host === "" || host === "localhost" ? "127.0.0.1" : host}${rest}`;
}
