/**
 * Asks servers side by side: those that are in question and those that are trusted, at the same time, the same
 * questions, for the same client subnet. What they said is data; `dns-check-verdicts.ts` in signals judges it.
 *
 *   questions x servers ──▶ answers ──▶ aliases without an end are followed, at the same server
 *                              └─────▶ addresses that only the suspect tells: a TLS handshake with the name
 */
import type { CheckedAnswer, CheckedQuestion, DnsCheck } from "@plumbline/signals/dns-check";
import { type ClientSubnet, DNS_CLASS, DNS_TYPE } from "@plumbline/signals/dns-message";
import { type DnsTold, readDnsAnswer } from "@plumbline/signals/dns-verdict-answer";
import type { TlsHandshake } from "@plumbline/signals/dns-verdict-comparison";
import { type CheckProbe, probesOf } from "./check-probes.ts";
import { shakeHands } from "./check-tls.ts";
import { toldBy } from "./check-told.ts";
import { type Exchange, serverLabel, type Transport, type UpstreamServer } from "./upstream.ts";

export interface DnsCheckRequest {
	/** Fully qualified, with the last dot. */
	readonly names: readonly string[];
	readonly type: number;
	/** Servers in question. */
	readonly suspects: readonly UpstreamServer[];
	readonly trusted: readonly UpstreamServer[];
	/** Names of others, by which one address for all is known. */
	readonly also?: readonly string[];
	readonly clientSubnet?: ClientSubnet;
	/** Where a service of the name speaks TLS, and who may sign it. Port 443 and the authorities of Node by default. */
	readonly tls?: { readonly port: number; readonly certificateAuthority?: string };
}

export interface DnsCheckContext {
	readonly open: (server: UpstreamServer) => Transport;
	readonly signal: AbortSignal;
	/** For one try of one question. */
	readonly tryMs?: number;
	/** Monotonic milliseconds. */
	readonly now?: () => number;
}

const TRY_MS = 2_000;
/** A datagram may be lost. */
const TRIES_MAX = 2;
/**
 * The answer lay there while our own thread was at something else (a capture begins, the ledger is attached): the time is
 * not the server's, and it is asked again.
 */
const BUSY_MS_MIN = 50;
const BUSY_SHARE_MAX = 0.5;
const BUSY_AGAIN_MAX = 3;
/** Asked first and not counted: connections are made, and our own code is warm, when the times begin. */
const WARM_UP: CheckProbe = { name: ".", type: DNS_TYPE.NS, purpose: "also" };
/** Exchanges with one server at a time. */
const AT_ONCE_MAX = 8;
/** As many as an answer's own chain may have. */
const FOLLOWED_MAX = 16;
/** Of one name, and of one check. */
const HANDSHAKES_OF_NAME_MAX = 8;
const HANDSHAKES_MAX = 64;
export const CHECKED_NAMES_MAX = 64;
const TLS_PORT = 443;

/** Rejects only by the signal, and for more than CHECKED_NAMES_MAX names. */
export async function checkDns(request: DnsCheckRequest, context: DnsCheckContext): Promise<DnsCheck> {
	const { suspects, trusted, type, also = [], clientSubnet } = request;
	const { now = () => performance.now(), signal, tryMs = TRY_MS } = context;
	if (request.names.length > CHECKED_NAMES_MAX)
		throw new RangeError(`at most ${CHECKED_NAMES_MAX} names at a time, not ${request.names.length}`);
	const servers = [...suspects, ...trusted];
	const probes = probesOf(request.names, type, also);
	const startMs = now();
	const answers = await Promise.all(
		servers.map(async (server, index) => {
			const transport = context.open(server);
			try {
				const warm = await ask(transport, WARM_UP, { clientSubnet: undefined, signal, tryMs, triesMax: 1 });
				// A server that is silent is not waited for twice, nor name by name.
				const isSilent = warm.kind === "failed" && warm.why === "timeout";
				const how = { clientSubnet, signal, tryMs, triesMax: isSilent ? 1 : TRIES_MAX };
				const atOnceMax = isSilent ? probes.length : AT_ONCE_MAX;
				return await inTurns(probes, atOnceMax, async (probe): Promise<CheckedAnswer> => {
					signal.throwIfAborted();
					const atMs = now() - startMs;
					const { told, tookMs } = await askFollowing(transport, probe, how);
					return { server: index, atMs, tookMs, told };
				});
			} finally {
				await transport.close();
			}
		}),
	);
	signal.throwIfAborted();
	const questions = probes.map(
		(probe, at): CheckedQuestion => ({
			...probe,
			answers: answers.flatMap((ofServer) => ofServer[at] ?? []),
		}),
	);
	const handshakes = await shakeWithStrangers(questions, suspects.length, request, signal);
	signal.throwIfAborted();
	return {
		servers: servers.map((server, index) => ({
			label: serverLabel(server),
			address: server.address,
			trusted: index >= suspects.length,
			authenticated: server.protocol === "doh" || server.protocol === "dot",
		})),
		questions,
		handshakes,
		...(clientSubnet === undefined ? {} : { clientSubnet: subnetText(clientSubnet) }),
	};
}

