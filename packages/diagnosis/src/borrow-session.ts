/**
 * Which database session a held connection is: by its socket, where process memory told it (then it is sure), else
 * by time, if just one session of the service began its transaction when the connection was taken.
 *
 * By time it can mislead when two transactions begin within the same moment; then nothing is said.
 */
import type { HeldBorrow } from "@plumbline/signals/ledger";
import type { LedgerView } from "./ledger-view.ts";
import { LINK_CONFIDENCE_MIN, type ServiceSessions, type SessionHistory } from "./session-history.ts";

/** BEGIN follows the borrow at once; the rest is the clocks' and the network's. */
const SAME_MOMENT_MS = 250;

export function sessionOfBorrow(
	sessions: ServiceSessions | undefined,
	ledger: LedgerView,
	held: HeldBorrow,
): SessionHistory | undefined {
	if (sessions === undefined || sessions.link.confidence < LINK_CONFIDENCE_MIN) return undefined;
	const { socket } = held;
	if (socket !== undefined) {
		return sessions.ours.find(({ last }) => last.session.client?.port === socket.localPort);
	}
	const takenMs = ledger.atMs - held.ageMs;
	const began = sessions.ours.filter(({ last: { atMs, session } }) => {
		return session.xactAgeMs !== undefined && Math.abs(atMs - session.xactAgeMs - takenMs) <= SAME_MOMENT_MS;
	});
	return began.length === 1 ? began[0] : undefined;
}

/** The session runs a statement: whoever has the connection works with it. */
export function isAtWork({ last: { session } }: SessionHistory): boolean {
	return session.state === "active" && !(session.wait ?? "").startsWith("Client/");
}
