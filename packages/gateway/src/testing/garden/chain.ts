/**
 * Who hands on to whom. Each hop tags what it sends on, so that whatever it did not mean to be a request has no tag.
 *
 *     alone     client ─▶ gateway ─▶ origin
 *     behind    client ─▶ gateway ─▶ server ─▶ origin       traceparent is the gateway's tag
 *     front     client ─▶ server ─▶ gateway ─▶ origin       TAG is the server's, traceparent the gateway's
 */
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { ExchangeRecord } from "../../observer.ts";
import { openGateway } from "../../open-gateway.ts";
import type { GatewayHooks } from "../../worker-contract.ts";
import { settingsOf } from "../whole-gateway.ts";
import type { Mutation } from "./mutation.ts";
import { recordingOrigin, type SeenMessage } from "./recording-origin.ts";
import { sendAll } from "./sender.ts";
import { type GardenKind, startServer, TAG, TAG_LINE } from "./server.ts";

export interface Chain {
	readonly side: "alone" | "behind" | "front";
	readonly kind: GardenKind | undefined;
}

/** A request as the gateway counted it. */
export interface Counted {
	readonly clientPort: number;
	readonly method: string;
	readonly target: string;
	readonly host: string;
	readonly bodyBytes: number;
	readonly status: number;
	readonly traceId: string;
	readonly tries: number;
	readonly failure: string | undefined;
	readonly tags: readonly string[];
	readonly tagLine: string | undefined;
}

/** All that a chain was seen to do. */
export interface Course {
	readonly counted: readonly Counted[];
	readonly seen: readonly SeenMessage[];
	readonly unreadable: readonly string[];
	/** What each client heard, by the mutation's number. */
	readonly heard: ReadonlyMap<number, string>;
	/** Of clients that talk to the gateway itself. */
	readonly numberOfPort: ReadonlyMap<number, number>;
	readonly seconds: number;
}

const EXCHANGES = "plumbline.gateway.exchange";

const HOOKS: GatewayHooks = {
	slot: 0,
	workers: 1,
	say: () => undefined,
	publish: () => undefined,
	collect: async () => [],
};

export async function runChain({ side, kind }: Chain, mutations: Iterable<Mutation>): Promise<Course> {
	const beganMs = performance.now();
	const counted: Counted[] = [];
	const heard = new Map<number, string>();
	const numberOfPort = new Map<number, number>();
	const hear = (record: unknown) => counted.push(countedOf(record as ExchangeRecord));
	const origin = await recordingOrigin();
	const behind = side === "behind" && kind !== undefined ? await startServer(kind, origin.port) : undefined;
	const gateway = await openOne(behind?.port ?? origin.port);
	const gatewayPort = Number(gateway.listening[0]?.place.split(":")[1]);
	const front = side === "front" && kind !== undefined ? await startServer(kind, gatewayPort) : undefined;
	subscribe(EXCHANGES, hear);
	try {
		await sendAll(front?.port ?? gatewayPort, mutations, {
			connected: ({ number }, port) => numberOfPort.set(port, number),
			heard: ({ number }, text) => heard.set(number, text),
		});
	} finally {
		await front?.stop();
		await gateway.close();
		await behind?.stop();
		await origin.close();
		unsubscribe(EXCHANGES, hear);
	}
	const { seen, unreadable } = origin;
	const seconds = (performance.now() - beganMs) / 1000;
	return { counted, seen, unreadable, heard, numberOfPort, seconds };
}

async function openOne(port: number) {
	const text = `listen: 127.0.0.1:0
drain: 1s
routes:
  - { path: /, to: next, retry: { tries: 0 } }
upstreams:
  next: { servers: "127.0.0.1:${port}", breaker: false }
`;
	return openGateway(settingsOf(text), new Map(), HOOKS);
}

function countedOf(record: ExchangeRecord): Counted {
	const { head, client, failure } = record;
	const tags: string[] = [];
	let tagLine: string | undefined;
	head.each((name, value) => {
		if (name === TAG) tags.push(value);
		else if (name === TAG_LINE) tagLine = value;
	});
	return {
		clientPort: client.port,
		method: head.method,
		target: head.path,
		host: head.authority,
		bodyBytes: record.requestBytes,
		status: record.status,
		traceId: record.traceId,
		tries: record.tries,
		failure: failure && `${record.failedSide} ${failure.kind}: ${failure.detail}`,
		tags,
		tagLine,
	};
}
