/**
 * A server whose answer leads nowhere (aliases that go round, a referral, records of a name that does not exist) has
 * failed like one that says SERVFAIL: the next server is asked. Taken for an answer, one lying server would decide what
 * all the others are not asked for.
 */
import { relevantAnswer } from "./relevant-answer.ts";
import type { Transport } from "./upstream.ts";

export function usableOnly(transport: Transport): Transport {
	return {
		server: transport.server,
		async exchange(ask, signal) {
			const exchange = await transport.exchange(ask, signal);
			if (exchange.kind === "failed") return exchange;
			const { message, tookMs } = exchange;
			const answer = relevantAnswer(ask.question, message, ask.dnssecOk ?? false);
			if (answer.kind !== "failure" && answer.kind !== "chain-refused") return exchange;
			return { kind: "failed", why: "server-failure", detail: answer.why, tookMs };
		},
		close: () => transport.close(),
	};
}
