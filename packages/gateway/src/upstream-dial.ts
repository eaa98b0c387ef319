/** Connections to upstreams, by the protocol they speak. */
import { type H1ClientParts, h1Dialler } from "./h1-client.ts";
import { h2Dialler } from "./h2-client.ts";
import type { Dial } from "./upstream-connection.ts";

export function dialUpstream(parts: H1ClientParts): Dial {
	const h1 = h1Dialler(parts);
	const h2 = h2Dialler(parts);
	return (target, owner) =>
		target.protocol === "h2" || target.protocol === "h2c" ? h2(target, owner) : h1(target, owner);
}
