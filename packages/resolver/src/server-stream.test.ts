/** TCP, TLS and HTTPS, with dig and kdig as clients, and bare sockets for what those would not do. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect as connectHttp2 } from "node:http2";
import { request as requestHttps } from "node:https";
import { connect, type Socket } from "node:net";
import { type TestContext, test } from "node:test";
import { connect as connectTls } from "node:tls";
import { type LabCertificate, makeLabCertificate } from "@plumbline/lab/dns-servers-certificate";
import { missingDnsProgram } from "@plumbline/lab/dns-servers-program";
import { makeScratchFolder, removeScratchFolder } from "@plumbline/lab/tied-process";
import { dig, kdig, queryFor } from "./testing/dns-clients.ts";
import { type Served, serveHere } from "./testing/serve-here.ts";
import { FrameReader, frame } from "./transport-frames.ts";

const noDig = missingDnsProgram("dig");
const noTls = missingDnsProgram("openssl", "kdig", "dig");
const NAME = "dns.plumbline.test";

async function withTls(t: TestContext): Promise<Served & { readonly identity: LabCertificate }> {
	const folder = makeScratchFolder();
	t.after(() => removeScratchFolder(folder));
	const identity = await makeLabCertificate(folder, NAME);
	const free = [{ address: "127.0.0.1", port: 0 }];
	return { ...(await serveHere(t, { dot: free, doh: free, tls: identity })), identity };
}

/** The next whole answers of a connection. */
async function answersOf(socket: Socket, wanted: number): Promise<Uint8Array[]> {
	const reader = new FrameReader();
	const answers: Uint8Array[] = [];
	for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
		answers.push(...(reader.read(chunk) ?? []));
		if (answers.length >= wanted) return answers;
	}
	return answers;
}

/** However it came about. */
const closed = (socket: Socket) => new Promise<void>((resolve) => socket.once("close", () => resolve()));

const idOf = (answer: Uint8Array | undefined) => ((answer?.[0] ?? 0) << 8) | (answer?.[1] ?? 0);

test("tcp: dig, also for what is too large for UDP", { skip: noDig }, async (t) => {
	const { port, server } = await serveHere(t);
	assert.match(await dig(port, "+tcp", "H7.test"), /^H7\.test\.\s+300\s+IN\s+A\s+10\.0\.0\.7$/m);
	assert.match(await dig(port, "+tcp", "big.test", "TXT"), /ANSWER: 1/);
	assert.match(await dig(port, "+tcp", "fail.test"), /status: SERVFAIL[\s\S]*EDE: 22/);
	assert.match(await dig(port, "+tcp", "+edns=1", "+noednsneg", "h1.test"), /status: BADVERS/);
	assert.ok(server.counters.tcpQueries >= 4);
});

test("tcp: queries one behind another, answers as they are ready", async (t) => {
	const { port, resolver } = await serveHere(t);
	const socket = connect(port, "127.0.0.1");
	t.after(() => socket.destroy());
	const names = ["never.test", "h1.test", "h2.test"];
	socket.write(Buffer.concat(names.map((name, index) => frame(queryFor(name), index + 1))));
	const first = await answersOf(socket, 2);
	assert.deepEqual(first.map(idOf).sort(), [2, 3], "the slow one holds up nobody");
	resolver.release();
	assert.deepEqual((await answersOf(socket, 1)).map(idOf), [1]);
});

test("tcp: octet by octet is a query too", async (t) => {
	const { port } = await serveHere(t);
	const socket = connect({ port, host: "127.0.0.1", noDelay: true });
	t.after(() => socket.destroy());
	await once(socket, "connect");
	for (const octet of frame(queryFor("h4.test"), 9)) socket.write(Uint8Array.of(octet));
	assert.deepEqual((await answersOf(socket, 1)).map(idOf), [9]);
});

test("tcp: 1000 queries in one write are all answered, though few may be under way", async (t) => {
	const { port } = await serveHere(t);
	const socket = connect(port, "127.0.0.1");
	t.after(() => socket.destroy());
	const queries = Array.from({ length: 1000 }, (_, index) => frame(queryFor(`h${index}.test`), index));
	socket.write(Buffer.concat(queries));
	const answers = await answersOf(socket, 1000);
	assert.equal(new Set(answers.map(idOf)).size, 1000);
});

test("tcp: a length below a header, and octets that are no query, end the connection", async (t) => {
	const { port } = await serveHere(t);
	for (const bytes of [Buffer.from([0, 3, 1, 2, 3]), frame(Buffer.alloc(12, 0xff), 1)]) {
		const socket = connect(port, "127.0.0.1");
		socket.on("error", () => {});
		socket.resume();
		socket.write(bytes);
		await closed(socket);
	}
});

