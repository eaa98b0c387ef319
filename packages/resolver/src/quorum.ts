/**
 * Servers that are compared while they are used: what came without proof is laid beside the word of trusted servers,
 * and the policy says whose answer is given.
 *
 *   ask ─▶ upstreams ─▶ authenticated? ── yes, and not sampled ──────────▶ answer
 *                           │ no
 *                           ▼
 *                     trusted servers, all at once ─▶ verdict ─▶ policy ─▶ the server's, the quorum's, or nobody's
 *
 * Where the trusted ones do not answer either, the server's word stands: its answer is marked as not authenticated, and
 * nobody is accused. They are left alone for a while then, and after it one lookup asks them again: so that an outage
 * costs one wait now and then, not one a lookup.
 */

import { DNS_TYPE } from "@plumbline/signals/dns-message";
import { type DnsVerdict, judgeDnsAnswer } from "@plumbline/signals/dns-verdict";
import { readDnsAnswer } from "@plumbline/signals/dns-verdict-answer";
import type { DnsControl } from "@plumbline/signals/dns-verdict-comparison";
import { answerBy, type DnsHijackPolicy } from "@plumbline/signals/dns-verdict-policy";
import { zoneOf } from "@plumbline/signals/dns-verdict-zone";
import { toldBy } from "./check-told.ts";
import {
	type Ask,
	type Asked,
	type Exchange,
	serverLabel,
	type Transport,
	type Try,
	type UpstreamServer,
	type Upstreams,
} from "./upstream.ts";

export interface Compared {
	readonly ask: Ask;
	readonly server: UpstreamServer;
	readonly verdict: DnsVerdict;
	readonly given: "server" | "quorum" | "nobody";
}

export interface QuorumOptions {
	readonly upstreams: Upstreams;
	/** Owned from now on: `close` closes them. */
	readonly trusted: readonly Transport[];
	readonly policy: DnsHijackPolicy;
	/** Share of authenticated answers that is compared too, 0 to 1; 0 by default. */
	readonly sampledShare?: number;
	/** For all trusted servers together; 1000 by default. */
	readonly quorumMs?: number;
	/** Told of each comparison; must not throw. */
	readonly onCompared?: (compared: Compared) => void;
	/** Monotonic milliseconds. */
	readonly now: () => number;
	/** 0 to 1. */
	readonly random: () => number;
}

type Answered = Extract<Asked, { kind: "answered" }>;

const QUORUM_MS = 1_000;
/** After which trusted servers of which none answered are asked again. */
const PAUSE_MS = 5_000;
/** Comparisons under way; further answers are given as they came. */
const AT_ONCE_MAX = 512;
/** What a server said of names that were different elsewhere, remembered: the last of so many owners, of so many servers. */
const ODD_OWNERS_MAX = 8;
const ODD_SERVERS_MAX = 16;

export function withQuorum(options: QuorumOptions): Upstreams {
	return new QuorumUpstreams(options);
}

class QuorumUpstreams implements Upstreams {
	readonly #options: QuorumOptions;
	readonly #odd = new Map<string, Map<string, DnsControl>>();
	#underWay = 0;
	#pausedUntilMs = Number.NEGATIVE_INFINITY;
	/** None of them answered the last time. */
	#areSilent = false;

	constructor(options: QuorumOptions) {
		this.#options = options;
	}

