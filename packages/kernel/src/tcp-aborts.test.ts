import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { readTcpAborts } from "./tcp-aborts.ts";

test("a close with bytes unread is counted by the running kernel", async (t) => {
	const before = readTcpAborts(process.pid);
	if (before.kind === "refused") return t.skip(`not possible here: ${before.why}`);
	const server = createServer((socket) => {
		socket.on("error", () => {});
		socket.end("nobody reads this");
	}).listen(0, "127.0.0.1");
	await once(server, "listening");
	const { port } = server.address() as { port: number };
	for (let n = 0; n < 7; n++) {
		const socket = connect({ port, host: "127.0.0.1" });
		socket.pause();
		await once(socket, "connect");
		// The server has sent its words before its own close is seen by a later connection.
		await once(connect({ port, host: "127.0.0.1" }).resume(), "end");
		socket.destroy();
		await once(socket, "close");
	}
	server.close();
	const after = readTcpAborts(process.pid);
	assert.ok(after.kind === "read" && after.value >= before.value + 7, JSON.stringify([before, after]));
});

test("both counters are found by their names; a kernel without them is refused", (t) => {
	const proc = mkdtempSync(join(tmpdir(), "plumbline-netstat-"));
	t.after(() => rmSync(proc, { recursive: true }));
	mkdirSync(join(proc, "7", "net"), { recursive: true });
	const write = (text: string) => writeFileSync(join(proc, "7", "net", "netstat"), text);
	write("TcpExt: A TCPAbortOnData B TCPAbortOnClose\nTcpExt: 1 20 3 400\nIpExt: TCPAbortOnData\nIpExt: 9\n");
	assert.deepEqual(readTcpAborts(7, proc), { kind: "read", value: 420 });
	for (const text of ["", "TcpExt: A\nTcpExt: 1\n", "TcpExt: TCPAbortOnData TCPAbortOnClose\nTcpExt: 1\n"]) {
		write(text);
		assert.equal(readTcpAborts(7, proc).kind, "refused", text);
	}
	assert.equal(readTcpAborts(8, proc).kind, "refused");
});
