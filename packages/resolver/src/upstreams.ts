/**
 * All servers of a resolver behind one door: DoH, then DoT, then what proves nothing, each in the given order.
 *
 * No server can cost more than one time limit: who fails is looked into by a probe and skipped from then on, until a
 * probe is answered again. An ask has few tries, all asks together have one budget of retries, and if everybody is down
 * they are still asked, now and then.
 */
import { countOption, numberOption } from "@plumbline/policy/option-check";
import type { RetryBudgetOptions } from "@plumbline/policy/retry-budget";
import { DNS_CLASS, DNS_TYPE } from "@plumbline/signals/dns-message";
import type { Observe } from "./observer.ts";
import { canonicalAddress } from "./server-address.ts";
import { proofFault, SERVERS_MAX } from "./server-list.ts";
import type { Timers } from "./timers.ts";
import { questionFault } from "./transport-query.ts";
import type { Ask, Asked, Protocol, Transport, Try, UpstreamServer, Upstreams } from "./upstream.ts";
import { UpstreamHealth } from "./upstreams-health.ts";
import { type Candidate, inOrder, nextServer } from "./upstreams-order.ts";
import { UpstreamRetries } from "./upstreams-retries.ts";
import { isDecided, verdictOn } from "./upstreams-try.ts";

export interface UpstreamsOptions {
	/** By IP address, in order of preference among those of one protocol. */
	readonly servers: readonly UpstreamServer[];
	readonly open: (server: UpstreamServer) => Transport;
	/** Time limit of one try; default 2000. */
	readonly tryMs?: number;
	/** Retries of one ask, on whatever server; default 2. */
	readonly retriesMax?: number;
	/** Over all asks; by default a fifth of them, and 10 a second. */
	readonly retryBudget?: RetryBudgetOptions;
	/** What any healthy server of the list answers at once; `. NS` by default. */
	readonly probeAsk?: Ask;
	/** Monotonic milliseconds. */
	readonly now: () => number;
	readonly timers: Timers;
	/** 0 to 1. */
	readonly random: () => number;
	readonly observe?: Observe;
}

/** A list that cannot work, whoever answers. */
export class UpstreamsError extends Error {
	readonly code: "no-servers" | "too-many-servers" | "not-an-address" | "not-a-port" | "no-proof";

	constructor(code: UpstreamsError["code"], message: string) {
		super(message);
		this.name = "UpstreamsError";
		this.code = code;
	}
}

export interface WatchedUpstreams extends Upstreams {
	/** In the order in which they are asked when all are well. */
	standings(): readonly { readonly server: UpstreamServer; readonly standing: Candidate["standing"] }[];
}

const TRY_MS = 2000;
const TRY_MS_MAX = 60_000;
const RETRIES = 2;
const RETRIES_MAX = 10;
const ROOT: Ask = { question: { name: ".", type: DNS_TYPE.NS, class: DNS_CLASS.IN } };