test("tcp: an idle connection ends; a byte now and then does not keep it", async (t) => {
	const connections = { connectionsMax: 10, perClientMax: 10, idleMs: 150 };
	const { port } = await serveHere(t, { connections });
	const socket = connect(port, "127.0.0.1");
	socket.on("error", () => {});
	socket.resume();
	const drip = setInterval(() => socket.write(Uint8Array.of(0)), 40);
	t.after(() => clearInterval(drip));
	await closed(socket);
});

test("tcp: connections are bounded in all and for one client", async (t) => {
	const connections = { connectionsMax: 10, perClientMax: 2, idleMs: 10_000 };
	const { port, server } = await serveHere(t, { connections });
	const open = [1, 2].map(() => connect(port, "127.0.0.1"));
	t.after(() => {
		for (const socket of open) socket.destroy();
	});
	for (const socket of open) {
		socket.write(frame(queryFor("h1.test"), 5));
		assert.deepEqual((await answersOf(socket, 1)).map(idOf), [5]);
	}
	const third = connect(port, "127.0.0.1");
	third.on("error", () => {});
	third.resume();
	await closed(third);
	assert.equal(server.counters.connectionsRefused, 1);
	const other = connect({ port, host: "127.0.0.1", localAddress: "127.0.0.2" });
	t.after(() => other.destroy());
	other.write(frame(queryFor("h1.test"), 6));
	assert.deepEqual((await answersOf(other, 1)).map(idOf), [6], "another client has its own");
});

test("tcp: a client that reads nothing is held up, not buffered for", async (t) => {
	const connections = { connectionsMax: 10, perClientMax: 10, idleMs: 500 };
	const { port, server } = await serveHere(t, { connections });
	const socket = connect(port, "127.0.0.1");
	socket.on("error", () => {});
	socket.pause();
	const queries = Buffer.concat(
		Array.from({ length: 4000 }, (_, index) => frame(queryFor("big.test", 1, 16), index)),
	);
	socket.write(queries);
	// A paused socket does not hear of its end; one that writes does.
	const drip = setInterval(() => socket.write(Uint8Array.of(0)), 40);
	t.after(() => clearInterval(drip));
	await closed(socket);
	assert.ok(server.counters.tcpQueries < 4000, `${server.counters.tcpQueries} were taken`);
});

test("dot: kdig, strict and pipelined, with padding", { skip: noTls }, async (t) => {
	const { portOf, server, identity } = await withTls(t);
	const tls = [
		"+tls",
		`+tls-ca=${identity.certificateFile.replace("server.pem", "ca.pem")}`,
		`+tls-hostname=${NAME}`,
	];
	const text = await kdig(portOf("dot"), ...tls, "+padding=128", "H7.test", "A");
	assert.match(text, /TLS session \(TLS1\.3\)/);
	assert.match(text, /10\.0\.0\.7/);
	assert.match(text, /PADDING: /);
	assert.match(text, /Received (468|936) B/);
	assert.match(await kdig(portOf("dot"), ...tls, "missing.test"), /NXDOMAIN/);
	assert.equal(server.counters.dotQueries, 2);
});

test("doh: kdig by POST and GET, curl's way by HTTP/1.1", { skip: noTls }, async (t) => {
	const { portOf, identity } = await withTls(t);
	const tls = [
		`+tls-ca=${identity.certificateFile.replace("server.pem", "ca.pem")}`,
		`+tls-hostname=${NAME}`,
	];
	for (const way of ["+https", "+https-get"]) {
		const text = await kdig(portOf("doh"), "+https", way, ...tls, "h7.test", "A");
		assert.match(text, /HTTP session \(HTTP\/2-(POST|GET)\)/);
		assert.match(text, /10\.0\.0\.7/);
	}
	const status = await new Promise<[number, string | undefined, string | undefined]>((resolve, reject) => {
		const request = requestHttps(
			{
				...{ host: "127.0.0.1", port: portOf("doh"), servername: NAME, ca: identity.certificateAuthority },
				...{ method: "POST", path: "/dns-query" },
				headers: { "content-type": "application/dns-message" },
			},
			(response) => {
				response.resume();
				resolve([
					response.statusCode ?? 0,
					response.headers["content-type"],
					response.headers["cache-control"],
				]);
			},
		);
		request.on("error", reject);
		request.end(queryFor("h8.test"));
	});
	assert.deepEqual(status, [200, "application/dns-message", "max-age=300"]);
});

