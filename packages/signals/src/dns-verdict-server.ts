/**
 * What a server does to names at large, whatever it answered to the one that was asked for: it makes up addresses for
 * names that nobody has. `.invalid` has no inside and no owner (RFC 6761), so nothing innocent does it.
 */
import { isBelow } from "./dns-name.ts";
import type { DnsVerdict } from "./dns-verdict.ts";
import { readDnsAnswer } from "./dns-verdict-answer.ts";
import { type DnsControl, quoteValues } from "./dns-verdict-comparison.ts";
import { rewrittenNames } from "./dns-verdict-one-address.ts";

/** One may be a mishap of a cache. */
const REWRITTEN_MIN = 2;

export function judgeDnsServer(controls: readonly DnsControl[]): DnsVerdict {
	const made = rewrittenNames(controls);
	const asked = controls.filter((control) => isBelow(control.asked.name, "invalid."));
	const answered = asked.filter((control) => {
		const { outcome } = readDnsAnswer(control.suspect, control.asked);
		return outcome === "denied" || outcome === "empty";
	});
	if (made.length >= REWRITTEN_MIN) {
		const values = quoteValues([...new Set(made.flatMap((name) => name.values))]);
		const names = quoteValues(made.map(({ name }) => name));
		const says = `${values} for ${names}, which nobody has`;
		return { kind: "hijacked", reasons: [{ id: "denial-rewritten", says }] };
	}
	if (made.length === 0 && answered.length > 0) {
		return { kind: "agrees", reasons: [{ id: "denies", says: "names that nobody has are denied" }] };
	}
	const says = "it did not answer to names that nobody has";
	return { kind: "cannot-tell", reasons: [{ id: "no-answer", says }] };
}
