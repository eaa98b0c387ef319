/** DNS over TLS (RFC 7858), strict: a name or a key is verified (RFC 8310). Queries are padded (RFC 8467). */
import { PooledTransport, type PoolOptions } from "./transport-pool.ts";
import { StreamLink } from "./transport-stream-link.ts";
import { connectTls, tlsMemory } from "./transport-tls.ts";
import type { UpstreamServer } from "./upstream.ts";

export function openDot(server: UpstreamServer, options: PoolOptions): PooledTransport {
	const memory = tlsMemory(server);
	const open = (onVerified: () => void) => connectTls({ server, memory, onVerified });
	return new PooledTransport(server, options, (link) => new StreamLink(link, open), { isPadded: true });
}
