/** Servers that behave as a test says, on its time. For the logic above transports only: those have tests of their own. */
import { DNS_RCODE, type DnsMessage } from "@plumbline/signals/dns-message";
import { exchangeOf } from "../transport-failure.ts";
import type { Ask, Exchange, FailureKind, Transport, UpstreamServer } from "../upstream.ts";
import type { FakeTime } from "./fake-time.ts";

/** `silent` never answers; `bogus` is SERVFAIL with the reason that the signatures do not hold. Each answer takes `tookMs`. */
export type Behaviour =
	| "well"
	| "silent"
	| "servfail"
	| "refused"
	| "nxdomain"
	| "bogus"
	| Exclude<FailureKind, "timeout">;

export interface ScriptedServers {
	readonly open: (server: UpstreamServer) => Transport;
	/** By default every server is well. */
	set(server: UpstreamServer, behaviour: Behaviour | ((ask: Ask) => Behaviour)): void;
	/** Questions each got, in order: names. */
	asked(server: UpstreamServer): readonly string[];
	/** Exchanges under way. */
	underWay(): number;
	tookMs: number;
}

const RCODES: Partial<Record<Behaviour, number>> = {
	well: DNS_RCODE.NOERROR,
	nxdomain: DNS_RCODE.NXDOMAIN,
	servfail: DNS_RCODE.SERVFAIL,
	refused: DNS_RCODE.REFUSED,
	bogus: DNS_RCODE.SERVFAIL,
};

export function scriptedServers(time: FakeTime): ScriptedServers {
	const behaviours = new Map<UpstreamServer, (ask: Ask) => Behaviour>();
	const asked = new Map<UpstreamServer, string[]>();
	let underWay = 0;
	const exchange = (server: UpstreamServer, ask: Ask, signal: AbortSignal) =>
		new Promise<Exchange>((resolve) => {
			const names = asked.get(server) ?? [];
			asked.set(server, names);
			names.push(ask.question.name);
			underWay++;
			const behaviour = behaviours.get(server)?.(ask) ?? "well";
			const { tookMs } = servers;
			let stop = () => {};
			const end = (result: Exchange) => {
				stop();
				underWay--;
				resolve(result);
			};
			const fail = (why: FailureKind) => end({ kind: "failed", why, detail: `scripted: ${why}`, tookMs });
			signal.addEventListener("abort", () => fail("aborted"), { once: true });
			if (behaviour === "silent") return;
			stop = time.timers.after(tookMs, () => {
				const rcode = RCODES[behaviour];
				if (rcode === undefined) fail(behaviour as FailureKind);
				else
					end(
						exchangeOf({
							message: message(ask, rcode, behaviour === "bogus"),
							protocol: server.protocol,
							tookMs,
						}),
					);
			});
		});
	const servers: ScriptedServers = {
		tookMs: 10,
		open: (server) => ({
			server,
			exchange: (ask, signal) => exchange(server, ask, signal),
			close: async () => {},
		}),
		set: (server, behaviour) =>
			void behaviours.set(server, typeof behaviour === "string" ? () => behaviour : behaviour),
		asked: (server) => asked.get(server) ?? [],
		underWay: () => underWay,
	};
	return servers;
}

function message({ question }: Ask, rcode: number, isBogus: boolean): DnsMessage {
	const options = [{ kind: "extended-error", code: 6, text: "signature does not hold" }] as const;
	return {
		...{ id: 0, isResponse: true, opcode: 0, isAuthoritative: false, isTruncated: false },
		...{ recursionDesired: true, recursionAvailable: true, authenticData: false, checkingDisabled: false },
		...{ rcode, questions: [question], answers: [], authorities: [], additionals: [] },
		...(isBogus ? { edns: { udpSizeMax: 1232, version: 0, dnssecOk: false, options } } : {}),
	};
}
