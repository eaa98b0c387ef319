/** Who is to blame for a failure, the server or the name, and that a server that was skipped always comes back. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { fakeTime } from "./testing/fake-time.ts";
import { type Behaviour, scriptedServers } from "./testing/scripted-transport.ts";
import type { Ask, Asked, UpstreamServer } from "./upstream.ts";
import { createUpstreams, type UpstreamsOptions } from "./upstreams.ts";

const DOH: UpstreamServer = { protocol: "doh", address: "192.0.2.1", port: 443, tlsName: "doh.example" };
const DOT: UpstreamServer = { protocol: "dot", address: "192.0.2.2", port: 853, tlsName: "dot.example" };
const UDP: UpstreamServer = { protocol: "udp", address: "192.0.2.4", port: 53 };

const isProbe = ({ question }: Ask) => question.name === ".";

function set(servers: readonly UpstreamServer[], options: Partial<UpstreamsOptions> = {}) {
	const time = fakeTime();
	const scripted = scriptedServers(time);
	const upstreams = createUpstreams({
		...{ servers, open: scripted.open, now: time.now, timers: time.timers, random: () => 0.5 },
		...options,
	});
	/** All at once; answers when the last has ended. */
	async function ask(...names: readonly string[]): Promise<readonly Asked[]> {
		const asked: Asked[] = [];
		for (const name of names) {
			const question = { name, type: 1, class: 1 };
			void upstreams.ask({ question }, new AbortController().signal).then((ended) => asked.push(ended));
		}
		while (asked.length < names.length) await time.pass(10);
		return asked;
	}
	return { time, scripted, ask, standings: () => upstreams.standings().map(({ standing }) => standing) };
}

const BAD = Array.from({ length: 31 }, (_, index) => `name-${index}.bad.example.`);
const ofBadNames =
	(how: Behaviour) =>
	({ question }: Ask): Behaviour =>
		question.name.endsWith(".bad.example.") ? how : "well";

// Records that a zone made wrong (CAA, TXT, HTTPS) come through any server as they are.
for (const how of ["servfail", "silent", "http", "malformed"] as const)
	test(`31 names that are ${how} everywhere, and nothing else: no server is skipped for them`, async () => {
		for (const servers of [[DOH], [DOH, UDP], [DOH, DOT, UDP]]) {
			const { ask, scripted, standings } = set(servers);
			for (const server of servers) scripted.set(server, ofBadNames(how));
			for (const asked of await ask(...BAD)) assert.equal(asked.kind, "failed");
			assert.ok(!standings().includes("down"), standings().join());
			for (const asked of await ask("a.example.", "b.example.", "c.example.", "d.example."))
				assert.ok(asked.kind === "answered" && asked.authenticated, JSON.stringify(asked.tries));
		}
	});

test("names that fail at a server that proves who it is: the word of one that proves nothing does not count against it", async () => {
	const { ask, scripted } = set([DOH, UDP]);
	scripted.set(DOH, ofBadNames("servfail"));
	for (const asked of await ask(...BAD)) assert.ok(asked.kind === "answered" && !asked.authenticated);
	for (const asked of await ask("a.example.", "b.example.")) assert.equal(asked.tries[0]?.server, DOH);
});

test("silent to everything but probes: skipped after five, whoever answered instead", async () => {
	const { ask, scripted } = set([DOH, UDP]);
	scripted.set(DOH, (asked) => (isProbe(asked) ? "well" : "silent"));
	for (let asks = 0; asks < 5; asks++) await ask("a.example.");
	const [asked] = await ask("a.example.");
	assert.deepEqual(
		asked?.tries.map(({ server }) => server),
		[UDP],
	);
});

test("the breaker has had enough while a doubt is looked into, and the wait is over before the probe: probed on, and back", async () => {
	const { ask, scripted, time, standings } = set([DOH, UDP]);
	// A doubt first, so that a probe is under way; then what no healthy server does.
	scripted.set(DOH, (asked) => (isProbe(asked) ? "silent" : "servfail"));
	await ask("a.example.");
	scripted.set(DOH, (asked) => (isProbe(asked) ? "silent" : "spoofed"));
	await ask("b.example.");
	assert.equal(standings()[0], "down");
	await time.pass(5_000);
	scripted.set(DOH, "well");
	await time.pass(61_000);
	assert.equal(standings()[0], "well");
});

test("a process that stood still during a probe goes on probing", async () => {
	const { ask, scripted, time, standings } = set([DOH, DOT], { tryMs: 12_000 });
	scripted.set(DOH, "silent");
	await ask("a.example.");
	// Each probe now takes longer than the breaker waits for its report.
	await time.pass(600_000);
	assert.equal(standings()[0], "down");
	scripted.set(DOH, "well");
	await time.pass(61_000);
	assert.equal(standings()[0], "well");
});

test("questions that no message can hold: nobody is asked, and nobody is to blame", async () => {
	const { ask, scripted, standings } = set([DOH, UDP]);
	for (const name of ["no-last-dot", "a..example.", `${"a".repeat(64)}.example.`, "é.example.", ""])
		for (const asked of await ask(name)) {
			assert.ok(asked.kind === "failed" && asked.tries.length === 0);
			assert.match(asked.unasked ?? "", /not a domain name/);
		}
	assert.deepEqual([scripted.asked(DOH), scripted.asked(UDP)], [[], []]);
	assert.deepEqual(standings(), ["well", "well"]);
});
