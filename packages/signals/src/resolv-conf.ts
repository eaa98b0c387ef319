/**
 * How a process resolves names: resolv.conf(5).
 *
 * ```
 *   search shop.svc.cluster.local svc.cluster.local cluster.local
 *   nameserver 10.96.0.10
 *   options ndots:5 timeout:2 attempts:3
 * ```
 * A later `search` or `domain` line replaces an earlier one. A `#` or `;` begins a comment at the start of a line.
 * Bounds are those of Go and glibc: three servers, ndots 15, timeout and attempts of at least 1.
 */
import type { ResolverFacts } from "./process.ts";

const NAMESERVERS_MAX = 3;
const SEARCH_MAX = 32;
const NAME_CHARS_MAX = 256;
const NDOTS_MAX = 15;

/** Without any line of its own it says what an absent file would: ask this host. */
export function parseResolvConf(text: string): ResolverFacts {
	const nameservers: string[] = [];
	let search: string[] = [];
	const options = { ndots: 1, timeout: 5, attempts: 2 };
	for (const line of text.split("\n")) {
		if (/^[#;]/.test(line)) continue;
		const [word, ...values] = line
			.split(/\s+/)
			.filter((value) => value !== "" && value.length <= NAME_CHARS_MAX);
		if (word === "nameserver" && values[0] !== undefined && nameservers.length < NAMESERVERS_MAX)
			nameservers.push(values[0]);
		else if (word === "search") search = values.slice(0, SEARCH_MAX);
		else if (word === "domain") search = values.slice(0, 1);
		else if (word === "options") for (const value of values) readOption(value, options);
	}
	const { ndots, timeout, attempts } = options;
	return { nameservers, search, ndots, timeoutS: timeout, attempts };
}

function readOption(text: string, options: { ndots: number; timeout: number; attempts: number }): void {
	const [, name, digits] = /^(ndots|timeout|attempts):(\d{1,6})$/.exec(text) ?? [];
	const value = Number(digits);
	if (name === "ndots") options.ndots = Math.min(NDOTS_MAX, value);
	else if (name === "timeout" || name === "attempts") options[name] = Math.max(1, value);
}
