/** A pool over fake dials and a clock that a test turns, and people who ask it for connections. */
import { type FakeTime, fakeTime } from "@plumbline/resolver/testing/fake-time";
import type { PoolTicket, PoolWaiter } from "../endpoint.ts";
import { Pool } from "../pool.ts";
import { PoolPorts } from "../pool-ports.ts";
import type { PoolSettings } from "../settings.ts";
import type { Failure, ResponseReceiver } from "../stream.ts";
import { TimerWheel } from "../timer-wheel.ts";
import type { DialTarget, UpstreamConnection } from "../upstream-connection.ts";
import { FakeDials } from "./fake-dials.ts";

export const PLAIN_POOL: PoolSettings = {
	...{ max: 3, maxIdle: 3, idleMs: 4_000, lifetimeMs: Infinity, lifetimeJitter: 0, requestsMax: Infinity },
	...{ queueMax: 10, queueMs: 1_000, warm: 0, connectMs: 1_000, streamsMax: 100, lingerMs: 0 },
};

const PLAIN_TARGET: DialTarget = {
	...{ address: "192.0.2.1", port: 80, protocol: "http", tls: undefined },
	...{ connectMs: 1_000, headBytesMax: 16_384, fieldsMax: 100 },
};

export const PEER = `${PLAIN_TARGET.address}:${PLAIN_TARGET.port}`;

const NOBODY = {} as ResponseReceiver;

export class Asker implements PoolWaiter {
	connection: UpstreamConnection | undefined;
	reused: boolean | undefined;
	failure: Failure | undefined;
	ticket: PoolTicket | undefined;
	isDecided = false;

	granted(connection: UpstreamConnection, reused: boolean): void {
		this.#decide();
		this.connection = connection;
		this.reused = reused;
		connection.begin(NOBODY);
	}

	denied(failure: Failure): void {
		this.#decide();
		this.failure = failure;
	}

	#decide(): void {
		if (this.isDecided) throw new Error("decided twice");
		this.isDecided = true;
	}
}

export interface PoolStage {
	readonly time: FakeTime;
	readonly dials: FakeDials;
	readonly ports: PoolPorts;
	readonly pool: Pool;
	ask(fresh?: boolean): Asker;
}

export function poolStage(
	settings: Partial<PoolSettings> = {},
	target: Partial<DialTarget> = {},
	range = 1_000,
): PoolStage {
	const time = fakeTime();
	const dials = new FakeDials();
	const ports = new PoolPorts(range, () => undefined);
	const wheel = new TimerWheel(time.now, time.timers);
	const pool = new Pool(
		{ ...PLAIN_TARGET, ...target },
		{ ...PLAIN_POOL, ...settings },
		{ dial: dials.dial, ports, wheel, now: time.now, random: () => 0.5 },
	);
	const ask = (fresh = false) => {
		const asker = new Asker();
		asker.ticket = pool.acquire(asker, fresh);
		return asker;
	};
	return { time, dials, ports, pool, ask };
}
