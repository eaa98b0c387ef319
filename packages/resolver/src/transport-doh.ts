/** DNS over HTTPS (RFC 8484) by HTTP/2. Queries are padded (RFC 8467). */
import { Http2Link } from "./transport-http2-link.ts";
import { PooledTransport, type PoolOptions } from "./transport-pool.ts";
import { tlsMemory } from "./transport-tls.ts";
import type { UpstreamServer } from "./upstream.ts";

export function openDoh(server: UpstreamServer, options: PoolOptions): PooledTransport {
	const memory = tlsMemory(server);
	return new PooledTransport(server, options, (link) => new Http2Link(link, memory), { isPadded: true });
}
