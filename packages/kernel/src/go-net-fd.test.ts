/** A real Go program tells where its connections are and which ports they have; its memory must say the same. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { socketsOfConnections } from "./go-net-fd.ts";
import { openProcessMemory } from "./process-memory.ts";
import { runGoMemory } from "./testing/go-memory.ts";

const program = await runGoMemory();
after(() => program?.end());

function memoryOf(pid: number) {
	const memory = openProcessMemory(pid);
	assert.ok(memory.kind === "read", memory.kind === "refused" ? memory.why : "");
	return memory.value;
}

test("every pooled connection's socket, and silence where it is uncertain", (t) => {
	if (program === undefined) return t.skip("missing tool: go");
	const memory = memoryOf(program.pid);
	const { connections, tcpFds } = program;
	const handles = connections.map(({ handle }) => handle);
	const found = socketsOfConnections(memory, handles, tcpFds);
	assert.deepEqual(
		connections.map(({ name, handle }) => [name, found.get(handle)]),
		connections.map(({ name, local, remote, told }) => [
			name,
			told
				? tcpFds.find(({ localPort, remotePort }) => localPort === local && remotePort === remote)
				: undefined,
		]),
	);
	assert.equal(found.size, connections.filter(({ told }) => told).length);
	memory.close();
});

test("nothing is told of sockets that are unknown, or known with other ports", (t) => {
	if (program === undefined) return t.skip("missing tool: go");
	const memory = memoryOf(program.pid);
	const handles = program.connections.map(({ handle }) => handle);
	for (const tcpFds of [
		[],
		program.tcpFds.map((socket) => ({ ...socket, localPort: socket.localPort ^ 1 })),
		program.tcpFds.map((socket) => ({ ...socket, remotePort: socket.remotePort ^ 1 })),
		program.tcpFds.map((socket) => ({ ...socket, fd: socket.fd + 1_000 })),
	]) {
		assert.equal(socketsOfConnections(memory, handles, tcpFds).size, 0);
	}
	memory.close();
});

test("an address inside a handle, or none at all, never leads to another's socket", (t) => {
	if (program === undefined) return t.skip("missing tool: go");
	const memory = memoryOf(program.pid);
	const { connections, tcpFds } = program;
	const handles = new Set(connections.map(({ handle }) => handle));
	for (const by of [4, 8, 16, 24, 48, 56]) {
		const inside = connections.filter(({ handle }) => !handles.has(handle + by));
		const addresses = inside.map(({ handle }) => handle + by);
		const found = socketsOfConnections(memory, addresses, tcpFds);
		for (const { name, handle, local } of inside) {
			const socket = found.get(handle + by);
			assert.ok(socket === undefined || socket.localPort === local, `${by} behind ${name} at ${handle}`);
		}
	}
	assert.equal(socketsOfConnections(memory, [0, 1, 7, 2 ** 47, Number.NaN, -8], tcpFds).size, 0);
	memory.close();
});
