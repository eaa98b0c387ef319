/** http-proxy as it comes, without an agent: `time-wait-peer.ts UPSTREAM` tells its port. */
import { createServer } from "node:http";
import httpProxy from "http-proxy";

const [target = ""] = process.argv.slice(2);
const proxy = httpProxy.createProxyServer({ target });
proxy.on("error", (_, __, response) => response.destroy());
const server = createServer((request, response) => proxy.web(request, response));
server.listen(0, "127.0.0.1", () => {
	const address = server.address();
	if (address !== null && typeof address !== "string") console.log(`port ${address.port}`);
});
