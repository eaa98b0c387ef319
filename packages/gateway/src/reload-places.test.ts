/** What a reload changes about a place that is listened at, in the real gateway: the new one serves, or the old one still does. */
import assert from "node:assert/strict";
import { type AddressInfo, connect, createServer } from "node:net";
import { describe, test } from "node:test";
import { loadSocketLibc } from "./supervisor-libc.ts";
import { startRealGateway } from "./testing/real-gateway.ts";
import { webServer } from "./testing/whole-gateway.ts";

const missing = (await loadSocketLibc()) === undefined ? "missing tool: koffi" : false;
/** So many connections that each of two workers has some. */
const ASKED = 24;
const RUN_MS_MAX = 60_000;

interface Places {
	readonly token: string;
	readonly name: string;
	readonly protocols: string;
	readonly web: number;
	readonly plain: number;
	readonly upstream: string;
	readonly plugin: string;
}

describe("a reload and places", { skip: missing }, () => {
	for (const workers of [1, 2]) {
		test(`of ${workers}`, { timeout: RUN_MS_MAX }, async (t) => {
			const web = await webServer(t, (_, response) => response.end("web"));
			const ports = await freePorts();
			const text = ({ token, name, protocols, web: at, plain, upstream, plugin }: Places) => `
workers: ${workers}
listen: { at: "127.0.0.1:${at}", name: ${name}, protocols: [${protocols}] }
admin: { at: "127.0.0.1:0", token: ${token} }
tcp: [{ at: "127.0.0.1:${plain}", name: plain, to: ${upstream} }]
upstreams: { ${upstream}: { servers: ["127.0.0.1:${web.port}"] } }
routes: [{ path: /, to: ${upstream} ${plugin} }]
`;
			const [one, two, three, four] = ports;
			let places: Places = {
				...{ token: "old", name: "web", protocols: "h1, h2", web: one, plain: two },
				...{ upstream: "first", plugin: "" },
			};
			const run = await startRealGateway(t, text(places));
			const admin = await run.adminPlace;
			const become = async (other: Partial<Places>) => {
				places = { ...places, ...other };
				run.configure(text(places));
				return await run.said(/configuration read again|not taken/);
			};
			const serves = async () => {
				await askAll(places.web);
				await askAll(places.plain);
			};
			await serves();

			assert.match(await become({ token: "new" }), /admin changed/);
			assert.deepEqual([await statusOf(admin, "old"), await statusOf(admin, "new")], [401, 200]);

			assert.match(await become({ protocols: "h1" }), /listener web changed/);
			await serves();

			assert.match(await become({ name: "renamed" }), /listener renamed added, listener web removed/);
			await serves();

			assert.match(await become({ web: three, plain: four }), /listener renamed changed, tcp plain changed/);
			await serves();
			for (const port of [one, two]) assert.equal(await isRefused(port), true, `${port}`);

			const before = places;
			const refused = {
				web: one,
				upstream: "second",
				plugin: `, plugins: [{ module: "${import.meta.filename}" }]`,
			};
			assert.match(await become(refused), /not taken/);
			assert.equal(await isRefused(one), true);
			places = before;
			await serves();
			assert.match(await become({ upstream: "third" }), /upstream third added, upstream first removed/);
			await serves();
			const headers = { authorization: "Bearer new" };
			const page = await (await fetch(`http://${admin}/metrics`, { headers })).text();
			assert.match(page, /^plumbline_gateway_reloads_total{result="done"} 5$/m);
			assert.match(page, /^plumbline_gateway_reloads_total{result="refused"} 1$/m);
		});
	}
});

async function statusOf(place: string, token: string): Promise<number> {
	const headers = { authorization: `Bearer ${token}`, connection: "close" };
	return (await fetch(`http://${place}/api/config`, { headers })).status;
}

/** Each on a connection of its own. */
async function askAll(port: number): Promise<void> {
	const headers = { connection: "close" };
	for (let asked = 0; asked < ASKED; asked++) {
		const answer = await fetch(`http://127.0.0.1:${port}/`, { headers, signal: AbortSignal.timeout(5000) });
		assert.equal(await answer.text(), "web");
	}
}

function isRefused(port: number): Promise<boolean> {
	return new Promise((resolve) => {
		const socket = connect(port, "127.0.0.1");
		socket.once("connect", () => {
			socket.destroy();
			resolve(false);
		});
		socket.once("error", () => resolve(true));
	});
}

async function freePorts(): Promise<readonly [number, number, number, number]> {
	return [await freePort(), await freePort(), await freePort(), await freePort()];
}

async function freePort(): Promise<number> {
	const server = createServer();
	await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
	const { port } = server.address() as AddressInfo;
	await new Promise((resolve) => server.close(resolve));
	return port;
}
