/** Sends the copy of a request to a mirror, and throws away what it answers. */

import { Try, type TryListener } from "./exchange-try.ts";
import { fieldNames } from "./field-names.ts";
import { FORWARDED_FIELDS } from "./forwarded.ts";
import type { LiveUpstream } from "./live-upstream.ts";
import type { HeadEdits, RequestHead } from "./message.ts";
import type { Failure } from "./stream.ts";

const GIVEN_UP: Failure = { kind: "cancelled", detail: "the mirror took too long" };

/** But for what clients say of themselves: nobody looked at it here. */
const AS_IT_CAME: HeadEdits = { drop: fieldNames(FORWARDED_FIELDS), set: [] };

/** One try, whatever comes of it. The answer gives it up. */
export function sendCopy(
	live: LiveUpstream,
	head: RequestHead,
	body: Uint8Array | undefined,
	now: () => number,
	done: (answered: boolean) => void,
): () => void {
	const { balancer } = live;
	const endpoint = balancer.pick({ clientAddress: "", head }, undefined, now());
	if (endpoint === undefined) {
		done(false);
		return () => undefined;
	}
	const listener: TryListener = {
		tryConnected({ stream }) {
			stream?.head(head, AS_IT_CAME);
			if (body !== undefined) stream?.data(body);
			stream?.end(undefined);
			stream?.flush();
		},
		tryEnded(of) {
			of.over((of.status ?? 0) >= 500 ? "failure" : "success", now(), undefined);
			done(true);
		},
		tryFailed(of) {
			of.over("ignored", now(), undefined);
			done(false);
		},
		tryInformed: () => undefined,
		tryAnswered: () => undefined,
		tryData: () => undefined,
		tryDrained: () => undefined,
		tryBatchEnded: () => undefined,
	};
	const copy = new Try(listener, balancer, endpoint, balancer.call, balancer.session);
	copy.begin(false);
	return () => copy.over("ignored", now(), GIVEN_UP);
}
