/**
 * The day the resolver was made for. A proxy looks its backend up for every request. One of its name servers begins to
 * answer with aliases into a zone of somebody else, each leading to the next without end; the good server goes away at
 * the same moment. Once that meant endless retries, leaked connections and a processor at 99 %.
 */
import assert from "node:assert/strict";
import { EventEmitter, once } from "node:events";
import { createServer, get, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, describe, test } from "node:test";
import { type DnsLiar, startDnsLiar } from "@plumbline/lab/dns-liar";
import type { EncryptedDnsServer } from "@plumbline/lab/dns-servers";
import { type DnsAuthority, startDnsAuthority } from "@plumbline/lab/dns-servers-authority";
import { missingDnsProgram } from "@plumbline/lab/dns-servers-program";
import { startUnbound } from "@plumbline/lab/dns-servers-unbound";
import { judgeDnsCheck } from "@plumbline/signals/dns-check-verdicts";
import { checkDns } from "./check.ts";
import { type OpenedResolver, openResolver } from "./open-resolver.ts";
import { openTransport } from "./transport.ts";
import type { UpstreamServer } from "./upstream.ts";

const REQUESTS = 503;
const NAME = "backend.shop.test";
const FORGED_ZONE = "parked.example.";

describe("the incident", { skip: missingDnsProgram("knotd", "unbound") }, () => {
	let authority: DnsAuthority;
	let good: EncryptedDnsServer;
	let liar: DnsLiar;
	let backend: Server;
	let proxy: Server;
	let resolver: OpenedResolver;
	let nowMs = 0;
	const told = new EventEmitter();
	const startedMs = performance.now();

	before(async () => {
		authority = await startDnsAuthority([{ origin: "shop.test", records: "backend 60 A 127.0.0.1" }]);
		good = await startUnbound({ forwardTo: authority });
		liar = await startDnsLiar({ to: { address: authority.address, port: authority.ports.udp } });
		resolver = openResolver({
			servers: [goodServer(), lyingServer()],
			hostsPath: false,
			tryMs: 200,
			clientTimerMs: 100,
			// Time runs by itself, and is put ahead where the test says so.
			now: () => performance.now() - startedMs + nowMs,
			observe(event) {
				if (event.kind === "server-state") told.emit(`${event.server.protocol} ${event.state}`);
			},
		});
		backend = createServer((_, response) => response.end("goods")).listen(0, "127.0.0.1");
		await once(backend, "listening");
		const { port } = backend.address() as AddressInfo;
		proxy = createServer((_, response) => {
			get({ host: NAME, port, lookup: resolver.lookup, agent: false }, (from) => from.pipe(response)).on(
				"error",
				(error) => response.writeHead(502).end(error.message),
			);
		}).listen(0, "127.0.0.1");
		await once(proxy, "listening");
	});
	after(async () => {
		proxy?.close();
		backend?.close();
		await resolver?.close();
		await liar?.close();
		await good?.stop();
		await authority?.stop();
	});

	const goodServer = (): UpstreamServer => ({
		...{ protocol: "dot", address: good.address, port: good.ports.dot },
		...{ tlsName: good.tlsName, certificateAuthority: good.certificateAuthority },
	});
	const lyingServer = (): UpstreamServer => ({ protocol: "udp", address: liar.address, port: liar.port });

	async function requests(count: number): Promise<Map<string, number>> {
		const got = new Map<string, number>();
		const { port } = proxy.address() as AddressInfo;
		for (let at = 0; at < count; at++) {
			const [response] = (await once(get({ port, agent: false }), "response")) as [IncomingMessage];
			const chunks: Buffer[] = [];
			for await (const chunk of response) chunks.push(chunk as Buffer);
			const text = `${response.statusCode} ${Buffer.concat(chunks)}`;
			got.set(text, (got.get(text) ?? 0) + 1);
		}
		return got;
	}

	test("the service keeps resolving, and asks no more than its budget", async (t) => {
		assert.deepEqual(await requests(7), new Map([["200 goods", 7]]));
		const before = process.getActiveResourcesInfo().length;
		liar.lie({ kind: "endless-cname", zone: FORGED_ZONE });
		await good.kill();
		liar.forget();
		// The answer that was good is over.
		nowMs += 61_000;
		const cpu = process.cpuUsage();
		const beganMs = performance.now();
		assert.deepEqual(await requests(REQUESTS), new Map([["200 goods", REQUESTS]]));
		const spentMs = (process.cpuUsage(cpu).user + process.cpuUsage(cpu).system) / 1_000;
		// Every request found an answer whose time is over; the servers were asked for one refresh, not for each request.
		assert.ok(liar.askedInAll >= 1, "the liar was not asked at all");
		assert.ok(liar.askedInAll <= 40, `${liar.askedInAll} questions for ${REQUESTS} requests`);
		assert.ok(process.getActiveResourcesInfo().length <= before + 4, "sockets or timers are left behind");
		t.diagnostic(
			`${REQUESTS} requests in ${Math.round(performance.now() - beganMs)} ms, ${Math.round(spentMs)} ms of a processor, ${liar.askedInAll} questions to the liar`,
		);
	});

	test("when the good server is back, its answer is used again", async () => {
		const backAgain = once(told, "dot closed", { signal: AbortSignal.timeout(30_000) });
		await good.restart();
		await backAgain;
		nowMs += 61_000;
		assert.deepEqual(await requests(3), new Map([["200 goods", 3]]));
	});

	test("the check names the forged alias, and the server that told it", async () => {
		const check = await checkDns(
			{ names: [`${NAME}.`], type: 1, suspects: [lyingServer()], trusted: [goodServer()] },
			{ open: openTransport, signal: AbortSignal.timeout(30_000) },
		);
		const verdict = judgeDnsCheck(check).names.find(({ answer }) => answer.server === 0)?.verdict;
		assert.equal(verdict?.kind, "hijacked");
		assert.match(verdict?.reasons[0]?.says ?? "", /parked\.example/);
	});
});