/** Throws UpstreamsError for a list that cannot work, and policy's OptionError for a number out of bounds. */
export function createUpstreams(options: UpstreamsOptions): WatchedUpstreams {
	const { now, timers, random, observe, open, probeAsk = ROOT } = options;
	const tryMs = numberOption("tryMs", options.tryMs ?? TRY_MS, 1, TRY_MS_MAX);
	const retriesMax = countOption("retriesMax", options.retriesMax ?? RETRIES, 0, RETRIES_MAX);
	checkServers(options.servers);
	let closed = false;
	const context = {
		...{ now, timers, random, probeAsk, tryMs },
		...(observe === undefined ? {} : { observe }),
	};
	const retries = new UpstreamRetries({ retriesPerSecondMin: 10, ...options.retryBudget }, now, timers);
	const doors = inOrder(options.servers).map((server) => ({
		server,
		health: new UpstreamHealth(open(server), context),
	}));

	async function ask(question: Ask, signal: AbortSignal): Promise<Asked> {
		const tries: Try[] = [];
		const fault = questionFault(question);
		// Else each transport would throw, and its server be blamed.
		if (fault !== undefined) return { kind: "failed", tries, unasked: `nothing to be asked: ${fault}` };
		retries.deposit();
		while (tries.length <= retriesMax && !signal.aborted && !closed) {
			const isRetry = tries.length > 0;
			if (isRetry && (choose(tries) === undefined || !(await retries.borrow(signal)))) break;
			// Much may have changed while it waited for a retry.
			const door = choose(tries);
			const exchange = await door?.health.exchange(question, signal);
			if (isRetry) retries.done(exchange?.kind === "answered");
			if (door === undefined || exchange === undefined) break;
			const { server } = door;
			tries.push({ server, exchange });
			if (exchange.kind === "answered") {
				const { message, protocol } = exchange;
				outdo(tries, server);
				return { kind: "answered", message, server, authenticated: isEncrypted(protocol), tries };
			}
		}
		if (tries.length > 0 || signal.aborted) return { kind: "failed", tries };
		const why = closed ? "they are closed" : "all servers are down, and each was tried just now";
		return { kind: "failed", tries, unasked: why };
	}

	/**
	 * The last one answered: it is not the name that is ill. But a refusal costs nothing, so whoever proves nothing cannot
	 * bring down by it one that proves who it is: with names of his own that fail elsewhere, a forger would have
	 * everybody's questions sent to himself.
	 */
	function outdo(tries: readonly Try[], answerer: UpstreamServer): void {
		for (const { server, exchange } of tries) {
			if (exchange.kind === "answered" || server === answerer || verdictOn(exchange) !== "doubtful") continue;
			const isProven = isEncrypted(server.protocol) && !isEncrypted(answerer.protocol);
			if (isProven && exchange.why !== "timeout") continue;
			doors.find((door) => door.server === server)?.health.outdone();
		}
	}

	function choose(tries: readonly Try[]) {
		const candidates = doors.map((door) => ({ ...door, ...candidate(door, tries) }));
		return nextServer(candidates, now());
	}

	return {
		ask,
		standings: () => doors.map(({ server, health }) => ({ server, standing: health.standing })),
		async close() {
			closed = true;
			retries.refuseWaiting();
			await Promise.all(doors.map(({ health }) => health.close()));
		},
	};
}

interface Door {
	readonly server: UpstreamServer;
	readonly health: UpstreamHealth;
}

function candidate({ server, health }: Door, tries: readonly Try[]): Candidate {
	const { standing, forcedAfterMs } = health;
	const exchange = tries.findLast((one) => one.server === server)?.exchange;
	const failed = exchange?.kind !== "failed" ? undefined : isDecided(exchange) ? "decided" : exchange.why;
	return {
		...{ standing, forcedAfterMs, encrypted: isEncrypted(server.protocol) },
		...(failed === undefined ? {} : { failed }),
	};
}

/** Every such server is known by its certificate or key: `checkServers` refuses one that is not. */
function isEncrypted(protocol: Protocol): boolean {
	return protocol === "doh" || protocol === "dot";
}

function checkServers(servers: readonly UpstreamServer[]): void {
	if (servers.length === 0) throw new UpstreamsError("no-servers", "no server to ask was given");
	if (servers.length > SERVERS_MAX)
		throw new UpstreamsError(
			"too-many-servers",
			`${servers.length} servers: at most ${SERVERS_MAX} are taken`,
		);
	for (const server of servers) {
		const name = JSON.stringify(server.address);
		if (canonicalAddress(server.address) === undefined)
			throw new UpstreamsError(
				"not-an-address",
				`${name} is no IP address: a name would have to be looked up before there is a server to ask. Give the address, and the name as tlsName`,
			);
		if (!(Number.isInteger(server.port) && server.port >= 1 && server.port <= 65_535))
			throw new UpstreamsError("not-a-port", `${name}: a port is 1 to 65535, found ${server.port}`);
		const fault = proofFault(server);
		if (fault !== undefined) throw new UpstreamsError("no-proof", `${name}: ${fault}`);
	}
}
