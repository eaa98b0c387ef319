/** What comes of reading a configuration of others: keys as ours has them, and notes on what was not taken over. */
import type { Directive } from "./config-import-words.ts";

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