test("doh: what is no DNS request has its status", { skip: noTls }, async (t) => {
	const { portOf, identity } = await withTls(t);
	const session = connectHttp2(`https://127.0.0.1:${portOf("doh")}`, {
		ca: identity.certificateAuthority,
		servername: NAME,
	});
	t.after(() => session.destroy());
	const ask = async (headers: Record<string, string>, body: Uint8Array = Buffer.alloc(0)) => {
		const stream = session.request(headers, { endStream: false });
		stream.on("error", () => {});
		stream.end(body);
		const [answer] = await once(stream, "response");
		stream.resume();
		return [answer[":status"], answer["cache-control"]];
	};
	const post = { ":method": "POST", ":path": "/dns-query", "content-type": "application/dns-message" };
	assert.deepEqual(await ask(post, queryFor("missing.test")), [200, "max-age=60"]);
	assert.deepEqual(await ask(post, queryFor("fail.test")), [200, "max-age=0"]);
	assert.deepEqual(await ask(post, Buffer.alloc(3)), [400, undefined]);
	assert.deepEqual(await ask(post, Buffer.alloc(70_000)), [413, undefined]);
	assert.deepEqual(await ask({ ...post, "content-type": "text/plain" }), [415, undefined]);
	assert.deepEqual(await ask({ ...post, ":method": "PUT" }), [405, undefined]);
	assert.deepEqual(await ask({ ...post, ":path": "/" }), [404, undefined]);
	assert.deepEqual(await ask({ ":method": "GET", ":path": "/dns-query?dns=%2B%2B" }), [400, undefined]);
	assert.deepEqual(await ask({ ":method": "GET", ":path": `/dns-query?dns=${"A".repeat(9000)}` }), [
		414,
		undefined,
	]);
	const dns = queryFor("h1.test").toString("base64url");
	assert.deepEqual(await ask({ ":method": "GET", ":path": `/dns-query?dns=${dns}` }), [200, "max-age=300"]);
});

test("doh: streams that are reset amid a question, and connections that break, harm nobody", {
	skip: noTls,
}, async (t) => {
	const { portOf, identity, resolver } = await withTls(t);
	const open = () => {
		const session = connectHttp2(`https://127.0.0.1:${portOf("doh")}`, {
			ca: identity.certificateAuthority,
			servername: NAME,
		});
		session.on("error", () => {});
		t.after(() => session.destroy());
		return session;
	};
	const get = (name: string) => ({ ":path": `/dns-query?dns=${queryFor(name).toString("base64url")}` });
	const post = { ":method": "POST", ":path": "/dns-query", "content-type": "application/dns-message" };
	const [resetting, breaking, staying] = [open(), open(), open()];
	await once(resetting, "connect");
	for (let code = 0; code < 14; code++) {
		for (const headers of [get("never.test"), post]) {
			const stream = resetting.request(headers, { endStream: false });
			stream.on("error", () => {});
			stream.write("x");
			stream.close(code);
		}
	}
	breaking.request(get("never.test")).on("error", () => {});
	const answered = staying.request(get("never.test"));
	await once(staying.request(get("h1.test")), "response");
	breaking.destroy();
	resolver.release();
	const [headers] = await once(answered, "response");
	assert.equal(headers[":status"], 200);
});

test("a new certificate greets new connections, those there are stay", { skip: noTls }, async (t) => {
	const { portOf, server, identity } = await withTls(t);
	const folder = makeScratchFolder();
	t.after(() => removeScratchFolder(folder));
	const renewed = await makeLabCertificate(folder, "other.plumbline.test");
	const options = { host: "127.0.0.1", port: portOf("dot"), rejectUnauthorized: false };
	const before = connectTls(options);
	t.after(() => before.destroy());
	await once(before, "secureConnect");
	const places = server.places().map(({ protocol, address, port }) => ({ protocol, address, port }));
	const at = (protocol: string) => places.filter((place) => place.protocol === protocol);
	// The plan names port 0 places again: they are the same ones.
	const free = [{ address: "127.0.0.1", port: 0 }];
	await server.replan({ listen: free, dot: free, doh: free, tls: renewed });
	assert.equal(at("dot")[0]?.port, portOf("dot"));
	before.write(frame(queryFor("h1.test"), 3));
	assert.deepEqual((await answersOf(before, 1)).map(idOf), [3]);
	const after = connectTls(options);
	t.after(() => after.destroy());
	await once(after, "secureConnect");
	assert.equal(after.getPeerCertificate().subject.CN, "other.plumbline.test");
	await assert.rejects(server.replan({ listen: free, dot: free, tls: { ...identity, key: "no key" } }));
	assert.equal(server.places().length, 4, "a bad one changes nothing");
});
