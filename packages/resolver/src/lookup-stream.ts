/**
 * A socket for clients that take no `lookup` but a stream of one's own, as pg does:
 *
 * ```
 *   new pg.Pool({ stream: streamWith(resolver.lookup) })     pg calls stream.connect(port, host)
 * ```
 */
import { Socket, type SocketConnectOpts } from "node:net";
import type { Lookup } from "./lookup.ts";

export function streamWith(lookup: Lookup): () => Socket {
	return () => new LookupSocket(lookup);
}

class LookupSocket extends Socket {
	readonly #lookup: Lookup;

	constructor(lookup: Lookup) {
		super();
		this.#lookup = lookup;
	}

	/** By port and host, or by options; a path of a unix socket stays what it is. */
	override connect(...args: unknown[]): this {
		const [first, host] = args;
		const rest = args.filter((arg) => typeof arg === "function") as [(() => void)?];
		if (typeof first === "number" && (host === undefined || typeof host === "string"))
			return super.connect({ port: first, host: host ?? "localhost", lookup: this.#lookup }, ...rest);
		if (typeof first === "object" && first !== null && "port" in first)
			return super.connect({ lookup: this.#lookup, ...(first as SocketConnectOpts) }, ...rest);
		return super.connect(...(args as [string]));
	}
}
