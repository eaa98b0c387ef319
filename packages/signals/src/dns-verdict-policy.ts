/** What is answered when one server's word stands against the quorum's. */
import type { DnsVerdictKind } from "./dns-verdict.ts";

/**
 * `report`: the server's answer all the same; the verdict is only told. `prefer-quorum`: the quorum's instead of a
 * forged or missing one. `refuse`: no answer instead of a forged one.
 */
export type DnsHijackPolicy = "report" | "prefer-quorum" | "refuse";

/** Whose answer is given. What cannot be told stays the server's own: it may be a name of the inside. */
export function answerBy(
	policy: DnsHijackPolicy,
	verdict: DnsVerdictKind,
	quorumAnswered: boolean,
): "server" | "quorum" | "nobody" {
	switch (policy) {
		case "report":
			return "server";
		case "prefer-quorum":
			if (verdict === "broken" && quorumAnswered) return "quorum";
			if (verdict !== "hijacked") return "server";
			return quorumAnswered ? "quorum" : "nobody";
		case "refuse":
			return verdict === "hijacked" ? "nobody" : "server";
		default:
			return policy satisfies never;
	}
}
