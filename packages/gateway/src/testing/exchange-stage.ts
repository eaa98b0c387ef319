/**
 * An exchange between a client and upstreams that a test moves by hand, in time that stands still: what the real ones
 * would do only by chance, in an order that nobody could repeat.
 */
import { CircuitBreaker } from "@plumbline/policy/circuit-breaker";
import { RetryBudget } from "@plumbline/policy/retry-budget";
import { fakeTime } from "@plumbline/resolver/testing/fake-time";
import type { Balancer } from "../balancer.ts";
import type { Endpoint, PoolWaiter } from "../endpoint.ts";
import { Exchange } from "../exchange.ts";
import { Forwarding } from "../forwarded.ts";
import type { Admitted, Gate } from "../gate.ts";
import { LiveRoute } from "../live-route.ts";
import type { LiveUpstream } from "../live-upstream.ts";
import {
	type FieldPairs,
	type HeadEdits,
	ListResponseHead,
	type RequestHead,
	type ResponseHead,
} from "../message.ts";
import type { Mirror } from "../mirror.ts";
import type { ExchangeRecord } from "../observer.ts";
import type { RouteGate } from "../protect-gate.ts";
import type { RouteSettings } from "../settings.ts";
import type { ClientFacts, ClientStream, Failure, ResponseReceiver, ServerStream } from "../stream.ts";
import { TimerWheel } from "../timer-wheel.ts";
import type { UpstreamConnection } from "../upstream-connection.ts";
import type { UpstreamGroup } from "../upstream-group.ts";
import { plainHead } from "./plain-request.ts";
import { plainRoute } from "./plain-route.ts";

/** What one side was told, in words: `200`, `data 5`, `end`, `reset broken`. */
abstract class ToldStream {
	readonly told: string[] = [];
	isPaused = false;
	/** What `data` answers. */
	hasRoom = true;

	data(bytes: Uint8Array): boolean {
		this.told.push(`data ${bytes.length}`);
		return this.hasRoom;
	}

	end(): void {
		this.told.push("end");
	}

	reset({ kind }: Failure): void {
		this.told.push(`reset ${kind}`);
	}

	flush(): void {}

	pause(): void {
		this.isPaused = true;
	}

	resume(): void {
		this.isPaused = false;
	}
}

class ToldClient extends ToldStream implements ServerStream {
	readonly client: ClientFacts;
	fields: FieldPairs = [];

	constructor(requests: number) {
		super();
		this.client = { address: "203.0.113.7", port: 5000, listener: "test", tls: undefined, requests };
	}

	informational(head: ResponseHead): void {
		this.told.push(`informed ${head.status}`);
	}

	head(head: ResponseHead, edits: HeadEdits): void {
		this.told.push(String(head.status));
		this.fields = edits.set;
	}
}

/** One try's connection: the test answers by `receiver`. */
class ToldUpstream extends ToldStream implements ClientStream {
	readonly receiver: ResponseReceiver;
	edits: HeadEdits | undefined;
	unsent = true;

	constructor(receiver: ResponseReceiver) {
		super();
		this.receiver = receiver;
	}

	head(head: RequestHead, edits: HeadEdits): void {
		this.unsent = false;
		this.edits = edits;
		this.told.push(head.method);
	}

	answers(status: number, fields: FieldPairs = [], bodyLength?: number): void {
		this.receiver.head(new ListResponseHead(status, fields, bodyLength));
	}
}

export interface Stage {
	readonly time: ReturnType<typeof fakeTime>;
	readonly client: ToldClient;
	/** One for each connection that was granted. */
	readonly upstreams: ToldUpstream[];
	/** Tries that wait for a connection. */
	readonly waiting: { waiter: PoolWaiter; fresh: boolean; cancelled: boolean }[];
	readonly finished: ExchangeRecord[];
	/** What the balancer was told of endpoints. */
	readonly outcomes: string[];
	begin(head?: RequestHead): Exchange;
}

export const ADMITTED: Admitted = { kind: "admitted", fields: [], leave: () => undefined };

export interface StageOptions {
	readonly route?: Partial<RouteSettings>;
	/** On the client's connection, this one included; 2 by default. */
	readonly requests?: number;
	/** Connections are granted at once, and are used ones; true by default. */
	readonly grants?: boolean;
	readonly reused?: boolean;
	readonly endpoints?: number;
	/** A gate; everybody is let through at once without it. */
	readonly enter?: Gate["enter"];
	readonly mirror?: Mirror;
}

export function exchangeStage(options: StageOptions = {}): Stage {
	const { route = {}, requests = 2, grants = true, reused = true, endpoints = 2 } = options;
	const time = fakeTime();
	const client = new ToldClient(requests);
	const upstreams: ToldUpstream[] = [];
	const waiting: Stage["waiting"] = [];
	const finished: ExchangeRecord[] = [];
	const outcomes: string[] = [];
	const all = Array.from({ length: endpoints }, (_, at) => endpointOf(`10.0.0.${at + 1}:80`));

	function connectionOf(): UpstreamConnection {
		return {
			multiplexes: false,
			times: { beganMs: 0, connectedMs: 1, securedMs: undefined },
			localPort: 40_000,
			served: reused ? 1 : 0,
			open: 0,
			room: 1,
			begin(receiver) {
				const upstream = new ToldUpstream(receiver);
				upstreams.push(upstream);
				return upstream;
			},
			retire: () => undefined,
			destroy: () => undefined,
		};
	}

	function endpointOf(id: string): Endpoint {
		return {
			id,
			address: id.slice(0, -3),
			port: 80,
			authority: "orders.example",
			zone: undefined,
			weight: 1,
			inFlight: 0,
			out: new Set(),
			sinceMs: 0,
			breaker: new CircuitBreaker({}, 0),
			pool: {
				acquire(waiter, fresh) {
					const place = { waiter, fresh, cancelled: false };
					waiting.push(place);
					if (grants) waiter.granted(connectionOf(), reused && !fresh);
					if (grants) return undefined;
					return {
						cancel() {
							place.cancelled = true;
						},
					};
				},
			} as Endpoint["pool"],
		};
	}

	const balancer = {
		call: { kind: "admitted", beganAtMs: 0, under: undefined },
		session: undefined,
		pick: (_request: unknown, tried: readonly Endpoint[] | undefined) =>
			all.find((each) => tried?.includes(each) !== true) ?? all[0],
		ended: (endpoint: Endpoint, _call: unknown, outcome: string) =>
			outcomes.push(`${endpoint.id} ${outcome}`),
	} as unknown as Balancer;
	const group = {
		name: "orders",
		usable: () => all,
		retryBudget: new RetryBudget({}, 0),
	} as unknown as UpstreamGroup;
	const live: LiveUpstream = { group, balancer };
	const settings = { ...plainRoute("orders"), websocket: true, ...route };
	const gate = {
		enter: options.enter ?? (() => ADMITTED),
		observeWait: () => undefined,
	} as unknown as RouteGate;
	const liveRoute = new LiveRoute(settings, {
		gate,
		upstreams: new Map([["orders", live]]),
		mirror: options.mirror,
		plugins: undefined,
		traceIdField: false,
	});
	const parts = {
		now: time.now,
		wheel: new TimerWheel(time.now, time.timers),
		observer: { finished: (record: ExchangeRecord) => void finished.push(record) },
		traceShare: () => 0,
		traceIdField: () => false,
	};
	const site = { forwarding: new Forwarding([]), find: () => liveRoute };
	return {
		time,
		client,
		upstreams,
		waiting,
		finished,
		outcomes,
		begin: (head = plainHead()) => new Exchange(parts, site, head, client),
	};
}
