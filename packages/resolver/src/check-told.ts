/** What came of an exchange, as a verdict takes it. */
import type { DnsTold } from "@plumbline/signals/dns-verdict-answer";
import type { Exchange } from "./upstream.ts";

export function toldBy(exchange: Exchange): DnsTold {
	if (exchange.kind === "answered") return { kind: "answered", message: exchange.message };
	return { kind: "failed", why: exchange.why, detail: exchange.detail };
}
