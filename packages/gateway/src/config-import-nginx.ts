/** What of an nginx.conf has its like here: http, server, listen, server_name, location, proxy_pass, upstream, limit_req. */

import type { Directive } from "./config-import-words.ts";
import type { Imported, ImportedRoute, ImportedUpstream } from "./config-imported.ts";

interface Zone {
	readonly rate: string;
	readonly by: string;
}

/** Whose like is always there, or has no meaning here. */
const SILENT = new Set(
	"events user pid worker_processes worker_connections sendfile tcp_nopush tcp_nodelay proxy_http_version proxy_buffering error_log".split(
		" ",
	),
);
/** Our own headers say the same. */
const SILENT_HEADERS = new Set([
	"connection",
	"upgrade",
	"x-real-ip",
	"x-forwarded-for",
	"x-forwarded-proto",
	"x-forwarded-host",
]);

export function importNginx(directives: readonly Directive[], into: Imported): void {
	const https = directives.filter(({ words }) => words[0] === "http").flatMap(({ block }) => block ?? []);
	const all = [...https, ...directives.filter(({ words }) => words[0] !== "http")];
	const zones = new Map<string, Zone>();
	for (const each of all) {
		const [name] = each.words;
		if (name === "upstream") upstreamOf(each, into);
		else if (name === "limit_req_zone") zoneOf(each, zones, into);
	}
	for (const each of all) {
		const [name = ""] = each.words;
		if (name === "server") serverOf(each, zones, into);
		else if (name === "client_max_body_size") into.limits.body = sizeOf(each.words[1]);
		else if (name !== "upstream" && name !== "limit_req_zone" && !SILENT.has(name)) into.note(each);
	}
}

function upstreamOf({ words: [, name = ""], block = [] }: Directive, into: Imported): void {
	const upstream: ImportedUpstream = { servers: [] };
	for (const each of block) {
		const [key, first = "", ...rest] = each.words;
		if (key === "server") {
			const weight = Number(
				/^weight=(\d+)$/.exec(rest.find((word) => word.startsWith("weight=")) ?? "")?.[1] ?? 1,
			);
			const at = first.includes(":") ? first : `${first}:80`;
			const others = rest.filter((word) => !word.startsWith("weight="));
			const isSpare = others.includes("backup") || others.includes("down");
			if (isSpare) into.note(each, "a spare server is left out");
			else if (others.length > 0) into.note(each, `${others.join(" ")}: not taken over`);
			if (!isSpare) upstream.servers.push(weight === 1 ? at : { at, weight });
		} else if (key === "keepalive") upstream.pool = { maxIdle: Math.min(Number(first) || 64, 256) };
		else if (key === "least_conn") upstream.balance = "least-requests";
		else if (key === "ip_hash" || (key === "hash" && first === "$remote_addr"))
			upstream.balance = { hash: "client" };
		else into.note(each);
	}
	into.upstreams[name] = upstream;
}

function zoneOf(each: Directive, zones: Map<string, Zone>, into: Imported): void {
	const [, key = "", ...rest] = each.words;
	const text = rest.join(" ");
	const name = /zone=([^:\s]+)/.exec(text)?.[1];
	const [, requests, per] = /rate=(\d+)r\/([sm])/.exec(text) ?? [];
	const header = /^\$http_(\w+)$/.exec(key)?.[1];
	const cookie = /^\$cookie_(\w+)$/.exec(key)?.[1];
	const isClient = key === "$binary_remote_addr" || key === "$remote_addr";
	const by = isClient
		? "client"
		: header
			? `header:${header.replaceAll("_", "-")}`
			: cookie
				? `cookie:${cookie}`
				: undefined;
	if (name === undefined || requests === undefined || by === undefined) into.note(each);
	else zones.set(name, { rate: `${requests}/${per === "m" ? "min" : "s"}`, by });
}

function serverOf(
	{ block = [], ...server }: Directive,
	zones: ReadonlyMap<string, Zone>,
	into: Imported,
): void {
	const value = (key: string) => block.find(({ words }) => words[0] === key)?.words[1];
	const hosts = block
		.filter(({ words }) => words[0] === "server_name")
		.flatMap(({ words }) => words.slice(1));
	const usable = hosts.filter((host) => host !== "_" && host !== "" && !host.startsWith("~"));
	const [certificate, key] = [value("ssl_certificate"), value("ssl_certificate_key")];
	const listens = block.filter(({ words }) => words[0] === "listen");
	for (const each of listens.length === 0
		? [{ words: ["listen", "80"], line: server.line, block: undefined }]
		: listens) {
		const [, at = "", ...options] = each.words;
		into.listener(placeOf(at));
		if (!options.includes("ssl")) continue;
		if (certificate !== undefined && key !== undefined) into.pair(placeOf(at), certificate, key);
		else into.note(each, "no certificate is named for it");
	}
	const own = new Set(["listen", "server_name", "ssl_certificate", "ssl_certificate_key", "location"]);
	const general = block.filter(({ words: [name = ""] }) => SHARED.has(name));
	for (const each of block) {
		const [name = ""] = each.words;
		if (name === "location") locationOf(each, usable, general, zones, into);
		else if (name === "client_max_body_size") into.limits.body = sizeOf(each.words[1]);
		else if (!own.has(name) && !SHARED.has(name) && !SILENT.has(name)) into.note(each);
	}
}

