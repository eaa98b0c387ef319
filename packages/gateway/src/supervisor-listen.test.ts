import assert from "node:assert/strict";
import { once } from "node:events";
import { closeSync, existsSync, rmSync, statSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { place } from "./config-units.ts";
import { RestartBackoff } from "./supervisor-backoff.ts";
import { loadSocketLibc } from "./supervisor-libc.ts";
import { listenAt } from "./supervisor-listen.ts";
import { passDescriptor, passingPair, takeDescriptor } from "./supervisor-pass.ts";

const libc = await loadSocketLibc();

describe("sockets that outlive servers", { skip: libc === undefined ? "missing tool: koffi" : false }, () => {
	assert.ok(libc !== undefined);
	const at = (text: string) => place(text) ?? assert.fail(text);

	test("what waits in the queue is served by the next server on it", async () => {
		const { fds, place: text } = listenAt(libc, at("127.0.0.1:0"), 1);
		const port = Number(text.split(":")[1]);
		const client = connect(port, "127.0.0.1");
		await once(client, "connect");
		const server = createServer((socket) => socket.end("served"));
		server.listen({ fd: fds[0] });
		assert.equal(String((await once(client, "data"))[0]), "served");
		server.close();
	});

	test("a place of somebody else is refused, though both would share it", () => {
		const { fds, place: text } = listenAt(libc, at("127.0.0.1:0"), 2);
		assert.throws(() => listenAt(libc, at(text), 1), /cannot listen on 127.*another program has this place/);
		for (const fd of fds) closeSync(fd);
		const again = listenAt(libc, at(text), 1);
		for (const fd of again.fds) closeSync(fd);
		assert.throws(() => listenAt(libc, at("192.0.2.1:0"), 1), /this host has no such address/);
	});

	test("a socket file that nobody serves is taken over, one that answers is not", () => {
		const path = join(tmpdir(), `plumbline-listen-${process.pid}.sock`);
		const [fd = -1] = listenAt(libc, at(`unix:${path}`), 2).fds;
		assert.throws(() => listenAt(libc, at(`unix:${path}`), 1), /another program/);
		closeSync(fd);
		assert.ok(existsSync(path));
		closeSync(listenAt(libc, at(`unix:${path}`), 1).fds[0] ?? -1);
	});

	test("the socket file of admin is its owner's alone, whatever the mask of the process allows", () => {
		const path = join(tmpdir(), `plumbline-admin-${process.pid}.sock`);
		const before = process.umask(0);
		try {
			const [fd = -1] = listenAt(libc, at(`unix:${path}`), 1, "owner").fds;
			assert.equal(statSync(path).mode & 0o777, 0o600);
			closeSync(fd);
		} finally {
			process.umask(before);
			rmSync(path, { force: true });
		}
	});

	test("descriptors pass in their order, each once", async () => {
		const [ours, theirs] = passingPair(libc) ?? assert.fail();
		const { fds, place: text } = listenAt(libc, at("127.0.0.1:0"), 2);
		for (const fd of fds) assert.ok(passDescriptor(libc, ours, fd));
		for (const fd of fds) closeSync(fd);
		const taken = [takeDescriptor(libc, theirs), takeDescriptor(libc, theirs)];
		assert.equal(takeDescriptor(libc, theirs), undefined);
		const servers = taken.map((fd) => createServer((socket) => socket.end("passed")).listen({ fd }));
		const client = connect(Number(text.split(":")[1]), "127.0.0.1");
		assert.equal(String((await once(client, "data"))[0]), "passed");
		for (const server of servers) server.close();
		closeSync(theirs);
		assert.equal(passDescriptor(libc, ours, 0), false);
		closeSync(ours);
	});
});

test("who crashes again and again waits longer, up to a bound; who has lived for a while begins anew", () => {
	const backoff = new RestartBackoff();
	assert.deepEqual(
		[0, 1, 2, 3].map((ms) => backoff.crashed(ms)),
		[0, 200, 400, 800],
	);
	for (let crash = 0; crash < 20; crash++) assert.ok(backoff.crashed(10) <= 10_000);
	assert.equal(backoff.crashed(100_000), 0);
});
