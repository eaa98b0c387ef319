/** The program's own bytes, run on sockets made by hand: needs no right and no kernel. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { StateChange } from "./tcp-life-events.ts";
import { type SocketLayout, tcpProgram, tcpRecordReader, UNTYPED_LAYOUT } from "./tcp-life-program.ts";
import { BpfTable, type BpfWorld, KERNEL_MEMORY, stepBpf } from "./testing/bpf-interpreter.ts";

const RING = 5;
const LOST = 6;
const HERE = { device: 4n, inode: 4026531836n };
const OURS = { ...HERE, thread: 4712, process: 4711 };
const NETWORK = 4026531840n;
/** Socket at 0, its network namespace at 256, as far apart as in no kernel. */
const NETWORK_AT = 256;
const TYPED_LAYOUT: SocketLayout = {
	...UNTYPED_LAYOUT,
	typed: { protocol: 100, localPort: 104, network: 48, networkNumber: 24 },
};
const LAYOUTS = { typed: TYPED_LAYOUT, untyped: UNTYPED_LAYOUT } as const;

const V4 = { family: 2, local: "0a000007", peer: "0a000009" };
const V6 = {
	family: 10,
	local: "20010db8000000000000000000000007",
	peer: "00000000000000000000ffff0a000009",
};

interface Told {
	readonly from?: number;
	readonly to?: number;
	readonly addresses?: typeof V4;
	readonly protocol?: number;
	readonly network?: bigint;
	readonly caller?: BpfWorld["caller"];
	readonly recordsMax?: number;
	/** As after tcp_set_state(CLOSE) of a connection without a port of its own. */
	readonly portGone?: boolean;
}

function tell(
	layout: SocketLayout,
	told: Told,
): { readonly change?: StateChange | undefined; readonly lost: number } {
	const { from = 7, to = 2, addresses = V4, protocol = 6, network = NETWORK } = told;
	const memory = Buffer.alloc(512);
	const isV4 = addresses.family === 2;
	memory.write(addresses.peer, isV4 ? 0 : 56, "hex");
	memory.write(addresses.local, isV4 ? 4 : 72, "hex");
	memory.writeUInt16BE(8080, 12);
	memory.writeUInt16LE(told.portGone ? 0 : 40_001, 14);
	memory.writeUInt16LE(addresses.family, 16);
	memory.writeBigUInt64LE(KERNEL_MEMORY + BigInt(NETWORK_AT), 48);
	memory.writeUInt16LE(protocol, 100);
	memory.writeUInt16BE(40_001, 104);
	memory.writeUInt32LE(Number(network), NETWORK_AT + 24);

	// Of an int the upper half may be anything.
	const context = Buffer.from(
		BigUint64Array.of(KERNEL_MEMORY, JUNK | BigInt(from), JUNK | BigInt(to)).buffer,
	);
	const records: Uint8Array[] = [];
	const lost = new BpfTable(4, 8, 1);
	lost.update(new Uint8Array(4), new Uint8Array(8), 0n);
	const process = { pid: OURS.process, pidNamespace: HERE, network: NETWORK };
	const world = {
		tables: new Map([[LOST, lost]]),
		rings: new Map([[RING, { records, recordsMax: told.recordsMax ?? 1 }]]),
		nowNs: 123_456_789_012_345n,
		kernelMemory: memory,
		userStack: [],
		readUser: () => undefined,
		caller: told.caller ?? OURS,
	};
	const steps = stepBpf(tcpProgram({ layout, process, ring: RING, lost: LOST }), context, world);
	let step = steps.next();
	while (!step.done) step = steps.next();
	assert.equal(step.value, 0n);
	const [record] = records;
	const count = Buffer.from(lost.lookup(new Uint8Array(4)) ?? []).readBigUInt64LE();
	return { change: record && tcpRecordReader()(record), lost: Number(count) };
}

const JUNK = 0xdead_beef_0000_0000n;

for (const [name, layout] of Object.entries(LAYOUTS)) {
	test(`${name}: a change arrives as it was, of IPv4 and of IPv6`, () => {
		const change = {
			sk: KERNEL_MEMORY,
			from: 7,
			to: 2,
			isByUs: true,
			localIp: "10.0.0.7",
			localPort: 40_001,
			peerIp: "10.0.0.9",
			peerPort: 8080,
			timeNs: 123_456_789_012_345n,
		};
		assert.deepEqual(tell(layout, {}), { change, lost: 0 });
		const v6 = { ...change, localIp: "2001:db8::7", peerIp: "10.0.0.9" };
		assert.deepEqual(tell(layout, { addresses: V6 }), { change: v6, lost: 0 });
	});

	test(`${name}: ours is only what is entered by a call, in our process, in its pid namespace`, () => {
		const byUs = (told: Told) => tell(layout, told).change?.isByUs;
		assert.deepEqual(
			[1, 2, 4, 7, 8, 9].map((to) => byUs({ to })),
			[false, true, true, false, false, true],
		);
		assert.equal(byUs({ caller: { ...OURS, process: 99 } }), false);
		assert.equal(byUs({ caller: { ...OURS, inode: 4026532999n } }), false);
	});

	test(`${name}: states that nobody counts are not told`, () => {
		for (const to of [3, 5, 6, 10, 11, 12, 13]) {
			assert.deepEqual(tell(layout, { to }), { change: undefined, lost: 0 }, `${to}`);
		}
	});

	test(`${name}: what finds no room is counted`, () => {
		assert.deepEqual(tell(layout, { recordsMax: 0 }), { change: undefined, lost: 1 });
	});
}

test("with types another protocol and another network namespace are left out; without, they are not", () => {
	for (const told of [{ protocol: 262 }, { network: NETWORK + 1n }]) {
		assert.equal(tell(TYPED_LAYOUT, told).change, undefined);
		assert.notEqual(tell(UNTYPED_LAYOUT, told).change, undefined);
	}
});

test("with types a closed socket still has its port", () => {
	const told = { from: 1, to: 7, portGone: true };
	assert.equal(tell(TYPED_LAYOUT, told).change?.localPort, 40_001);
	assert.equal(tell(UNTYPED_LAYOUT, told).change?.localPort, 0);
});

test("a record of another length, or of states that do not exist, is none", () => {
	const read = tcpRecordReader();
	for (let length = 0; length < 64; length++) assert.equal(read(new Uint8Array(length)), undefined);
	assert.equal(read(new Uint8Array(64)), undefined);
	assert.equal(read(new Uint8Array(64).fill(0xff)), undefined);
});
