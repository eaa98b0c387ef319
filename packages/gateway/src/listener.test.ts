import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { type ConnectionOptions, connect as connectTls } from "node:tls";
import { makeLabCertificate } from "@plumbline/lab/dns-servers-certificate";
import { missingDnsProgram } from "@plumbline/lab/dns-servers-program";
import { ListResponseHead, NO_EDITS } from "./message.ts";
import type { OnRequest } from "./stream.ts";
import { h1Stage, RawClient, type StageWishes } from "./testing/h1-stage.ts";
import { rawUpstream } from "./testing/test-upstream-raw.ts";

const skip = missingDnsProgram("openssl");
const GET = "GET /a HTTP/1.1\r\nHost: a.example\r\n\r\n";

/** Tells the client who it is. */
const who: OnRequest = ({ scheme }, stream) => {
	const { address, tls, listener } = stream.client;
	const body = Buffer.from(`${scheme} ${address} ${tls?.serverName} ${listener};`);
	stream.head(new ListResponseHead(200, [], body.length), NO_EDITS);
	stream.data(body);
	stream.end(undefined);
	return {
		data: () => undefined,
		end: () => undefined,
		reset: () => undefined,
		drained: () => undefined,
		batchEnd: () => undefined,
	};
};

async function open(t: TestContext, wishes: StageWishes) {
	const stage = await h1Stage({ onRequest: who, ...wishes });
	t.after(() => stage.close());
	const client = () => {
		const raw = new RawClient(stage.port);
		t.after(() => raw.close());
		return raw;
	};
	return { ...stage, client };
}

function folderOf(t: TestContext): string {
	const folder = mkdtempSync(join(tmpdir(), "listener-"));
	t.after(() => rmSync(folder, { recursive: true, force: true }));
	return folder;
}

test("both protocols on one port are told apart by the first bytes, in whatever pieces", async (t) => {
	const { client } = await open(t, { listener: { protocols: ["h1", "h2"] } });
	const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
	for (let at = 1; at < preface.length; at += 3) {
		const raw = client();
		raw.write(preface.slice(0, at));
		await new Promise((resolve) => setImmediate(resolve));
		raw.write(preface.slice(at));
		assert.equal(await raw.untilEnd(), "HTTP/2 it is");
	}
	const plain = client();
	plain.write(GET);
	await plain.until("http 127.0.0.1 undefined stage;");
	const neither = client();
	neither.write("PRI * HTTP/1.1\r\nHost: a\r\n\r\n");
	await neither.until(/HTTP\/1.1 \d/);
});

test("who says nothing, or only the beginning of a preface, is closed in time", async (t) => {
	const { client, time, listener } = await open(t, { listener: { protocols: ["h1", "h2"] } });
	const silent = client();
	const slow = client();
	slow.write("PRI");
	while (listener.counts.open < 2) await new Promise((resolve) => setImmediate(resolve));
	for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
	await time.pass(10_100);
	await slow.untilEnd();
	assert.equal(silent.ended, false);
	await time.pass(60_000);
	await silent.untilEnd();
});

test("connections beyond the most there may be are closed at once, and places come free again", async (t) => {
	const { client, listener } = await open(t, { listener: { connectionsMaxPerClient: 2 } });
	const first = client();
	const second = client();
	for (const raw of [first, second]) {
		raw.write(GET);
		await raw.until("stage;");
	}
	await client().closed;
	assert.deepEqual(listener.counts, { open: 2, accepted: 2, refused: 1 });
	first.close();
	while (listener.counts.open === 2) await new Promise((resolve) => setImmediate(resolve));
	const third = client();
	third.write(GET);
	await third.until("stage;");
});

test("when all places are taken, the oldest connection that carries nothing makes room", async (t) => {
	const unanswered: OnRequest = () => ({
		data: () => undefined,
		end: () => undefined,
		reset: () => undefined,
		drained: () => undefined,
		batchEnd: () => undefined,
	});
	const onRequest: OnRequest = (head, stream) => (head.path === "/a" ? who : unanswered)(head, stream);
	const { client, listener } = await open(t, { onRequest, listener: { connectionsMax: 3 } });
	const busy = client();
	busy.write("GET /busy HTTP/1.1\r\nHost: a.example\r\n\r\n");
	while (listener.counts.open < 1) await new Promise((resolve) => setImmediate(resolve));
	const idle = [client(), client()];
	for (const raw of idle) {
		raw.write(GET);
		await raw.until("stage;");
	}
	const newcomer = client();
	newcomer.write(GET);
	await newcomer.until("stage;");
	await idle[0]?.untilEnd();
	assert.equal(busy.ended, false);
	assert.equal(listener.counts.refused, 0);
	assert.equal(listener.counts.open, 3);
});

test("a unix socket is listened on, also where a dead process left one", async (t) => {
	const path = join(folderOf(t), "gateway.sock");
	for (let round = 0; round < 2; round++) {
		const stage = await h1Stage({ onRequest: who, listener: { path, host: undefined, port: undefined } });
		const socket = connect(path);
		socket.write(GET);
		const [bytes] = await once(socket, "data");
		assert.match(String(bytes), /http {2}undefined stage;$/);
		if (round === 0)
			await assert.rejects(h1Stage({ onRequest: who, listener: { path } }), { code: "EADDRINUSE" });
		socket.destroy();
		await stage.close();
		if (round === 0) leaveSocketBehind(path);
	}
});

