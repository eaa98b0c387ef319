/**
 * What a pool costs a request: taking an idle connection and giving it back, and waiting for one at the limit.
 *
 *   node --expose-gc bench/src/gateway/pool.ts [--rounds 5]
 *
 * Connections are stand-ins that only count, so what is measured is the pool and two looks at the clock; `clock` says
 * what those cost. `bytes` is the heap that one pair leaves behind before a collection.
 */
import { parseArgs } from "node:util";
import type { PoolWaiter } from "@plumbline/gateway/endpoint";
import { Pool } from "@plumbline/gateway/pool";
import { PoolPorts } from "@plumbline/gateway/pool-ports";
import type { PoolSettings } from "@plumbline/gateway/settings";
import type { ClientStream, ResponseReceiver } from "@plumbline/gateway/stream";
import { TimerWheel } from "@plumbline/gateway/timer-wheel";
import type { ConnectionOwner, DialTarget, UpstreamConnection } from "@plumbline/gateway/upstream-connection";

const PAIRS = 2_000_000;
const CONNECTIONS = 61;
const NS_PER_US = 1_000;
const { values } = parseArgs({ options: { rounds: { type: "string", default: "5" } } });

const settings: PoolSettings = {
	...{ max: CONNECTIONS, maxIdle: CONNECTIONS, idleMs: 60_000, lifetimeMs: 3_600_000, lifetimeJitter: 0.1 },
	...{ requestsMax: Infinity, queueMax: 1_000, queueMs: 1_000, warm: 0, connectMs: 1_000 },
	...{ streamsMax: 100, lingerMs: 0 },
};

const target = (protocol: DialTarget["protocol"]): DialTarget => ({
	...{ address: "192.0.2.1", port: 80, protocol, tls: undefined },
	...{ connectMs: 1_000, headBytesMax: 16_384, fieldsMax: 100 },
});

const STREAM = {} as ClientStream;
const RECEIVER = {} as ResponseReceiver;

class Counting implements UpstreamConnection {
	readonly multiplexes: boolean;
	readonly times = { beganMs: 0, connectedMs: 0, securedMs: undefined };
	readonly localPort = 1;
	served = 0;
	open = 0;
	room: number;
	readonly #owner: ConnectionOwner;

	constructor(owner: ConnectionOwner, room: number) {
		this.#owner = owner;
		this.room = room;
		this.multiplexes = room > 1;
	}

	begin(_receiver: ResponseReceiver): ClientStream {
		this.served++;
		this.open++;
		this.room--;
		return STREAM;
	}

	finish(): void {
		this.open--;
		this.room++;
		this.#owner.roomChanged(this);
	}

	retire(): void {}

	destroy(): void {}
}

class Taker implements PoolWaiter {
	connection: Counting | undefined = undefined;

	granted(connection: UpstreamConnection, _reused: boolean): void {
		this.connection = connection as Counting;
		connection.begin(RECEIVER);
	}

	denied(): void {
		throw new Error("denied");
	}
}

function poolOf(protocol: DialTarget["protocol"], room: number): Pool {
	const now = () => performance.now();
	const ports = new PoolPorts(28_000, () => undefined);
	return new Pool(target(protocol), settings, {
		dial: (_, owner) => {
			owner.ready(new Counting(owner, room));
			return { abandon: () => undefined };
		},
		...{ ports, wheel: new TimerWheel(now), now, random: () => 0.5 },
	});
}

function pairs(pool: Pool, fresh: Taker): void {
	for (let pair = 0; pair < PAIRS; pair++) {
		pool.acquire(fresh, false);
		fresh.connection?.finish();
	}
}

/** All are taken; each that is given back goes to who waits. */
function waits(pool: Pool): void {
	const holders = Array.from({ length: CONNECTIONS }, () => new Taker());
	for (const holder of holders) pool.acquire(holder, false);
	let holder = holders[0] as Taker;
	let waiter = new Taker();
	for (let pair = 0; pair < PAIRS; pair++) {
		pool.acquire(waiter, false);
		holder.connection?.finish();
		[holder, waiter] = [waiter, holder];
	}
	for (const each of new Set([...holders.slice(1), holder])) each.connection?.finish();
}

function filled(protocol: DialTarget["protocol"], room: number): Pool {
	const pool = poolOf(protocol, room);
	const takers = Array.from({ length: CONNECTIONS }, () => new Taker());
	for (const taker of takers) pool.acquire(taker, false);
	for (const taker of takers) taker.connection?.finish();
	return pool;
}

let seen = 0;
const subjects: Readonly<Record<string, () => void>> = {
	clock: () => {
		for (let pair = 0; pair < PAIRS; pair++) seen += performance.now() + performance.now();
	},
	"idle, one exchange a connection": pairs.bind(undefined, filled("http", 1), new Taker()),
	"idle, many exchanges a connection": pairs.bind(undefined, filled("h2c", 100), new Taker()),
	"at the limit, one waits": waits.bind(undefined, filled("http", 1)),
};

for (let round = 0; round < Number(values.rounds); round++) {
	for (const [name, run] of Object.entries(subjects)) {
		globalThis.gc?.();
		const heapBefore = process.memoryUsage().heapUsed;
		const before = process.threadCpuUsage();
		run();
		const { user, system } = process.threadCpuUsage(before);
		const bytes = (process.memoryUsage().heapUsed - heapBefore) / PAIRS;
		const ns = ((user + system) * NS_PER_US) / PAIRS;
		process.stdout.write(
			`${name.padEnd(36)} ${ns.toFixed(0).padStart(5)} ns ${bytes.toFixed(1).padStart(6)} bytes\n`,
		);
	}
}
process.exitCode = seen === 0 ? 1 : 0;
process.exit();
