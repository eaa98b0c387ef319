/** Configurations of others, as far as they are understood; the rest stands in the result as comments. */
import { stringify } from "yaml";
import { importCaddy } from "./config-import-caddy.ts";
import { importNginx } from "./config-import-nginx.ts";
import { type Directive, readBlocks } from "./config-import-words.ts";

/** What comes of it: keys as the configuration has them. */
export class Imported {
	readonly listen: { at: string; tls?: { pairs: { certificate: string; key: string }[] } }[] = [];
	readonly routes: ImportedRoute[] = [];
	readonly upstreams: Record<string, ImportedUpstream> = {};
	readonly limits: { body?: string } = {};
	readonly #notes: { readonly line: number; readonly text: string }[] = [];

	note({ words, line }: Directive, why = "not taken over"): void {
		this.#notes.push({ line, text: `line ${line}: ${words.join(" ")}: ${why}` });
	}

	/** In the order of the file. */
	get notes(): readonly string[] {
		return this.#notes.toSorted((left, right) => left.line - right.line).map(({ text }) => text);
	}

	pair(at: string, certificate: string, key: string): void {
		const listener = this.listener(at);
		listener.tls ??= { pairs: [] };
		if (listener.tls.pairs.some((pair) => pair.certificate === certificate)) return;
		listener.tls.pairs.push({ certificate, key });
	}

	listener(at: string) {
		const known = this.listen.find((each) => each.at === at);
		if (known !== undefined) return known;
		const made: (typeof this.listen)[number] = { at };
		this.listen.push(made);
		return made;
	}

	/** The same for host and path is one route: the first stands. */
	route(route: ImportedRoute, directive: Directive): void {
		const isSame = (other: ImportedRoute) =>
			JSON.stringify([other.host, other.path, other.exact]) ===
			JSON.stringify([route.host, route.path, route.exact]);
		if (this.routes.some(isSame)) this.note(directive, "the same host and path are routed above");
		else this.routes.push(route);
	}
}

export interface ImportedRoute {
	host?: string | string[];
	path?: string;
	exact?: true;
	to: string | string[];
	sendHost?: string;
	rewrite?: { prefix: string; to: string };
	timeouts?: Record<string, string>;
	limits?: { rate: string; by?: string; burst?: number }[];
}

export interface ImportedUpstream {
	servers: (string | { at: string; weight: number })[];
	protocol?: string;
	balance?: unknown;
	pool?: Record<string, unknown>;
	health?: Record<string, unknown>;
}

export type ImportResult =
	| { readonly kind: "yaml"; readonly text: string }
	| { readonly kind: "refused"; readonly why: string };

export function importConfig(from: "nginx" | "caddy", name: string, text: string): ImportResult {
	const read = readBlocks(text, from === "nginx" ? ";" : "line");
	if (read.kind === "refused") return read;
	const imported = new Imported();
	if (from === "nginx") importNginx(read.directives, imported);
	else importCaddy(read.directives, imported);
	if (imported.routes.length === 0) return { kind: "refused", why: "nothing in it goes to an upstream" };
	const { listen, routes, upstreams, limits, notes } = imported;
	const body = {
		listen: listen.map((each) => (each.tls === undefined ? each.at : each)),
		...(Object.keys(limits).length === 0 ? {} : { limits }),
		routes,
		...(Object.keys(upstreams).length === 0 ? {} : { upstreams }),
	};
	const comments = [
		`Made of ${name} by plumbline gateway import.`,
		...(notes.length === 0 ? [] : ["", "Look at these:", ...notes.map((note) => `  ${note}`)]),
	];
	const head = comments.map((line) => `# ${line.replaceAll(/[\r\n]+/g, " ")}`.trimEnd()).join("\n");
	return { kind: "yaml", text: `${head}\n${stringify(body, { lineWidth: 0 })}` };
}
