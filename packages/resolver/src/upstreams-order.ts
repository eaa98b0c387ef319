/**
 * Which server is asked next. Pure: what is known of each goes in, one of them or none comes out.
 *
 *   1. not yet asked and not down: those that prove who they are first, then those without a doubt, then the given order
 *   2. none of them, and nobody has answered at all: one that is down, the one left alone for longest
 *   3. none of them: one that was asked, did not answer, and may have lost a packet
 *
 * Once a server that proves who it is has decided against the name, only its like are asked.
 */
import type { FailureKind, Protocol, UpstreamServer } from "./upstream.ts";

export interface Candidate {
	/** `suspected`: something failed, and a probe is under way that will tell. */
	readonly standing: "well" | "suspected" | "down";
	readonly encrypted: boolean;
	/** What came of the last try of this ask; absent if it had none. */
	readonly failed?: FailureKind | "decided";
	/** When a server that is down may be asked in spite of it; the least recently asked has the lowest. */
	readonly forcedAfterMs: number;
}

/** DoH before DoT before what proves nothing; TCP before UDP, whose answers are easier to forge. */
const RANK: Readonly<Record<Protocol, number>> = { doh: 0, dot: 1, tcp: 2, udp: 3 };

/** Somebody spoke, if not as was hoped: no reason to try the dead. */
const SPOKEN: ReadonlySet<string> = new Set(["decided", "server-failure"]);

/** In the order in which they are asked when all are well. */
export function inOrder(servers: readonly UpstreamServer[]): readonly UpstreamServer[] {
	return servers.toSorted((left, right) => RANK[left.protocol] - RANK[right.protocol]);
}

/** One of them, or undefined if none is worth asking. */
export function nextServer<One extends Candidate>(all: readonly One[], nowMs: number): One | undefined {
	const isDecided = all.some(({ failed, encrypted }) => failed === "decided" && encrypted);
	const candidates = isDecided ? all.filter(({ encrypted }) => encrypted) : all;
	const untried = candidates.filter(({ failed }) => failed === undefined);
	const up = untried.filter(({ standing }) => standing !== "down");
	const best = up.toSorted((left, right) => preference(left) - preference(right))[0];
	if (best !== undefined) return best;
	if (!candidates.some(({ failed }) => failed !== undefined && SPOKEN.has(failed))) {
		const rested = untried.filter(({ forcedAfterMs }) => forcedAfterMs <= nowMs);
		const longest = rested.toSorted((left, right) => left.forcedAfterMs - right.forcedAfterMs)[0];
		if (longest !== undefined) return longest;
	}
	return candidates.find(
		({ standing, failed }) => standing !== "down" && (failed === "timeout" || failed === "connection-lost"),
	);
}

/** Lower is better. A doubt is no reason to ask somebody who proves nothing: anyone can make one name slow. */
function preference({ encrypted, standing }: Candidate): number {
	return (encrypted ? 0 : 2) + (standing === "suspected" ? 1 : 0);
}
