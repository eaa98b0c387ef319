/** What the UDP listener by mmsg lends to the kernel: it lives as long as the socket, and not a descriptor longer. */
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { type TestContext, test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { createAnswerTable } from "./server-answer-table.ts";
import { createAnswerer } from "./server-answerer.ts";
import { newServerCounters } from "./server-counters.ts";
import { createGate, LOOPBACK_NETWORKS } from "./server-gate.ts";
import { loadMmsgLibc, type MmsgLibc } from "./server-udp-libc.ts";
import { listenUdpMmsg } from "./server-udp-mmsg.ts";
import { exchange, queryFor } from "./testing/dns-clients.ts";
import { scriptedResolver } from "./testing/scripted-resolver.ts";

const libc = await loadMmsgLibc();
const skip = libc === undefined && "not possible here: no koffi, or not Linux";
/** Arrays that a listener lends: packets, names, two of headers, two of pieces. */
const LENT = 6;
const COLLECTIONS_MAX = 50;
const MAJOR_COLLECTIONS = 5;

setFlagsFromString("--expose-gc");
const collect: () => void = runInNewContext("gc");

/** The real functions, with a note of every buffer lent and every descriptor sent on. */
function watched() {
	assert.ok(libc);
	const lent = new Set<ArrayBufferLike>();
	const refs: WeakRef<ArrayBufferLike>[] = [];
	const sentOn: number[] = [];
	const watchedLibc: MmsgLibc = {
		...libc,
		addressOf: (bytes) => {
			lent.add(bytes.buffer);
			return libc.addressOf(bytes);
		},
		sendmmsg: (fd, ...rest) => {
			sentOn.push(fd);
			return libc.sendmmsg(fd, ...rest);
		},
	};
	return {
		libc: watchedLibc,
		sentOn,
		/** From then on only the listener holds them. */
		letGo() {
			refs.push(...[...lent].map((buffer) => new WeakRef(buffer)));
			lent.clear();
		},
		alive: () => refs.filter((ref) => ref.deref() !== undefined).length,
	};
}

async function listen(given: MmsgLibc, address = "127.0.0.1", port = 0) {
	const resolver = scriptedResolver();
	const counters = newServerCounters();
	const table = createAnswerTable({ bytesMax: 1 << 20, namesMax: 1000, seeds: [1, 2] });
	const now = () => performance.now();
	const answerer = createAnswerer({ resolver, table, counters, now });
	const gate = createGate({ allow: LOOPBACK_NETWORKS });
	const listener = await listenUdpMmsg(given, address, port, { answerer, counters, now, gate: () => gate });
	return { resolver, answerer, listener };
}

async function answersAll(port: number, address: string): Promise<void> {
	const queries = Array.from({ length: 200 }, (_, index) => queryFor(`h${index}.test`, index));
	for (const answer of await exchange(port, queries, 200, address)) {
		assert.equal(answer.readUInt32BE(answer.length - 4), 0x0a00_0000 + answer.readUInt16BE(0));
	}
}

async function collectUntil(isEnough: () => boolean): Promise<void> {
	for (let times = 0; times < COLLECTIONS_MAX && !isEnough(); times++) {
		// A reference that was looked at lives until its turn is over.
		await nextTurn();
		collect();
	}
}

/** A function of its own: whoever has the listener in a variable has all that it lent. */
async function servesThroughCollections(memory: ReturnType<typeof watched>, address: string): Promise<void> {
	const { listener } = await listen(memory.libc, address);
	memory.letGo();
	try {
		for (let times = 0; times < MAJOR_COLLECTIONS; times++) {
			await nextTurn();
			collect();
			assert.equal(memory.alive(), LENT);
			await answersAll(listener.port, address);
		}
	} finally {
		await listener.close();
	}
}

for (const address of ["127.0.0.1", "::1"]) {
	test(`${address}: what is lent outlives every collection while the socket is open, and not its end`, {
		skip,
	}, async () => {
		const memory = watched();
		await servesThroughCollections(memory, address);
		await collectUntil(() => memory.alive() === 0);
		assert.equal(memory.alive(), 0);
	});
}

test("an answer that comes after the end is sent on no descriptor: somebody else has it by then", {
	skip,
}, async (t) => {
	const memory = watched();
	const { listener, resolver, answerer } = await listen(memory.libc);
	const queries = [queryFor("never1.test", 1), queryFor("never2.test", 2), queryFor("h3.test", 3)];
	await exchange(listener.port, queries, 1);
	await listener.close();
	memory.sentOn.length = 0;
	const heir = await closing(t, listen(memory.libc));
	resolver.release();
	await answerer.idle();
	await nextTurn();
	assert.deepEqual(memory.sentOn, []);
	await answersAll(heir.listener.port, "127.0.0.1");
});

test("no descriptor stays behind: opened and closed, taken, without such an interface", {
	skip,
}, async (t) => {
	assert.ok(libc);
	const { listener } = await closing(t, listen(libc));
	const before = descriptors();
	for (const address of ["127.0.0.1", "::1"]) await (await listen(libc, address)).listener.close();
	await assert.rejects(listen(libc, "127.0.0.1", listener.port), { code: "EADDRINUSE" });
	await assert.rejects(listen(libc, "192.0.2.1"), { code: "EADDRNOTAVAIL" });
	await assert.rejects(listen(libc, "fe80::1%nosuch0"), { code: "EADDRNOTAVAIL" });
	assert.equal(descriptors(), before);
});

function descriptors(): number {
	return readdirSync("/proc/self/fd").length;
}

async function closing<T extends Awaited<ReturnType<typeof listen>>>(t: TestContext, opened: Promise<T>) {
	const one = await opened;
	t.after(() => one.listener.close());
	return one;
}
