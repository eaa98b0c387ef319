/** Who may stay connected when a reload changes who may ask. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect as connectHttp2 } from "node:http2";
import { connect, type Socket } from "node:net";
import { test } from "node:test";
import { connect as connectTls } from "node:tls";
import { makeLabCertificate } from "@plumbline/lab/dns-servers-certificate";
import { missingDnsProgram } from "@plumbline/lab/dns-servers-program";
import { makeScratchFolder, removeScratchFolder } from "@plumbline/lab/tied-process";
import { queryFor } from "./testing/dns-clients.ts";
import { serveHere } from "./testing/serve-here.ts";
import { frame } from "./transport-frames.ts";

const free = [{ address: "127.0.0.1", port: 0 }];

function closed(socket: Socket): Promise<unknown> {
	socket.on("error", () => {});
	socket.resume();
	return new Promise((resolve) => socket.once("close", resolve));
}

test("connections of clients that a reload no longer allows are closed, others stay", async (t) => {
	const { port, server } = await serveHere(t);
	const [gone, staying] = ["127.0.0.2", "127.0.0.1"].map((localAddress) =>
		connect({ port, host: "127.0.0.1", localAddress }),
	);
	assert.ok(gone !== undefined && staying !== undefined);
	t.after(() => staying.destroy());
	for (const socket of [gone, staying]) {
		socket.write(frame(queryFor("h1.test"), 5));
		await once(socket, "data");
	}
	const end = closed(gone);
	await server.replan({ listen: free, allow: ["127.0.0.1"] });
	await end;
	assert.equal(server.counters.refusedClients, 1);
	staying.write(frame(queryFor("h1.test"), 6));
	await once(staying, "data");
	assert.equal(server.standing().connections, 1);
});

test("so are those over TLS and HTTPS, amid a question too", {
	skip: missingDnsProgram("openssl"),
}, async (t) => {
	const folder = makeScratchFolder();
	t.after(() => removeScratchFolder(folder));
	const tls = await makeLabCertificate(folder, "dns.plumbline.test");
	const { portOf, server, resolver } = await serveHere(t, { dot: free, doh: free, tls });
	const dot = connectTls({ host: "127.0.0.1", port: portOf("dot"), rejectUnauthorized: false });
	await once(dot, "secureConnect");
	dot.write(frame(queryFor("h1.test"), 5));
	await once(dot, "data");
	dot.write(frame(queryFor("never.test"), 6));
	const doh = connectHttp2(`https://127.0.0.1:${portOf("doh")}`, { rejectUnauthorized: false });
	doh.on("error", () => {});
	const dns = queryFor("h1.test").toString("base64url");
	await once(doh.request({ ":path": `/dns-query?dns=${dns}` }), "response");
	const ends = [closed(dot), new Promise((resolve) => doh.once("close", resolve))];
	await server.replan({ listen: free, dot: free, doh: free, tls, allow: ["127.0.0.9"] });
	await Promise.all(ends);
	resolver.release();
});