	async ask(ask: Ask, signal: AbortSignal): Promise<Asked> {
		const asked = await this.#options.upstreams.ask(ask, signal);
		if (asked.kind === "failed" || signal.aborted || !this.#isToCompare(asked)) return asked;
		this.#underWay++;
		try {
			return await this.#compare(ask, asked, signal);
		} finally {
			this.#underWay--;
		}
	}

	async close(): Promise<void> {
		const { upstreams, trusted } = this.#options;
		await Promise.all([upstreams.close(), ...trusted.map((transport) => transport.close())]);
	}

	#isToCompare({ authenticated }: Answered): boolean {
		const { trusted, sampledShare = 0, now, random } = this.#options;
		const atOnceMax = this.#areSilent ? 1 : AT_ONCE_MAX;
		if (trusted.length === 0 || this.#underWay >= atOnceMax || now() < this.#pausedUntilMs) return false;
		return !authenticated || random() < sampledShare;
	}

	async #compare(ask: Ask, asked: Answered, signal: AbortSignal): Promise<Asked> {
		const { policy, onCompared, trusted, quorumMs = QUORUM_MS, now } = this.#options;
		const { server } = asked;
		const others = trusted.filter((transport) => !isSameServer(transport.server, server));
		const limit = AbortSignal.any([signal, AbortSignal.timeout(quorumMs)]);
		const tries = await Promise.all(
			others.map(async (transport): Promise<Try> => {
				return { server: transport.server, exchange: await transport.exchange(ask, limit) };
			}),
		);
		if (signal.aborted) return asked;
		this.#areSilent = tries.every(({ exchange }) => exchange.kind === "failed");
		if (this.#areSilent) this.#pausedUntilMs = now() + PAUSE_MS;
		const { name, type } = ask.question;
		const control: DnsControl = {
			asked: { name, type },
			suspect: { kind: "answered", message: asked.message },
			trusted: tries.map(({ exchange }) => toldBy(exchange)),
		};
		const verdict = judgeDnsAnswer({ ...control, controls: this.#oddOnesOf(server) });
		if (verdict.kind === "hijacked" || verdict.kind === "cannot-tell") this.#remember(server, control);
		const truth = tries.find(({ exchange }) => isUsable(exchange, control));
		const given = answerBy(policy, verdict.kind, truth !== undefined);
		onCompared?.({ ask, server, verdict, given });
		switch (given) {
			case "server":
				return asked;
			case "nobody":
				return { kind: "failed", tries: asked.tries, forged: verdict.reasons[0]?.says ?? "" };
			case "quorum":
				return truth?.exchange.kind !== "answered" ? asked : answeredBy(truth.server, truth.exchange, asked);
			default:
				return given satisfies never;
		}
	}

	/** To the same type of question: one address for names of several owners shows only side by side. */
	#oddOnesOf(server: UpstreamServer): readonly DnsControl[] {
		return [...(this.#odd.get(serverLabel(server))?.values() ?? [])];
	}

	#remember(server: UpstreamServer, control: DnsControl): void {
		const { type, name } = control.asked;
		if (type !== DNS_TYPE.A && type !== DNS_TYPE.AAAA) return;
		const label = serverLabel(server);
		const known = this.#odd.get(label) ?? new Map<string, DnsControl>();
		if (this.#odd.size >= ODD_SERVERS_MAX && !this.#odd.has(label)) return;
		this.#odd.set(label, known);
		const key = `${type} ${zoneOf(name)}`;
		known.delete(key);
		known.set(key, control);
		const [oldest] = known.keys();
		if (known.size > ODD_OWNERS_MAX && oldest !== undefined) known.delete(oldest);
	}
}

function isSameServer(a: UpstreamServer, b: UpstreamServer): boolean {
	return a.protocol === b.protocol && a.address === b.address && a.port === b.port;
}

function isUsable(exchange: Exchange, { asked }: DnsControl): boolean {
	if (exchange.kind === "failed") return false;
	const { outcome } = readDnsAnswer(toldBy(exchange), asked);
	return outcome !== "failure" && outcome !== "silence";
}

function answeredBy(
	server: UpstreamServer,
	exchange: Extract<Exchange, { kind: "answered" }>,
	{ tries }: Answered,
): Answered {
	const authenticated = exchange.protocol === "doh" || exchange.protocol === "dot";
	return {
		kind: "answered",
		message: exchange.message,
		server,
		authenticated,
		tries: [...tries, { server, exchange }],
	};
}
