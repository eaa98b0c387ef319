/**
 * How a listener of the target is reached from here: directly, or by a connection made from inside its
 * network namespace; and whether its certificate may be self-signed.
 */
import type { RequestOptions as HttpsOptions } from "node:https";
import { connect as connectTls } from "node:tls";
import { connectInNamespace } from "@plumbline/kernel/namespace-connect";
import { type Reading, read } from "@plumbline/kernel/reading";

export interface Reach {
	/** The listener is in the network namespace of this pid, not in ours. */
	readonly namespaceOf?: number;
	/** Any certificate is accepted. Only ever true for loopback. */
	readonly selfSigned?: boolean;
}

/**
 * Options for one node:http(s) request to `url`. Each call makes a connection of its own where one has to
 * be made inside a namespace: use them for one request. Rejects only when `signal` says stop.
 */
export async function requestOptions(
	url: URL,
	{ namespaceOf, selfSigned = false }: Reach,
	signal?: AbortSignal,
): Promise<Reading<HttpsOptions>> {
	const rejectUnauthorized = !selfSigned;
	// agent: false = a connection of its own, closed afterwards: no idle socket is left in the target.
	if (namespaceOf === undefined) return read({ agent: false, rejectUnauthorized });
	const isTls = url.protocol === "https:";
	const host = url.hostname.replace(/^\[|\]$/g, "");
	const port = Number(url.port || (isTls ? 443 : 80));
	const connected = await connectInNamespace(namespaceOf, host, port, signal);
	if (connected.kind === "refused") return connected;
	const socket = connected.value;
	return read({ createConnection: () => (isTls ? connectTls({ socket, rejectUnauthorized }) : socket) });
}
