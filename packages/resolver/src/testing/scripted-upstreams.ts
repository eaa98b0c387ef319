/** Servers that answer what a script tells them to, when it does. */
import type { DnsMessage } from "@plumbline/signals/dns-message";
import type { Ask, Asked, FailureKind, UpstreamServer, Upstreams } from "../upstream.ts";

const SERVER: UpstreamServer = {
	protocol: "dot",
	address: "192.0.2.53",
	port: 853,
	tlsName: "dns.example",
};

export interface Pending {
	readonly ask: Ask;
	/** The script has said that it is to wait. */
	isSeen: boolean;
	readonly isGivenUp: () => boolean;
	readonly answer: (message: DnsMessage, authenticated: boolean) => void;
	/** `nobody` was asked. */
	readonly fail: (why: FailureKind | "nobody") => void;
}

export class ScriptedUpstreams implements Upstreams {
	pending: Pending[] = [];
	givenUp: Pending[] = [];
	asks = 0;

	ask(ask: Ask, signal: AbortSignal): Promise<Asked> {
		this.asks++;
		return new Promise((done) => {
			const end = (asked: Asked) => {
				this.pending = this.pending.filter((each) => each !== pending);
				done(asked);
			};
			const fail = (why: FailureKind | "nobody") => {
				if (why === "nobody") return end({ kind: "failed", tries: [], unasked: "by the script" });
				const exchange = { kind: "failed" as const, why, detail: "by the script", tookMs: 0 };
				end({ kind: "failed", tries: [{ server: SERVER, exchange }] });
			};
			const pending: Pending = {
				ask,
				isSeen: false,
				isGivenUp: () => signal.aborted,
				answer: (message, authenticated) => {
					const exchange = { kind: "answered" as const, message, protocol: SERVER.protocol, tookMs: 0 };
					const tries = [{ server: SERVER, exchange }];
					end({ kind: "answered", message, server: SERVER, authenticated, tries });
				},
				fail,
			};
			signal.addEventListener("abort", () => {
				this.givenUp.push(pending);
				fail("aborted");
			});
			this.pending.push(pending);
		});
	}

	async close(): Promise<void> {}
}