/** Of a server, for all its locations. */
const SHARED = new Set(["proxy_set_header", "proxy_read_timeout", "proxy_send_timeout", "limit_req"]);

function locationOf(
	location: Directive,
	hosts: readonly string[],
	general: readonly Directive[],
	zones: ReadonlyMap<string, Zone>,
	into: Imported,
): void {
	const [, ...given] = location.words;
	const modifier = given.length > 1 ? given[0] : undefined;
	const path = given.at(-1) ?? "/";
	if (modifier?.startsWith("~") || path.startsWith("@")) {
		into.note(location, "patterns have no like here");
		return;
	}
	const block = location.block ?? [];
	const pass = block.find(({ words }) => words[0] === "proxy_pass" || words[0] === "grpc_pass");
	if (pass === undefined) {
		into.note(location, "does not go to an upstream");
		return;
	}
	const [, scheme = "http", target = "", uri = ""] =
		/^(\w+):\/\/([^/]+)(\/.*)?$/.exec(pass.words[1] ?? "") ?? [];
	if (target === "" || target.includes("$") || target.startsWith("unix:")) {
		into.note(pass);
		return;
	}
	const upstream = into.upstreams[target];
	if (upstream !== undefined && scheme !== "http") upstream.protocol = scheme;
	const route: ImportedRoute = {
		...(hosts.length === 0 ? {} : { host: hosts.length === 1 ? (hosts[0] ?? "") : [...hosts] }),
		path,
		...(modifier === "=" ? { exact: true as const } : {}),
		to: upstream === undefined ? `${scheme}://${target}` : target,
		sendHost: "upstream",
		...(uri === "" || uri === path ? {} : { rewrite: { prefix: path, to: uri } }),
	};
	const ownNames = new Set(block.map(({ words }) => words[0]));
	for (const each of [...general.filter(({ words }) => !ownNames.has(words[0])), ...block]) {
		if (each !== pass) settingOf(each, route, zones, into);
	}
	into.route(route, location);
}

function settingOf(
	each: Directive,
	route: ImportedRoute,
	zones: ReadonlyMap<string, Zone>,
	into: Imported,
): void {
	const [name = "", first = "", second = ""] = each.words;
	if (name === "proxy_set_header" && first.toLowerCase() === "host") {
		if (/^\$(?:http_)?host$/.test(second)) route.sendHost = "client";
		else if (second.includes("$")) into.note(each);
		else route.sendHost = second;
	} else if (name === "proxy_set_header" && SILENT_HEADERS.has(first.toLowerCase())) return;
	else if (name === "proxy_read_timeout") route.timeouts = { idle: timeOf(first) };
	else if (name === "limit_req") {
		const zone = zones.get(/^zone=(.+)$/.exec(first)?.[1] ?? "");
		const burst = Number(/burst=(\d+)/.exec(each.words.join(" "))?.[1] ?? 0);
		if (zone === undefined) into.note(each);
		else route.limits = [...(route.limits ?? []), { ...zone, burst: burst + 1 }];
	} else if (!SILENT.has(name)) into.note(each);
}

/** `80`, `127.0.0.1:80`, `[::]:80`, `unix:/x`. */
function placeOf(text: string): string {
	if (/^\d+$/.test(text)) return `:${text}`;
	if (text.startsWith("unix:")) return text;
	return text.replace(/^(?:\*|\[::\]):/, ":").replace(/^localhost:/, "127.0.0.1:");
}

/** nginx: a bare number is seconds. */
function timeOf(text: string): string {
	return /^\d+$/.test(text) ? `${text}s` : text;
}

/** `10m`, `8k`, `0` for none. */
function sizeOf(text = "0"): string {
	const [, digits = "0", unit = ""] = /^(\d+)([kKmMgG]?)$/.exec(text) ?? [];
	if (Number(digits) === 0) return "none";
	return `${digits}${{ k: "KiB", m: "MiB", g: "GiB" }[unit.toLowerCase()] ?? "B"}`;
}
