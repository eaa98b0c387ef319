/**
 * What `plumbline dns serve` tells of this host's own resolv.conf, by which all other programs look names up.
 *
 * ```
 *   plumbline dns: /etc/resolv.conf names strangers: 203.0.113.66
 *   plumbline dns: /etc/resolv.conf has changed: 203.0.113.66 added, 10.96.0.10 removed; strangers: 203.0.113.66
 *   plumbline dns: /etc/resolv.conf has changed: the same servers
 *   plumbline dns: /etc/resolv.conf is not watched: ENOENT: no such file or directory, open '/etc/resolv.conf'
 *   plumbline dns: /etc/resolv.conf is watched again: 10.96.0.10
 * ```
 */
import type { Observe } from "@plumbline/resolver/observer";

type ResolvConfEvent = Extract<Parameters<Observe>[0], { readonly kind: "resolv-conf" }>["event"];

export interface ToldResolvConf {
	readonly observe: Observe;
	/** For /health: `{path, servers, strangers}`; `{path, why}` while it cannot be read. */
	readonly standing: () => Readonly<Record<string, unknown>>;
}

export function tellResolvConf(path: string, say: (line: string) => void): ToldResolvConf {
	let latest: ResolvConfEvent | undefined;
	return {
		observe(event) {
			if (event.kind !== "resolv-conf") return;
			const words = wordsOf(event.event, latest?.kind === "gap");
			latest = event.event;
			if (words !== undefined) say(`${path} ${words}`);
		},
		standing: () => ({ path, ...standingOf(latest) }),
	};
}

function wordsOf(event: ResolvConfEvent, wasGap: boolean): string | undefined {
	if (event.kind === "gap") return `is not watched: ${event.why}`;
	const strangers = event.strangers.length === 0 ? undefined : `strangers: ${event.strangers.join(", ")}`;
	if (event.kind === "changed") {
		const { added, removed } = event;
		const servers = [
			...(added.length === 0 ? [] : [`${added.join(", ")} added`]),
			...(removed.length === 0 ? [] : [`${removed.join(", ")} removed`]),
		];
		const what = servers.length === 0 ? "the same servers" : servers.join(", ");
		return `has changed: ${what}${strangers === undefined ? "" : `; ${strangers}`}`;
	}
	if (wasGap) {
		const { nameservers } = event.facts;
		const named = nameservers.length === 0 ? "it names no servers" : nameservers.join(", ");
		return `is watched again: ${named}${strangers === undefined ? "" : `; ${strangers}`}`;
	}
	return strangers && `names ${strangers}`;
}

function standingOf(event: ResolvConfEvent | undefined): Readonly<Record<string, unknown>> {
	if (event === undefined) return { why: "not read yet" };
	if (event.kind === "gap") return { why: event.why };
	const { nameservers } = event.kind === "changed" ? event.after : event.facts;
	return { servers: nameservers, strangers: event.strangers };
}
