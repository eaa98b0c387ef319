/** Upstreams by name: no request comes to a route before its names were asked for once. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { answerTo, udpServer } from "@plumbline/resolver/testing/raw-servers";
import { DNS_TYPE } from "@plumbline/signals/dns-message";
import { settingsChanges } from "./reload-difference.ts";
import { settingsOf, webServer, wholeGateway } from "./testing/whole-gateway.ts";

/** Of a name server that is slow, and well within what is waited for. */
const DNS_MS = 150;

test("the first request after a start, and after a reload, finds the servers of a name", async (t) => {
	const web = await webServer(t, (_, response) => response.end("web"));
	const text = (port: number, name: string) =>
		`listen: 127.0.0.1:0\nresolver: { servers: ["udp://127.0.0.1:${port}"] }\nroutes: [{ path: /, to: "http://${name}:${web.port}" }]\n`;
	const gateway = await wholeGateway(t, text(await nameServer(t), "one.example"));
	assert.equal((await fetch(gateway.url)).status, 200);
	const next = settingsOf(text(await nameServer(t), "two.example"));
	await gateway.running.apply(next, new Map(), settingsChanges(gateway.settings, next));
	assert.equal((await fetch(gateway.url)).status, 200);
});

test("an upstream whose servers get another name keeps those it has until the new ones are found", async (t) => {
	const web = await webServer(t, (_, response) => response.end("web"));
	const port = await nameServer(t);
	const text = (name: string) =>
		`listen: 127.0.0.1:0\nresolver: { servers: ["udp://127.0.0.1:${port}"] }\nupstreams: { shop: { servers: ["${name}:${web.port}"] } }\nroutes: [{ path: /, to: shop }]\n`;
	const gateway = await wholeGateway(t, text("one.example"));
	const next = settingsOf(text("two.example"));
	let isOver = false;
	const applied = gateway.running
		.apply(next, new Map(), settingsChanges(gateway.settings, next))
		.then(() => (isOver = true));
	while (!isOver) assert.equal((await fetch(gateway.url)).status, 200);
	await applied;
	assert.equal((await fetch(gateway.url)).status, 200);
});

/** Of every name it knows the same address. */
function nameServer(t: TestContext): Promise<number> {
	return udpServer(t, (query, from, socket) => {
		const answer = answerTo(query, ({ questions: [asked] }) => ({
			answers:
				asked?.type === DNS_TYPE.A
					? [
							{
								name: asked.name,
								type: 1,
								class: 1,
								ttl: 60,
								data: { kind: "address", address: "127.0.0.1" },
							},
						]
					: [],
		}));
		setTimeout(() => socket.send(answer, from.port, from.address, () => undefined), DNS_MS);
	});
}