/** As a process does that is killed. */
function leaveSocketBehind(path: string): void {
	const { status } = spawnSync(process.execPath, [
		"-e",
		`require("node:net").createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, "SIGKILL"))`,
	]);
	assert.equal(status, null);
}

test("TLS: pairs by server name, new pairs for new connections, and clients that must prove themselves", {
	skip,
}, async (t) => {
	const folder = folderOf(t);
	const make = async (name: string) => {
		const pair = await makeLabCertificate(mkdtempSync(join(folder, "made-")), name);
		const certificate = join(folder, `${name}.pem`);
		const key = join(folder, `${name}.key`);
		const authority = join(folder, `${name}.ca`);
		writeFileSync(certificate, pair.certificate);
		writeFileSync(key, pair.key);
		writeFileSync(authority, pair.certificateAuthority);
		return { name, certificate, key, authority, pem: pair };
	};
	const [one, two, fresh] = [await make("one.test"), await make("two.test"), await make("new.test")];
	const { port, listener } = await open(t, {
		listener: { tls: { pairs: [one, two], clientAuthority: undefined }, protocols: ["h1", "h2"] },
	});
	const answer = async (by: Awaited<ReturnType<typeof make>>, more: ConnectionOptions = {}) => {
		const socket = connectTls({
			port,
			host: "127.0.0.1",
			servername: by.name,
			ca: by.pem.certificateAuthority,
			ALPNProtocols: ["http/1.1"],
			...more,
		});
		t.after(() => socket.destroy());
		socket.on("secureConnect", () => socket.write(GET));
		const [bytes] = await once(socket, "data");
		return String(bytes).split("\r\n\r\n")[1] ?? "";
	};
	assert.equal(await answer(one), "https 127.0.0.1 one.test stage;");
	assert.equal(await answer(two), "https 127.0.0.1 two.test stage;");
	await assert.rejects(answer(fresh), { code: "UNABLE_TO_VERIFY_LEAF_SIGNATURE" });

	const { settings } = listener;
	listener.use({ ...settings, tls: { pairs: [fresh], clientAuthority: undefined } });
	assert.equal(await answer(fresh), "https 127.0.0.1 new.test stage;");
	assert.throws(() =>
		listener.use({ ...settings, tls: { pairs: [{ ...one, key: two.key }], clientAuthority: undefined } }),
	);
	assert.equal(await answer(fresh), "https 127.0.0.1 new.test stage;");

	const strict = await open(t, {
		listener: { tls: { pairs: [one], clientAuthority: two.authority }, protocols: ["h1", "h2"] },
	});
	// A certificate for servers proves nothing about a client either.
	for (const proof of [{}, { cert: two.pem.certificate, key: two.pem.key }]) {
		const socket = connectTls({ port: strict.port, rejectUnauthorized: false, ...proof });
		t.after(() => socket.destroy());
		let heard = 0;
		socket.on("data", () => heard++);
		socket.on("error", () => undefined);
		socket.on("secureConnect", () => socket.write(GET));
		await new Promise((resolve) => socket.on("close", resolve));
		assert.equal(heard, 0);
	}
});

test("towards an upstream behind TLS: the certificate is checked, if it shall be", {
	skip,
}, async (t) => {
	const folder = folderOf(t);
	const pem = await makeLabCertificate(folder, "up.test");
	const certificate = join(folder, "up.pem");
	const key = join(folder, "up.key");
	writeFileSync(certificate, pem.certificate);
	writeFileSync(key, pem.key);
	const up = await open(t, {
		listener: { tls: { pairs: [{ certificate, key }], clientAuthority: undefined } },
	});
	const tls = {
		serverName: "up.test",
		verify: true,
		authority: pem.certificateAuthority,
		certificate: undefined,
		key: undefined,
	};
	const upstream = { port: up.port, protocol: "https" as const };
	for (const [each, wanted] of [
		[tls, /https 127.0.0.1 up.test stage;/],
		[{ ...tls, serverName: "other.test" }, /502[\s\S]*connect\n/],
		[{ ...tls, authority: undefined }, /502[\s\S]*connect\n/],
		[{ ...tls, authority: undefined, verify: false }, /https 127.0.0.1 up.test stage;/],
	] as const) {
		const stage = await h1Stage({ upstream: { ...upstream, tls: each } });
		const raw = new RawClient(stage.port);
		raw.write(GET);
		await raw.until(wanted);
		raw.close();
		await stage.close();
	}
});

test("no connection where nobody listens, and none within the time is another failure", async (t) => {
	const gone = await rawUpstream(() => undefined);
	await gone.close();
	const refused = await h1Stage({ upstream: { port: gone.port } });
	t.after(() => refused.close());
	const raw = new RawClient(refused.port);
	t.after(() => raw.close());
	raw.write(GET);
	await raw.until("connect\n");
	assert.deepEqual(
		refused.forwarder.failures.map(({ kind }) => kind),
		["connect"],
	);
});
