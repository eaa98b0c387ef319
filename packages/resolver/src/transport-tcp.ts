/** DNS over TCP (RFC 7766), pipelined. */
import { connect } from "node:net";
import { PooledTransport, type PoolOptions } from "./transport-pool.ts";
import { StreamLink } from "./transport-stream-link.ts";
import type { UpstreamServer } from "./upstream.ts";

export function openTcp(server: UpstreamServer, options: PoolOptions): PooledTransport {
	const { address: host, port } = server;
	const open = (onReady: () => void) => connect({ host, port, noDelay: true }, onReady);
	return new PooledTransport(server, options, (link) => new StreamLink(link, open));
}
