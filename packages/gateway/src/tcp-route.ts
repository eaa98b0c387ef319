/**
 * A plain TCP route: every connection that comes is carried to an endpoint of its upstream, byte for byte.
 *
 *   client ──▶ accepted ──▶ dialled ──┬─▶ bytes both ways, each with the other's pace ──▶ both ended, idle, or broken
 *                 │             └─ not reached: the next endpoint, TRIES_MAX in all
 *                 └─ full: closed at once
 *
 * A side that has ended sending is told so to the other (half-close): protocols that wait for the rest keep working.
 */
import { connect, type Socket } from "node:net";
import type { AdmittedCall, CallOutcome } from "@plumbline/policy/circuit-breaker";
import type { Session } from "@plumbline/policy/ring-migration";
import type { Balancer } from "./balancer.ts";
import type { Endpoint } from "./endpoint.ts";
import type { LiveUpstream } from "./live-upstream.ts";
import type { TcpSettings } from "./settings.ts";
import { type TimerWheel, WheelTimer } from "./timer-wheel.ts";

export interface TcpRouteParts {
	/** Monotonic milliseconds. */
	readonly now: () => number;
	readonly wheel: TimerWheel;
}

export interface TcpRouteCounts {
	readonly open: number;
	readonly accepted: number;
	/** connectionsMax was reached. */
	readonly turnedAway: number;
	/** No endpoint took them. */
	readonly failed: number;
	readonly bytesIn: number;
	readonly bytesOut: number;
}

/** Endpoints that are dialled for one client, one after the other. */
const TRIES_MAX = 3;

export class TcpRoute {
	settings: TcpSettings;
	#upstream: LiveUpstream;
	readonly #parts: TcpRouteParts;
	readonly #carried = new Set<Carried>();
	readonly #counts = { accepted: 0, turnedAway: 0, failed: 0, bytesIn: 0, bytesOut: 0 };

	constructor(settings: TcpSettings, upstream: LiveUpstream, parts: TcpRouteParts) {
		this.settings = settings;
		this.#upstream = upstream;
		this.#parts = parts;
	}

	get counts(): TcpRouteCounts {
		return { open: this.#carried.size, ...this.#counts };
	}

	/** For connections from now on. */
	update(settings: TcpSettings, upstream: LiveUpstream): void {
		this.settings = settings;
		this.#upstream = upstream;
	}

	/** The socket is the route's from now on; it was accepted with allowHalfOpen. */
	carry(client: Socket): void {
		if (this.#carried.size >= this.settings.connectionsMax) {
			this.#counts.turnedAway++;
			client.destroy();
			return;
		}
		this.#counts.accepted++;
		const carried = new Carried(client, this.#upstream, this.settings.idleMs, this.#parts, (wasServed) => {
			this.#carried.delete(carried);
			if (!wasServed) this.#counts.failed++;
			this.#counts.bytesIn += carried.bytesIn;
			this.#counts.bytesOut += carried.bytesOut;
		});
		this.#carried.add(carried);
		carried.begin();
	}

	/** Cuts whatever is under way. */
	close(): void {
		for (const carried of [...this.#carried]) carried.cut();
	}
}

class Carried {
	readonly #client: Socket;
	readonly #live: LiveUpstream;
	readonly #idleMs: number;
	readonly #parts: TcpRouteParts;
	readonly #ended: (wasServed: boolean) => void;
	readonly #idle: WheelTimer;
	readonly #tried: Endpoint[] = [];
	#server: Socket | undefined = undefined;
	#call:
		| {
				readonly balancer: Balancer;
				readonly endpoint: Endpoint;
				readonly call: AdmittedCall;
				readonly session: Session | undefined;
		  }
		| undefined;
	#connected = false;
	#over = false;

	constructor(
		client: Socket,
		live: LiveUpstream,
		idleMs: number,
		parts: TcpRouteParts,
		ended: (wasServed: boolean) => void,
	) {
		this.#client = client;
		this.#live = live;
		this.#idleMs = idleMs;
		this.#parts = parts;
		this.#ended = ended;
		this.#idle = new WheelTimer(() => this.cut());
	}

	get bytesIn(): number {
		return this.#client.bytesRead;
	}

	get bytesOut(): number {
		return this.#client.bytesWritten;
	}

	begin(): void {
		const client = this.#client;
		client.pause();
		client.on("error", () => this.cut());
		client.on("close", () => this.#sideClosed());
		this.#dial();
	}

	/** Now. */
	cut(): void {
		this.#end("ignored");
		this.#client.destroy();
		this.#server?.destroy();
	}

	#dial(): void {
		const { balancer, group } = this.#live;
		const request = { clientAddress: this.#client.remoteAddress ?? "", head: undefined };
		const endpoint = balancer.pick(request, this.#tried, this.#parts.now());
		if (endpoint === undefined) {
			this.cut();
			return;
		}
		this.#call = { balancer, endpoint, call: balancer.call, session: balancer.session };
		const server = connect({
			host: endpoint.address,
			port: endpoint.port,
			allowHalfOpen: true,
			noDelay: true,
		});
		this.#server = server;
		const tooLate = new WheelTimer(() => server.destroy(new Error("the connection was not made in time")));
		this.#parts.wheel.start(tooLate, group.settings.pool.connectMs);
		server.on("connect", () => {
			this.#parts.wheel.stop(tooLate);
			this.#connected = true;
			this.#carry(server);
		});
		server.on("error", () => {
			this.#parts.wheel.stop(tooLate);
			if (this.#connected) this.cut();
			else this.#nextEndpoint(endpoint);
		});
		server.on("close", () => this.#sideClosed());
	}

	#nextEndpoint(endpoint: Endpoint): void {
		if (this.#over) return;
		this.#tried.push(endpoint);
		this.#endCall("failure");
		if (this.#tried.length < TRIES_MAX && this.#tried.length < this.#live.group.usable().length) this.#dial();
		else this.cut();
	}

	#carry(server: Socket): void {
		const client = this.#client;
		const seen = () => this.#parts.wheel.start(this.#idle, this.#idleMs);
		seen();
		client.on("data", seen);
		server.on("data", seen);
		client.pipe(server);
		server.pipe(client);
	}

	#sideClosed(): void {
		const bothClosed = this.#client.closed && this.#server?.closed === true;
		if (bothClosed || (this.#client.closed && !this.#connected)) this.cut();
		else if (this.#connected && (this.#client.errored || this.#server?.errored)) this.cut();
	}

	#end(outcome: CallOutcome): void {
		if (this.#over) return;
		this.#over = true;
		this.#parts.wheel.stop(this.#idle);
		this.#endCall(this.#connected ? "success" : outcome);
		this.#ended(this.#connected);
	}

	#endCall(outcome: CallOutcome): void {
		const under = this.#call;
		this.#call = undefined;
		if (under === undefined) return;
		under.balancer.ended(under.endpoint, under.call, outcome, under.session, this.#parts.now());
	}
}
