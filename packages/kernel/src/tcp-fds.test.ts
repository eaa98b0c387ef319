/** This process's own connections over loopback, against what it knows of them itself. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, connect, createServer } from "node:net";
import { test } from "node:test";
import { readTcpFds } from "./tcp-fds.ts";

async function portsOf(pid: number): Promise<string[]> {
	const reading = await readTcpFds(pid);
	assert.ok(reading.kind === "read", reading.kind === "refused" ? reading.why : "");
	const held = reading.value;
	assert.equal(new Set(held.map(({ fd }) => fd)).size, held.length);
	assert.ok(held.every(({ fd, inode }) => Number.isInteger(fd) && fd >= 0 && inode > 0));
	return held.map(({ localPort, remotePort }) => `${localPort} ${remotePort}`);
}

test("both ends of a connection and the listener, each with its own descriptor; gone when closed", async (t) => {
	for (const host of ["127.0.0.1", "::1"]) {
		const server = createServer();
		server.listen(0, host);
		try {
			await once(server, "listening");
		} catch {
			// A machine without IPv6 has nothing to show of it.
			continue;
		}
		t.after(() => server.close());
		const { port } = server.address() as AddressInfo;
		const client = connect(port, host);
		const [accepted] = await once(server, "connection");
		t.after(() => client.destroy());
		const own = client.localPort ?? 0;
		const ports = await portsOf(process.pid);
		for (const wanted of [`${own} ${port}`, `${port} ${own}`, `${port} 0`]) {
			assert.equal(ports.filter((one) => one === wanted).length, 1, `${host}: ${wanted} of ${ports.join()}`);
		}
		client.destroy();
		accepted.destroy();
		await Promise.all([once(client, "close"), once(accepted, "close")]);
		const after = await portsOf(process.pid);
		assert.ok(!after.includes(`${own} ${port}`));
		assert.ok(after.includes(`${port} 0`));
	}
});

test("no such process: refused; interrupted: rejects", async () => {
	const refusal = await readTcpFds(2 ** 30);
	assert.equal(refusal.kind, "refused");
	await assert.rejects(readTcpFds(process.pid, AbortSignal.abort()), { name: "AbortError" });
});
