import assert from "node:assert/strict";
import { test } from "node:test";
import { DNS_RCODE } from "@plumbline/signals/dns-message";
import type { ResolverEvent } from "./observer.ts";
import { fakeTime } from "./testing/fake-time.ts";
import { type Behaviour, scriptedServers } from "./testing/scripted-transport.ts";
import type { Ask, Asked, UpstreamServer } from "./upstream.ts";
import { createUpstreams, UpstreamsError, type UpstreamsOptions } from "./upstreams.ts";

const DOH: UpstreamServer = { protocol: "doh", address: "192.0.2.1", port: 443, tlsName: "doh.example" };
const DOT: UpstreamServer = { protocol: "dot", address: "192.0.2.2", port: 853, tlsName: "dot.example" };
const TCP: UpstreamServer = { protocol: "tcp", address: "192.0.2.3", port: 53 };
const UDP: UpstreamServer = { protocol: "udp", address: "192.0.2.4", port: 53 };

function name(text: string): Ask {
	return { question: { name: text, type: 1, class: 1 } };
}

function set(servers: readonly UpstreamServer[], options: Partial<UpstreamsOptions> = {}) {
	const time = fakeTime();
	const scripted = scriptedServers(time);
	const events: ResolverEvent[] = [];
	const upstreams = createUpstreams({
		...{ servers, open: scripted.open, now: time.now, timers: time.timers, random: () => 0.5 },
		observe: (event) => void events.push(event),
		...options,
	});
	/** The answer, and how long it took. */
	async function ask(question: Ask = name("www.example.")): Promise<Asked & { readonly tookMs: number }> {
		const beganMs = time.now();
		let asked: (Asked & { tookMs: number }) | undefined;
		void upstreams.ask(question, new AbortController().signal).then((ended) => {
			asked = { ...ended, tookMs: time.now() - beganMs };
		});
		while (asked === undefined) await time.pass(10);
		return asked;
	}
	return { time, scripted, events, upstreams, ask };
}

/** `doh timeout, dot 2, udp 0`: why a try failed, or what the server said. */
function trace({ tries }: Asked): string {
	return tries
		.map(({ server, exchange }) => {
			const said = exchange.message?.rcode;
			return `${server.protocol} ${said ?? (exchange.kind === "failed" ? exchange.why : "")}`;
		})
		.join(", ");
}

test("DoH is asked first, then DoT, then TCP, then UDP, whatever the given order", async () => {
	const { ask, scripted } = set([UDP, TCP, DOT, DOH], { retriesMax: 3 });
	const well = await ask();
	assert.equal(trace(well), "doh 0");
	assert.ok(well.kind === "answered" && well.authenticated);
	for (const server of [DOH, DOT, TCP]) scripted.set(server, "refused-connection");
	const last = await ask();
	assert.equal(trace(last), "doh refused-connection, dot refused-connection, tcp refused-connection, udp 0");
	assert.ok(last.kind === "answered" && !last.authenticated);
	assert.equal(last.server, UDP);
});

test("a silent server costs one time limit, then nothing", async () => {
	const { ask, scripted, upstreams } = set([DOH, DOT]);
	scripted.set(DOH, "silent");
	const first = await ask();
	assert.equal(trace(first), "doh timeout, dot 0");
	assert.ok(first.tookMs <= 2020, `${first.tookMs} ms`);
	for (let asks = 0; asks < 31; asks++) {
		const next = await ask();
		assert.equal(trace(next), "dot 0");
		assert.equal(next.tookMs, 10);
	}
	assert.equal(upstreams.standings()[0]?.standing, "down");
});

test("while it is silent nobody waits for it, and when it is back a probe finds out", async () => {
	const { ask, scripted, time, events } = set([DOH, UDP]);
	scripted.set(DOH, "silent");
	await ask();
	await time.pass(600_000);
	assert.ok(
		scripted.asked(DOH).length < 40,
		`${scripted.asked(DOH).length} questions to a dead server in 10 minutes`,
	);
	assert.equal(trace(await ask()), "udp 0");
	scripted.set(DOH, "well");
	await time.pass(31_000);
	const back = await ask();
	assert.equal(trace(back), "doh 0");
	assert.ok(back.kind === "answered" && back.authenticated);
	assert.deepEqual(
		scripted
			.asked(DOH)
			.slice(1, -1)
			.filter((asked) => asked !== "."),
		[],
		"no user's question was risked on it",
	);
	const states = events.flatMap((event) => (event.kind === "server-state" ? [event.state] : []));
	assert.equal(states[0], "open");
	assert.deepEqual(states.slice(-2), ["half-open", "closed"]);
});

