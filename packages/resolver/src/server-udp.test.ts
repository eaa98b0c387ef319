/** One contract for both ways to read UDP, with dig as the client. */
import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { test } from "node:test";
import { missingDnsProgram } from "@plumbline/lab/dns-servers-program";
import { startDnsServer } from "./server.ts";
import { loadMmsgLibc } from "./server-udp-libc.ts";
import { dig, exchange, queryFor } from "./testing/dns-clients.ts";
import { scriptedResolver } from "./testing/scripted-resolver.ts";
import { serveHere } from "./testing/serve-here.ts";

const noDig = missingDnsProgram("dig");
const noMmsg = (await loadMmsgLibc()) === undefined ? "not possible here: no koffi, or not Linux" : false;

for (const way of ["mmsg", "dgram"] as const) {
	const udpWay = way === "mmsg" ? "best" : "dgram";
	const skip = way === "mmsg" && noMmsg;

	test(`${way}: dig gets an answer, first from the resolver, then from the table`, {
		skip: skip || noDig,
	}, async (t) => {
		const { server, resolver, port } = await serveHere(t, { udpWay });
		assert.equal(server.places()[0]?.way, way);
		for (let round = 0; round < 3; round++) {
			const text = await dig(port, "H7.Test", "A");
			assert.match(text, /status: NOERROR/);
			assert.match(text, /flags: qr rd ra;/);
			assert.match(text, /^H7\.Test\.\s+300\s+IN\s+A\s+10\.0\.0\.7$/m, "in the client's spelling");
			assert.match(text, /EDNS: version: 0, flags:; udp: 1232/);
		}
		assert.deepEqual(resolver.asked, ["h7.test. 1"]);
		assert.equal(server.counters.hits, 2);
		assert.equal(server.counters.misses, 1);
	});

	test(`${way}: codes, EDNS and sizes`, { skip: skip || noDig }, async (t) => {
		const { port } = await serveHere(t, { udpWay });
		assert.match(await dig(port, "missing.test"), /status: NXDOMAIN[\s\S]*AUTHORITY: 1[\s\S]*SOA/);
		assert.match(await dig(port, "fail.test"), /status: SERVFAIL[\s\S]*EDE: 22/);
		assert.match(await dig(port, "stale.test"), /EDE: 3[\s\S]*stale\.test\.\s+30\s+IN\s+A\s+10\.8\.8\.8/);
		assert.match(await dig(port, "h1.test", "MX"), /status: NOERROR[\s\S]*ANSWER: 0, AUTHORITY: 1/);
		assert.match(await dig(port, "version.bind", "CH", "TXT"), /status: REFUSED/);
		assert.match(await dig(port, "+edns=1", "+noednsneg", "h1.test"), /status: BADVERS/);
		assert.match(await dig(port, "+opcode=4", "h1.test"), /opcode: NOTIFY, status: NOTIMP/);
		assert.match(await dig(port, "+noedns", "h1.test"), /10\.0\.0\.1\n/);
		assert.doesNotMatch(await dig(port, "+noedns", "h1.test"), /EDNS/);
		assert.match(await dig(port, "+dnssec", "h1.test"), /flags: do; udp: 1232/);
		assert.match(await dig(port, "+norecurse", "h1.test"), /status: REFUSED/);
		assert.match(await dig(port, "+ignore", "big.test", "TXT"), /flags: qr tc rd ra; QUERY: 1, ANSWER: 0/);
		assert.match(await dig(port, "big.test", "TXT"), /Truncated, retrying in TCP mode[\s\S]*ANSWER: 1/);
		for (let round = 0; round < 2; round++) {
			assert.match(await dig(port, "+ignore", "huge.test", "TXT"), /flags: qr tc rd ra; QUERY: 1, ANSWER: 0/);
			assert.match(await dig(port, "huge.test", "TXT"), /Truncated, retrying in TCP mode[\s\S]*ANSWER: 1/);
		}
		assert.match(await dig(port, "+ignore", "+bufsize=512", "many.test"), /ANSWER: 8/);
	});

	test(`${way}: a query for one network goes past the table`, { skip: skip || noDig }, async (t) => {
		const { resolver, port } = await serveHere(t, { udpWay });
		for (let round = 0; round < 2; round++) {
			assert.match(await dig(port, "+subnet=192.0.2.0/24", "h5.test"), /CLIENT-SUBNET: 192\.0\.2\.0\/24\/0/);
		}
		assert.equal(resolver.asked.length, 2);
	});

	test(`${way}: addresses take turns`, { skip }, async (t) => {
		const { port } = await serveHere(t, { udpWay });
		const firsts = new Set<number>();
		for (let round = 0; round < 60; round++) {
			const [answer] = await exchange(port, [queryFor("many.test")]);
			assert.ok(answer);
			firsts.add(answer[27 + 15] ?? 0);
		}
		assert.deepEqual([...firsts].sort(), [1, 2, 3, 4, 5, 6, 7, 8]);
	});

	test(`${way}: garbage and forged answers are nobody's business, service goes on`, { skip }, async (t) => {
		const { server, port } = await serveHere(t, { udpWay });
		const socket = createSocket("udp4");
		t.after(() => socket.close());
		const flood = Array.from({ length: 3000 }, (_, index) => {
			const packet = Buffer.from(queryFor(`h${index}.test`, index));
			if (index % 3 === 0) packet.writeUInt8(0x81, 2);
			else if (index % 3 === 1) packet.fill(index & 255, 2);
			return index % 3 === 2 ? packet.subarray(0, index % 12) : packet;
		});
		for (const packet of flood) socket.send(packet, port, "127.0.0.1");
		const [answer] = await exchange(port, [queryFor("h9.test", 0x7777)]);
		assert.equal(answer?.readUInt16BE(0), 0x7777);
		assert.equal(answer.subarray(-4).join("."), "10.0.0.9", answer.toString("hex"));
		assert.ok(server.counters.dropped > 0);
	});

	test(`${way}: of 200 questions at once each gets its own answer`, { skip }, async (t) => {
		const { port } = await serveHere(t, { udpWay });
		for (let round = 0; round < 2; round++) {
			const queries = Array.from({ length: 200 }, (_, index) => queryFor(`h${index}.test`, index));
			for (const answer of await exchange(port, queries, 200)) {
				const id = answer.readUInt16BE(0);
				assert.equal(answer.readUInt32BE(answer.length - 4), 0x0a00_0000 + id);
			}
		}
	});

	test(`${way}: a packet longer than any query, and one of no octets`, { skip }, async (t) => {
		const { server, port } = await serveHere(t, { udpWay });
		const long = Buffer.concat([queryFor("h1.test"), Buffer.alloc(4000)]);
		const [answer] = await exchange(port, [long, Buffer.alloc(0), queryFor("h2.test", 2)]);
		assert.equal(answer?.readUInt16BE(0), 2);
		assert.ok(server.counters.dropped >= 1);
	});

	test(`${way}: networks that are not allowed are refused`, { skip }, async (t) => {
		const { server, port } = await serveHere(t, { udpWay, allow: ["192.0.2.0/24"] });
		const [answer] = await exchange(port, [queryFor("h1.test")]);
		assert.equal((answer?.[3] ?? 0) & 15, 5);
		assert.equal(server.counters.refusedClients, 1);
	});

	test(`${way}: over the rate every second query is told to come by TCP, which has a count of its own`, {
		skip,
	}, async (t) => {
		const rate = { perSecond: 0.001, burst: 2, clientsMax: 10 };
		const { server, port } = await serveHere(t, { udpWay, rate });
		const queries = Array.from({ length: 12 }, (_, index) => queryFor("h1.test", index));
		const answers = await exchange(port, queries, 7);
		const truncated = answers.filter((answer) => ((answer[2] ?? 0) & 2) !== 0);
		assert.equal(truncated.length, 5);
		assert.equal(server.counters.slipped, 5);
		assert.equal(server.counters.limited, 5);
		for (const answer of truncated)
			assert.ok(answer.length <= queryFor("h1.test").length, "nothing is amplified");
		if (noDig === false) assert.match(await dig(port, "+tcp", "h1.test"), /10\.0\.0\.1\n/);
	});

	test(`${way}: IPv6`, { skip }, async (t) => {
		const { port } = await serveHere(t, { udpWay, listen: [{ address: "::1", port: 0 }] });
		for (let round = 0; round < 2; round++) {
			const [answer] = await exchange(port, [queryFor("h3.test")], 1, "::1");
			assert.deepEqual([...(answer?.subarray(-4) ?? [])], [10, 0, 0, 3]);
		}
	});

	test(`${way}: too many under way are told so at once; another client is served`, { skip }, async (t) => {
		const { server, resolver, port } = await serveHere(t, { udpWay, inFlightMax: 4 });
		const queries = Array.from({ length: 5 }, (_, index) => queryFor(`never${index}.test`, index));
		const refused = await exchange(port, queries, 3);
		for (const answer of refused) assert.equal((answer[3] ?? 0) & 15, 2);
		assert.equal(server.counters.overloaded, 3);
		const [own] = await exchange(port, [queryFor("h1.test")]);
		assert.equal((own?.[3] ?? 0) & 15, 2);
		const other = createSocket("udp4");
		t.after(() => other.close());
		other.bind(0, "127.0.0.2");
		other.send(queryFor("h2.test"), port, "127.0.0.1");
		const [answer] = await once(other, "message");
		assert.equal(answer.subarray(-4).join("."), "10.0.0.2");
		resolver.release();
	});

	test(`${way}: a port that is taken is named`, { skip }, async (t) => {
		const taken = createSocket("udp4");
		t.after(() => taken.close());
		taken.bind(0, "127.0.0.1");
		await once(taken, "listening");
		const { port } = taken.address();
		const listen = [{ address: "127.0.0.1", port }];
		await assert.rejects(startDnsServer({ resolver: scriptedResolver(), listen, udpWay }), {
			name: "ListenError",
			code: "EADDRINUSE",
			message: `cannot listen on 127.0.0.1:${port} (UDP): another program has this port (EADDRINUSE)`,
		});
	});

	test(`${way}: nobody takes its port over by being ready to share it`, { skip }, async (t) => {
		const { port } = await serveHere(t, { udpWay });
		const thief = createSocket({ type: "udp4", reuseAddr: true });
		t.after(() => thief.close());
		const failed = once(thief, "error");
		thief.bind(port, "127.0.0.1", () => thief.emit("error", new Error("bound")));
		assert.equal((await failed)[0].code, "EADDRINUSE");
		assert.equal((await exchange(port, [queryFor("h1.test")])).length, 1);
	});

	test(`${way}: it stops while questions are under way and come in`, { skip }, async (t) => {
		const { server, resolver, port } = await serveHere(t, { udpWay });
		const client = createSocket("udp4");
		t.after(() => client.close());
		for (let index = 0; index < 50; index++)
			client.send(queryFor(`never${index}.test`, index), port, "127.0.0.1");
		await exchange(port, [queryFor("h1.test")]);
		await server.close();
		resolver.release();
		const listen = [{ address: "127.0.0.1", port }];
		const again = await startDnsServer({ resolver: scriptedResolver(), listen, udpWay });
		assert.equal((await exchange(port, [queryFor("h1.test")])).length, 1, "the port is free again");
		await again.close();
	});
}
