import type { GateRequest } from "./gate.ts";
import type { KeySource } from "./settings.ts";

/** What can be asked for a key; a TCP connection has no head. */
export interface KeyedRequest extends Pick<GateRequest, "clientAddress"> {
	readonly head: GateRequest["head"] | undefined;
}

/** "" if the request has no such header or cookie, and for `route`: one key for all. */
export function keyOf(source: KeySource, request: KeyedRequest): string {
	return source.kind === "client" ? request.clientAddress : "";
}