export function subnetText({ address, sourcePrefix }: ClientSubnet): string {
	return `${address}/${sourcePrefix}`;
}

interface AskHow {
	readonly clientSubnet: ClientSubnet | undefined;
	readonly signal: AbortSignal;
	readonly tryMs: number;
	readonly triesMax: number;
}

/** The time is that of the first answer, with the tries before it. What is found at the end of an open chain is put behind it. */
async function askFollowing(
	transport: Transport,
	probe: CheckProbe,
	how: AskHow,
): Promise<{ readonly told: DnsTold; readonly tookMs: number }> {
	const first = await ask(transport, probe, how);
	let told = toldBy(first);
	for (let followed = 0; followed < FOLLOWED_MAX && told.kind === "answered"; followed++) {
		const { outcome, chain, loops } = readDnsAnswer(told, probe);
		const end = chain.at(-1);
		if (outcome !== "empty" || loops || end === undefined) break;
		const next = await ask(transport, { ...probe, name: end }, how);
		// That nothing is there ends it as well as a server that does not know.
		if (next.kind === "failed") break;
		const { message } = told;
		const { answers, authorities, rcode } = next.message;
		const isNew = answers.some((record) => record.type === DNS_TYPE.CNAME || record.type === probe.type);
		told = {
			kind: "answered",
			message: { ...message, rcode, authorities, answers: [...message.answers, ...answers] },
		};
		if (!isNew) break;
	}
	return { told, tookMs: first.tookMs };
}

async function ask(transport: Transport, { name, type }: CheckProbe, how: AskHow): Promise<Exchange> {
	const question = { name, type, class: DNS_CLASS.IN };
	const { clientSubnet } = how;
	let lostMs = 0;
	for (let tries = 1, again = 0; ; tries++) {
		const limit = AbortSignal.any([how.signal, AbortSignal.timeout(how.tryMs)]);
		const before = performance.eventLoopUtilization();
		const exchange = await transport.exchange(
			{ question, ...(clientSubnet === undefined ? {} : { clientSubnet }) },
			limit,
		);
		const isLost = exchange.kind === "failed" && exchange.why === "timeout" && !how.signal.aborted;
		if (!isLost) {
			const { active } = performance.eventLoopUtilization(before);
			const isOurs = active >= BUSY_MS_MIN && active > exchange.tookMs * BUSY_SHARE_MAX;
			if (isOurs && again++ < BUSY_AGAIN_MAX) continue;
		}
		if (!isLost || tries >= how.triesMax + again) return { ...exchange, tookMs: lostMs + exchange.tookMs };
		lostMs += exchange.tookMs;
	}
}

/** All of them, so many at a time, in order. */
async function inTurns<T, R>(
	items: readonly T[],
	atOnceMax: number,
	work: (item: T) => Promise<R>,
): Promise<R[]> {
	const results: R[] = [];
	let next = 0;
	const worker = async () => {
		for (let at = next++; at < items.length; at = next++) results[at] = await work(items[at] as T);
	};
	await Promise.all(Array.from({ length: Math.min(atOnceMax, items.length) }, worker));
	return results;
}

/** With each address that only a suspect told of a name, and with one that trusted ones told, to compare. */
async function shakeWithStrangers(
	questions: readonly CheckedQuestion[],
	suspects: number,
	{ tls = { port: TLS_PORT } }: DnsCheckRequest,
	signal: AbortSignal,
): Promise<TlsHandshake[]> {
	const places = questions.flatMap((question) => {
		const isAddress = question.type === DNS_TYPE.A || question.type === DNS_TYPE.AAAA;
		if (question.purpose !== "asked" || !isAddress) return [];
		const values = (isTrusted: boolean) =>
			question.answers
				.filter(({ server }) => server >= suspects === isTrusted)
				.flatMap(({ told }) => readDnsAnswer(told, question).values);
		const known = new Set(values(true));
		const strangers = [...new Set(values(false))].filter((value) => !known.has(value));
		const [one] = known;
		if (strangers.length === 0 || one === undefined) return [];
		return [...strangers.slice(0, HANDSHAKES_OF_NAME_MAX), one].map((address) => ({
			name: question.name,
			address,
		}));
	});
	return inTurns(places.slice(0, HANDSHAKES_MAX), AT_ONCE_MAX, (place) =>
		shakeHands({ ...place, ...tls }, signal),
	);
}
