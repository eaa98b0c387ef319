/** The fallback with real servers: three recursors, each asked by one protocol only, killed, paused and brought back. */
import assert from "node:assert/strict";
import { EventEmitter, once } from "node:events";
import { type TestContext, test } from "node:test";
import { DNS_CLASS, DNS_TYPE } from "@plumbline/signals/dns-message";
import type { EncryptedDnsServer } from "../../../lab/src/dns-servers.ts";
import { startDnsAuthority } from "../../../lab/src/dns-servers-authority.ts";
import { missingDnsProgram } from "../../../lab/src/dns-servers-program.ts";
import { startUnbound } from "../../../lab/src/dns-servers-unbound.ts";
import { realTimers } from "./timers.ts";
import { openTransport } from "./transport.ts";
import type { Asked, Protocol, UpstreamServer } from "./upstream.ts";
import { createUpstreams } from "./upstreams.ts";

const skip = missingDnsProgram("unbound", "knotd", "openssl");
const ZONE = { origin: "example.test", records: "* A 192.0.2.1" };
/** Short of the usual two seconds, long for loopback. */
const TRY_MS = 1000;

async function lab(t: TestContext) {
	const authority = await startDnsAuthority([ZONE]);
	t.after(() => authority.stop());
	const start = async () => {
		const server = await startUnbound({ forwardTo: authority });
		t.after(() => server.stop());
		return server;
	};
	const [doh, dot, udp] = await Promise.all([start(), start(), start()]);
	return { doh, dot, udp };
}

function place(
	server: EncryptedDnsServer,
	protocol: Protocol,
	proof: Partial<UpstreamServer> = {},
): UpstreamServer {
	const { address, ports, tlsName, certificateAuthority } = server;
	const isEncrypted = protocol === "doh" || protocol === "dot";
	return {
		protocol,
		address,
		port: ports[protocol],
		...(isEncrypted ? { tlsName, certificateAuthority } : {}),
		...proof,
	};
}

let names = 0;

function door(t: TestContext, servers: readonly UpstreamServer[]) {
	const changes = new EventEmitter();
	const upstreams = createUpstreams({
		...{ servers, tryMs: TRY_MS, open: openTransport },
		...{ now: () => performance.now(), timers: realTimers, random: Math.random },
		probeAsk: { question: { name: "example.test.", type: DNS_TYPE.SOA, class: DNS_CLASS.IN } },
		observe: (event) => {
			if (event.kind === "server-state") changes.emit(`${event.server.protocol} ${event.state}`);
		},
	});
	t.after(() => upstreams.close());
	return {
		upstreams,
		/** `doh closed` and the like, from now on. */
		until: (change: string) => once(changes, change),
		/** A name that no cache has. */
		ask: () =>
			upstreams.ask(
				{ question: { name: `name-${names++}.example.test.`, type: DNS_TYPE.A, class: DNS_CLASS.IN } },
				new AbortController().signal,
			),
	};
}

function path(asked: Asked): string {
	const tried = asked.tries.map(({ server, exchange }) =>
		exchange.kind === "answered" ? server.protocol : `${server.protocol} ${exchange.why}`,
	);
	const end = asked.kind === "failed" ? "failed" : asked.authenticated ? "authenticated" : "unauthenticated";
	return `${tried.join(", ")}: ${end}`;
}

test("DoH killed, DoT answers; both killed, UDP answers without proof; DoH back, a probe finds it", {
	skip,
}, async (t) => {
	const { doh, dot, udp } = await lab(t);
	const { ask, until } = door(t, [place(udp, "udp"), place(dot, "dot"), place(doh, "doh")]);
	const first = await ask();
	assert.equal(path(first), "doh: authenticated");
	assert.ok(first.kind === "answered");
	assert.deepEqual(first.message.answers[0]?.data, { kind: "address", address: "192.0.2.1" });

	const dohDown = until("doh open");
	await doh.kill();
	assert.match(path(await ask()), /^doh [a-z-]+, dot: authenticated$/);
	await dohDown;
	assert.equal(path(await ask()), "dot: authenticated");

	const dotDown = until("dot open");
	await dot.kill();
	assert.match(path(await ask()), /, udp: unauthenticated$/);
	await dotDown;
	assert.equal(path(await ask()), "udp: unauthenticated");

	const dohUp = until("doh closed").then(() => true);
	await doh.restart();
	for (let isBack = false; !isBack; ) {
		const asked = await ask();
		assert.equal(asked.kind, "answered");
		// Until it is back nobody waits for it, and no failed try shows.
		assert.equal(asked.tries.length, 1, path(asked));
		isBack = await Promise.race([dohUp, new Promise<false>((resolve) => setImmediate(resolve, false))]);
	}
	assert.equal(path(await ask()), "doh: authenticated");
});

test("a paused server costs one try and is skipped; resumed, it is used again", { skip }, async (t) => {
	const { doh, udp } = await lab(t);
	const { ask, until } = door(t, [place(doh, "doh"), place(udp, "udp")]);
	assert.equal(path(await ask()), "doh: authenticated");
	doh.pause();
	const first = await ask();
	assert.equal(path(first), "doh timeout, udp: unauthenticated");
	for (let asks = 0; asks < 31; asks++) assert.equal(path(await ask()), "udp: unauthenticated");
	const back = until("doh closed");
	doh.resume();
	await back;
	assert.equal(path(await ask()), "doh: authenticated");
});

test("everybody gone: asks fail in bounded tries, and the first server that is back is found", {
	skip,
}, async (t) => {
	const { doh, dot } = await lab(t);
	const { ask, until } = door(t, [place(doh, "doh"), place(dot, "dot")]);
	await Promise.all([doh.kill(), dot.kill()]);
	const down = Promise.all([until("doh open"), until("dot open")]);
	const asked = await Promise.all(Array.from({ length: 211 }, ask));
	assert.ok(asked.every(({ kind }) => kind === "failed"));
	assert.ok(asked.every(({ tries }) => tries.length <= 3));
	await down;
	const back = until("dot closed");
	await dot.restart();
	await back;
	assert.equal(path(await ask()), "dot: authenticated");
});

test("a wrong name, a wrong authority and a wrong key are not used, and tell so", { skip }, async (t) => {
	const { doh, dot, udp } = await lab(t);
	const wrong = [
		place(doh, "doh", { tlsName: "another.test" }),
		place(doh, "doh", { certificateAuthority: dot.certificateAuthority }),
		place(dot, "dot", { keyPins: [doh.spkiPin] }),
	];
	for (const server of wrong) {
		const alone = door(t, [server]);
		assert.match(path(await alone.ask()), /^(doh|dot) tls: failed$/);
		const { ask } = door(t, [server, place(udp, "udp")]);
		assert.match(path(await ask()), /^(doh|dot) tls, udp: unauthenticated$/);
		assert.equal(path(await ask()), "udp: unauthenticated");
	}
	const { ask } = door(t, [place(dot, "dot", { keyPins: [doh.spkiPin, dot.spkiPin] })]);
	assert.equal(path(await ask()), "dot: authenticated");
});