test("a name that is slow everywhere does not bring down servers that answer probes", async () => {
	const { ask, scripted, upstreams, time } = set([DOH, UDP]);
	const slow = ({ question }: Ask): Behaviour => (question.name === "slow.example." ? "silent" : "well");
	scripted.set(DOH, slow);
	scripted.set(UDP, slow);
	assert.equal(trace(await ask(name("slow.example."))), "doh timeout, udp timeout, doh timeout");
	await time.pass(50);
	assert.deepEqual(
		upstreams.standings().map(({ standing }) => standing),
		["well", "well"],
	);
	assert.equal(trace(await ask()), "doh 0");
	await time.pass(10_000);
	assert.ok(scripted.asked(DOH).filter((asked) => asked === ".").length <= 4);
});

test("a server that answers probes and nothing else is skipped after five failures", async () => {
	const { ask, scripted } = set([DOH, DOT]);
	scripted.set(DOH, ({ question }) => (question.name === "." ? "well" : "servfail"));
	for (let asks = 0; asks < 5; asks++) assert.equal(trace(await ask()), "doh 2, dot 0");
	assert.equal(trace(await ask()), "dot 0");
});

test("SERVFAIL and REFUSED go on to the next server; the last one's rcode is kept", async () => {
	const { ask, scripted } = set([DOH, DOT, UDP]);
	scripted.set(DOH, "servfail");
	scripted.set(DOT, "nxdomain");
	const missing = await ask();
	assert.equal(trace(missing), "doh 2, dot 3");
	assert.ok(missing.kind === "answered", "NXDOMAIN is an answer");
	scripted.set(DOT, "servfail");
	scripted.set(UDP, "refused");
	const none = await ask(name("broken.example."));
	assert.equal(none.kind, "failed");
	const last = none.tries.at(-1)?.exchange;
	assert.equal(last?.message?.rcode, DNS_RCODE.REFUSED);
});

test("signatures that do not hold: only another server that proves who it is may overrule that", async () => {
	const { ask, scripted, upstreams } = set([DOH, DOT, UDP]);
	scripted.set(DOH, "bogus");
	scripted.set(DOT, "bogus");
	for (let asks = 0; asks < 31; asks++) {
		const none = await ask();
		assert.equal(none.kind, "failed");
		assert.equal(trace(none), "doh 2, dot 2");
	}
	assert.deepEqual(
		upstreams.standings().map(({ standing }) => standing),
		["well", "well", "well"],
		"it is the name that is ill",
	);
	scripted.set(DOT, "well");
	assert.equal(trace(await ask()), "doh 2, dot 0");
	scripted.set(DOT, "refused-connection");
	assert.equal(trace(await ask()), "doh 2, dot refused-connection");
});

test("a server that refuses the probe's question is not ill by that", async () => {
	const { ask, scripted, upstreams, time } = set([DOH, DOT]);
	scripted.set(DOH, ({ question }) =>
		question.name === "." ? "refused" : question.name === "bad.example." ? "servfail" : "well",
	);
	assert.equal(trace(await ask(name("bad.example."))), "doh 2, dot 0");
	await time.pass(100);
	assert.equal(upstreams.standings()[0]?.standing, "well");
});

test("nonsense: skipped if it answers the probe with nonsense too", async () => {
	const { ask, scripted, time } = set([DOH, UDP]);
	scripted.set(DOH, "malformed");
	assert.equal(trace(await ask()), "doh malformed, udp 0");
	await time.pass(100);
	assert.equal(trace(await ask()), "udp 0");
});

for (const flaw of ["tls", "spoofed"] as const)
	test(`${flaw}: no healthy server does this, it is skipped at once`, async () => {
		const { ask, scripted } = set([DOH, UDP]);
		scripted.set(DOH, ({ question }) => (question.name === "." ? "well" : flaw));
		assert.equal(trace(await ask()), `doh ${flaw}, udp 0`);
		assert.equal(trace(await ask()), "udp 0");
	});

