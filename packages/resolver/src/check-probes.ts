/** The questions of a check: the names it is about, and what else tells an honest server from a forger. */
import { randomBytes } from "node:crypto";
import type { CheckedQuestion } from "@plumbline/signals/dns-check";
import { DNS_TYPE } from "@plumbline/signals/dns-message";

export type CheckProbe = Omit<CheckedQuestion, "answers">;

/** Two, since one may be a mishap. */
const MADE_UP = 2;
const MADE_UP_BYTES = 10;

export function probesOf(names: readonly string[], type: number, also: readonly string[]): CheckProbe[] {
	const asked = [...new Set(names)];
	// An address that DNS64 wrote holds that of IPv4.
	const ipv4 = type === DNS_TYPE.AAAA ? asked : [];
	const others = [...new Set([...ipv4, ...also.filter((name) => !asked.includes(name))])];
	const madeUp = Array.from(
		{ length: MADE_UP },
		() => `plumbline-${randomBytes(MADE_UP_BYTES).toString("hex")}.invalid.`,
	);
	return [
		...asked.map((name) => ({ name, type, purpose: "asked" }) as const),
		...others.map((name) => ({ name, type: DNS_TYPE.A, purpose: "also" }) as const),
		...madeUp.map((name) => ({ name, type: DNS_TYPE.A, purpose: "made-up" }) as const),
	];
}
