/** How a service of the lab resolves names: by a name server of the lab's own. Takes root. */
import type { DnsLie } from "./dns-liar.ts";

/** Names with the address of each, or with the name that it is an alias of. */
export type KnownNames = Readonly<Record<string, string>>;

export interface Naming {
	readonly search: readonly string[];
	readonly ndots: number;
	/** Each query is answered so much later. */
	readonly delayMs?: number;
	/** What its server knows besides `carrier`. */
	readonly knows?: KnownNames;
	/** Of these names (in lower case, with the last dot) the service is told lies. */
	readonly lie?: { readonly told: DnsLie; readonly about: readonly string[] };
	/** A second server in its resolv.conf, that knows the same and is neither late nor a liar. */
	readonly second?: true;
	/** The diagnosis asks the service's servers for names beside trusted ones, as `--dns-check` and `--dns-trusted`. */
	readonly compare?: {
		readonly names: readonly string[];
		/** What must be said of the first server, for each name. */
		readonly verdicts: readonly ("agrees" | "cdn-variance" | "hijacked" | "broken" | "cannot-tell")[];
		/** What each trusted server knows. */
		readonly trusted: readonly KnownNames[];
	};
}

export function isNaming({ search, ndots, compare }: Partial<Naming>): boolean {
	if (!Array.isArray(search) || !Number.isSafeInteger(ndots)) return false;
	if (compare === undefined) return true;
	const { names, verdicts, trusted } = compare as Partial<typeof compare>;
	return names !== undefined && names.length === verdicts?.length && (trusted?.length ?? 0) > 0;
}