test("a lost packet is worth another try when there is nobody else", async () => {
	const { ask, scripted } = set([UDP]);
	let asks = 0;
	scripted.set(UDP, ({ question }) => (question.name !== "." && asks++ === 0 ? "silent" : "well"));
	assert.equal(trace(await ask()), "udp timeout, udp 0");
});

test("all down: still asked now and then, and the first answer brings its server back", async () => {
	const { ask, scripted, upstreams, time } = set([DOH, DOT]);
	scripted.set(DOH, "refused-connection");
	scripted.set(DOT, "refused-connection");
	await ask();
	await time.pass(50);
	assert.deepEqual(
		upstreams.standings().map(({ standing }) => standing),
		["down", "down"],
	);
	const before = scripted.asked(DOH).length + scripted.asked(DOT).length;
	await Promise.all(
		Array.from({ length: 1009 }, () =>
			upstreams.ask(name("www.example."), new AbortController().signal).then(() => {}),
		).concat(time.pass(50)),
	);
	assert.ok(scripted.asked(DOH).length + scripted.asked(DOT).length - before <= 2, "one each in 100 ms");
	await time.pass(100);
	scripted.set(DOT, "well");
	assert.equal(trace(await ask()), "doh refused-connection, dot 0");
	assert.equal(trace(await ask()), "dot 0");
});

test("too many under way is our doing, not the server's", async () => {
	const { ask, scripted, upstreams } = set([DOH, DOT]);
	scripted.set(DOH, "too-many-waiting");
	for (let asks = 0; asks < 31; asks++) assert.equal(trace(await ask()), "doh too-many-waiting, dot 0");
	assert.equal(upstreams.standings()[0]?.standing, "well");
});

test("a caller who goes away ends the ask, and it says nothing about the server", async () => {
	const { scripted, upstreams, time } = set([DOH, DOT]);
	scripted.set(DOH, "silent");
	const controller = new AbortController();
	const asked = upstreams.ask(name("www.example."), controller.signal);
	await time.pass(100);
	controller.abort();
	assert.equal(trace(await asked), "doh aborted");
	assert.equal(upstreams.standings()[0]?.standing, "well");
	assert.deepEqual(await upstreams.ask(name("www.example."), controller.signal), {
		kind: "failed",
		tries: [],
	});
});

test("closing ends what is under way, and leaves no timer", async () => {
	const { scripted, upstreams, time, ask } = set([DOH, DOT]);
	scripted.set(DOH, "silent");
	await ask();
	scripted.set(DOT, "silent");
	const asked = upstreams.ask(name("www.example."), new AbortController().signal);
	await time.pass(600);
	await upstreams.close();
	assert.equal(trace(await asked), "dot aborted");
	await time.pass(0);
	assert.equal(time.waiting(), 0);
	assert.equal(scripted.underWay(), 0);
	assert.equal((await upstreams.ask(name("www.example."), new AbortController().signal)).kind, "failed");
});

test("a transport that never ends and one that throws are failures like others", async () => {
	for (const exchange of [() => new Promise<never>(() => {}), () => Promise.reject(new Error("broken"))]) {
		const { ask } = set([DOH], {
			open: (server) => ({ server, exchange, close: async () => {} }),
			retriesMax: 0,
		});
		assert.match(trace(await ask()), /^doh (timeout|connection-lost)$/);
	}
});

test("a list that cannot work is refused, with what to write instead", () => {
	const code = (...servers: UpstreamServer[]) => {
		try {
			set(servers);
		} catch (error) {
			assert.ok(error instanceof UpstreamsError);
			return `${error.code}: ${error.message}`;
		}
		return "taken";
	};
	assert.match(code(), /^no-servers/);
	assert.match(code({ ...DOH, address: "dns.example" }), /^not-an-address: "dns.example" is no IP.*tlsName/);
	for (const port of [0, 70_000, 53.5, Number.NaN])
		assert.match(code({ ...UDP, port }), /^not-a-port: "192.0.2.4": a port is 1 to 65535, found /);
	const { tlsName: _, ...nameless } = DOH;
	assert.match(code(nameless), /^no-proof: "192.0.2.1": DoH needs the name/);
	assert.match(code(...Array.from({ length: 17 }, () => UDP)), /^too-many-servers/);
	assert.equal(code(UDP), "taken");
});
