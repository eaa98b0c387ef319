/** While our own thread is busy, answers lie unread: the time is not held against the server. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { startDnsLiar } from "@plumbline/lab/dns-liar";
import { DNS_TYPE } from "@plumbline/signals/dns-message";
import { checkDns } from "./check.ts";
import { openTransport } from "./transport.ts";
import type { Transport } from "./upstream.ts";

const BUSY_MS = 200;

function beBusy(): void {
	const until = performance.now() + BUSY_MS;
	while (performance.now() < until);
}

test("a question whose answer waited for us is put again, and its second time told", async (t) => {
	const liar = await startDnsLiar({ lie: { kind: "told", addresses: ["192.0.2.1"] } });
	t.after(() => liar.close());
	const server = { protocol: "udp", address: liar.address, port: liar.port } as const;
	let exchanges = 0;
	const open = (): Transport => {
		const transport = openTransport(server);
		return {
			...transport,
			close: () => transport.close(),
			async exchange(...args) {
				exchanges++;
				const exchange = transport.exchange(...args);
				// The first one warms up; then comes the name.
				if (exchanges === 2) setImmediate(beBusy);
				return exchange;
			},
		};
	};
	const { questions } = await checkDns(
		{ names: ["www.shop.test."], type: DNS_TYPE.A, suspects: [server], trusted: [] },
		{ open, signal: t.signal },
	);
	const tookMs = questions.flatMap(({ answers }) => answers.map((answer) => answer.tookMs));
	assert.equal(tookMs.length, 3);
	assert.ok(
		tookMs.every((ms) => ms < BUSY_MS),
		tookMs.join(),
	);
	assert.ok(exchanges > 4, `${exchanges} exchanges`);
});
