/**
 * The proxies of Node as their pages show them, with connections to the upstream kept: `node-proxy.ts NAME PORT UPSTREAM`.
 * Without log and limit, which they have none of.
 */
import { Agent, createServer } from "node:http";
import fastifyProxy from "@fastify/http-proxy";
import { fastify } from "fastify";
import httpProxy from "http-proxy";
import { createProxyServer } from "httpxy";

const [name, portText, upstream] = process.argv.slice(2);
const port = Number(portText);
const UPSTREAM_CONNECTIONS_MAX = 128;
const agent = new Agent({ keepAlive: true, maxSockets: UPSTREAM_CONNECTIONS_MAX });
if (upstream === undefined) throw new Error("node-proxy.ts NAME PORT UPSTREAM");

switch (name) {
	case "http-proxy": {
		const proxy = httpProxy.createProxyServer({ target: upstream, agent, xfwd: true });
		proxy.on("error", () => undefined);
		createServer((request, response) => proxy.web(request, response)).listen(port, "127.0.0.1");
		break;
	}
	case "httpxy": {
		const proxy = createProxyServer({ target: upstream, agent, xfwd: true });
		proxy.on("error", () => undefined);
		createServer((request, response) => void proxy.web(request, response)).listen(port, "127.0.0.1");
		break;
	}
	case "@fastify/http-proxy": {
		const server = fastify({ logger: false });
		await server.register(fastifyProxy, {
			upstream,
			undici: { connections: UPSTREAM_CONNECTIONS_MAX, pipelining: 1 },
		});
		await server.listen({ port, host: "127.0.0.1" });
		break;
	}
	default:
		throw new Error(`no proxy is called ${name}`);
}
