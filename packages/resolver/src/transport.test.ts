/** One contract for all transports, held against servers that others wrote. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { DnsServer, EncryptedDnsServer } from "@plumbline/lab/dns-servers";
import { type DnsAuthority, startDnsAuthority } from "@plumbline/lab/dns-servers-authority";
import { startNamed } from "@plumbline/lab/dns-servers-named";
import { missingDnsProgram } from "@plumbline/lab/dns-servers-program";
import type { RecursorOptions } from "@plumbline/lab/dns-servers-recursor";
import { startUnbound } from "@plumbline/lab/dns-servers-unbound";
import { startCoreDns } from "@plumbline/lab/testing/dns-servers-coredns";
import { DNS_CLASS, DNS_TYPE } from "@plumbline/signals/dns-message";
import { openTransport, type TransportOptions } from "./transport.ts";
import type { Ask, Exchange, Transport, UpstreamServer } from "./upstream.ts";

const LONG_MS = 20_000;
const AT_ONCE = 200;
const BIG_STRINGS = 40;

const bigRecords = Array.from({ length: BIG_STRINGS }, (_, i) => `big TXT "${i} ${"x".repeat(80)}"`);
const ZONE = {
	origin: "example.test",
	records: ["www A 192.0.2.1", "alias CNAME www", "*.many A 192.0.2.9", ...bigRecords].join("\n"),
};

function asking(name: string, type: number = DNS_TYPE.A): Ask {
	return { question: { name, type, class: DNS_CLASS.IN } };
}

function ask(transport: Transport, name: string, type?: number): Promise<Exchange> {
	return transport.exchange(asking(name, type), AbortSignal.timeout(LONG_MS));
}

function addresses(exchange: Exchange): readonly string[] {
	assert.ok(exchange.kind === "answered", JSON.stringify(exchange));
	return exchange.message.answers.flatMap(({ data }) => (data.kind === "address" ? [data.address] : []));
}

const isAnswer = ({ kind }: Exchange) => kind === "answered";

type Way = Pick<UpstreamServer, "protocol" | "method">;
type Start = (options: RecursorOptions) => Promise<DnsServer | EncryptedDnsServer>;

const PLAIN: readonly Way[] = [{ protocol: "udp" }, { protocol: "tcp" }];
const ALL: readonly Way[] = [
	...PLAIN,
	{ protocol: "dot" },
	{ protocol: "doh", method: "POST" },
	{ protocol: "doh", method: "GET" },
];

interface Program {
	readonly program: string;
	readonly start: Start;
	readonly ways: readonly Way[];
}

const PROGRAMS: readonly Program[] = [
	{ program: "knotd", start: () => startDnsAuthority([ZONE]), ways: PLAIN },
	{ program: "unbound", start: startUnbound, ways: ALL },
	{ program: "named", start: startNamed, ways: ALL },
	{ program: "coredns", start: startCoreDns, ways: ALL },
];

function serverOf(server: DnsServer | EncryptedDnsServer, way: Way): UpstreamServer {
	const { address } = server;
	if (way.protocol === "udp" || way.protocol === "tcp")
		return { ...way, address, port: server.ports[way.protocol] };
	assert.ok("tlsName" in server);
	const { ports, tlsName, certificateAuthority } = server;
	return { ...way, address, port: ports[way.protocol], tlsName, certificateAuthority };
}

for (const { program, start, ways } of PROGRAMS) {
	describe(program, { skip: missingDnsProgram(program, "knotd", "openssl") }, () => {
		let authority: DnsAuthority;
		let running: DnsServer | EncryptedDnsServer;
		const open: Transport[] = [];
		before(async () => {
			authority = await startDnsAuthority([ZONE]);
			running = await start({ forwardTo: authority });
		});
		after(async () => {
			await Promise.all(open.map((transport) => transport.close()));
			await running?.stop();
			await authority?.stop();
		});
		const transportTo = (way: Way, options: TransportOptions = {}) => {
			const transport = openTransport(serverOf(running, way), options);
			open.push(transport);
			return transport;
		};

		for (const way of ways) {
			const name = [way.protocol, way.method].filter((each) => each !== undefined).join(" ");

			test(`${name}: what is there, what is not, and what is big`, async () => {
				for (const mixCase of [false, true]) {
					const transport = transportTo(way, { mixCase });
					const found = await ask(transport, "alias.example.test.");
					assert.deepEqual(addresses(found), ["192.0.2.1"]);
					assert.ok(found.kind === "answered");
					assert.equal(found.message.questions[0]?.name, "alias.example.test.");
					assert.equal(found.message.answers[0]?.name, "alias.example.test.");
					assert.equal(found.protocol, way.protocol);
					const missing = await ask(transport, "nobody.example.test.");
					assert.ok(missing.kind === "answered");
					assert.equal(missing.message.rcode, 3);
					assert.ok(missing.message.authorities.some(({ type }) => type === DNS_TYPE.SOA));
					const big = await ask(transport, "big.example.test.", DNS_TYPE.TXT);
					assert.ok(big.kind === "answered");
					assert.equal(big.message.answers.length, BIG_STRINGS);
					assert.equal(big.protocol, way.protocol === "udp" ? "tcp" : way.protocol);
				}
			});

			test(`${name}: ${AT_ONCE} at once, each its own answer`, async () => {
				const transport = transportTo(way);
				const names = Array.from({ length: AT_ONCE }, (_, i) => `n${i}.many.example.test.`);
				const exchanges = await Promise.all(names.map((each) => ask(transport, each)));
				for (const [i, exchange] of exchanges.entries()) {
					assert.deepEqual(addresses(exchange), ["192.0.2.9"]);
					assert.ok(exchange.kind === "answered");
					assert.equal(exchange.message.answers[0]?.name, names[i]);
				}
			});

			test(`${name}: more at once than it takes are refused, and take nothing`, async () => {
				const transport = transportTo(way, { exchangesMax: 2 });
				const names = ["a", "b", "c"].map((label) => `${label}.many.example.test.`);
				const exchanges = await Promise.all(names.map((each) => ask(transport, each)));
				assert.deepEqual(exchanges.map(isAnswer), [true, true, false]);
				assert.ok(exchanges[2]?.kind === "failed");
				assert.equal(exchanges[2].why, "too-many-waiting");
				assert.ok(isAnswer(await ask(transport, "c.many.example.test.")));
			});

			test(`${name}: an abort ends it at once, before and meanwhile, and the next one is answered`, async () => {
				const transport = transportTo(way, { exchangesMax: 1 });
				const early = await transport.exchange(asking("www.example.test."), AbortSignal.abort());
				assert.ok(early.kind === "failed");
				assert.equal(early.why, "aborted");
				for (let round = 0; round < 3; round++) {
					const controller = new AbortController();
					const exchanging = transport.exchange(asking("www.example.test."), controller.signal);
					controller.abort();
					const exchange = await exchanging;
					assert.ok(exchange.kind === "failed");
					assert.equal(exchange.why, "aborted");
				}
				assert.ok(isAnswer(await ask(transport, "www.example.test.")));
			});

			test(`${name}: a server that is killed and comes back`, async () => {
				const transport = transportTo(way);
				assert.ok(isAnswer(await ask(transport, "www.example.test.")));
				running.pause();
				const controller = new AbortController();
				const under = transport.exchange(asking("killed.many.example.test."), controller.signal);
				await running.kill();
				// A datagram that lay in its buffer is lost without a word.
				if (way.protocol === "udp") controller.abort();
				const lost = await under;
				assert.ok(lost.kind === "failed");
				if (way.protocol !== "udp") assert.match(lost.why, /refused-connection|connection-lost/);
				const gone = await ask(transport, "www.example.test.");
				assert.ok(gone.kind === "failed");
				assert.equal(gone.why, "refused-connection");
				await running.restart();
				assert.deepEqual(addresses(await ask(transport, "www.example.test.")), ["192.0.2.1"]);
			});

			test(`${name}: a server that stops to answer costs its time, and answers when it goes on`, async () => {
				const transport = transportTo(way, { stallMs: 20 });
				assert.ok(isAnswer(await ask(transport, "www.example.test.")));
				running.pause();
				const late = await transport.exchange(asking("www.example.test."), AbortSignal.timeout(200));
				running.resume();
				assert.ok(late.kind === "failed");
				assert.equal(late.why, "timeout");
				assert.deepEqual(addresses(await ask(transport, "www.example.test.")), ["192.0.2.1"]);
			});

			test(`${name}: closed, it answers nothing and holds nothing`, async () => {
				const transport = openTransport(serverOf(running, way));
				assert.ok(isAnswer(await ask(transport, "www.example.test.")));
				running.pause();
				const under = ask(transport, "closed.many.example.test.");
				await transport.close();
				running.resume();
				for (const exchange of [await under, await ask(transport, "www.example.test.")]) {
					assert.ok(exchange.kind === "failed");
					assert.equal(exchange.why, "aborted");
				}
			});
		}

		test("a question that no message can hold is the caller's mistake, and nothing is left of it", async () => {
			for (const way of ways) {
				const transport = transportTo(way, { exchangesMax: 1 });
				for (let round = 0; round < 2; round++) await assert.rejects(ask(transport, "a..b."), RangeError);
				assert.ok(isAnswer(await ask(transport, "www.example.test.")));
			}
		});

		if (ways === ALL)
			for (const protocol of ["dot", "doh"] as const)
				test(`${protocol}: wrong names and keys are refused with what was expected and found`, async () => {
					assert.ok("tlsName" in running);
					const known = serverOf(running, { protocol });
					const { address, port, certificateAuthority = "" } = known;
					const bare = { protocol, address, port };
					const [right, wrong] = [running.spkiPin, Buffer.alloc(32).toString("base64")];
					const trials: readonly [UpstreamServer, RegExp | undefined][] = [
						[{ ...known, keyPins: [wrong, right] }, undefined],
						[{ ...bare, keyPins: [right] }, undefined],
						[{ ...known, keyPins: [wrong] }, new RegExp(`expected .*${wrong}, found .{44}$`)],
						[{ ...bare, keyPins: [wrong] }, /expected a key with the SHA-256/],
						[{ ...known, tlsName: "other.test" }, /expected .* for other\.test, found .*DNS:dns\.lab\.test/],
						[{ ...bare, certificateAuthority }, /expected .* for 127\.0\.0\.1, found/],
						[{ ...bare, tlsName: running.tlsName }, /UNABLE_TO_VERIFY_LEAF_SIGNATURE/],
					];
					for (const [server, refusal] of trials) {
						const transport = openTransport(server);
						open.push(transport);
						// Twice: a session that is resumed must not weaken anything.
						for (let round = 0; round < 2; round++) {
							const exchange = await ask(transport, "www.example.test.");
							if (refusal === undefined) assert.deepEqual(addresses(exchange), ["192.0.2.1"]);
							else {
								assert.ok(exchange.kind === "failed");
								assert.equal(exchange.why, "tls");
								assert.match(exchange.detail, refusal);
							}
						}
					}
				});
	});
}

after(() => {
	const kinds = new Set(["TCPSocketWrap", "TLSWrap", "UDPWrap", "Timeout"]);
	assert.deepEqual(
		process.getActiveResourcesInfo().filter((kind) => kinds.has(kind)),
		[],
	);
});
