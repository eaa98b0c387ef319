/** A server on free ports of loopback around a scripted resolver, closed with its test. */
import type { TestContext } from "node:test";
import { type DnsServer, type DnsServerOptions, startDnsServer } from "../server.ts";
import { type ScriptedResolver, scriptedResolver } from "./scripted-resolver.ts";

export interface Served {
	readonly server: DnsServer;
	readonly resolver: ScriptedResolver;
	/** UDP and TCP. */
	readonly port: number;
	readonly portOf: (protocol: "udp" | "tcp" | "dot" | "doh") => number;
}

export async function serveHere(t: TestContext, options: Partial<DnsServerOptions> = {}): Promise<Served> {
	const resolver = scriptedResolver();
	const listen = [{ address: "127.0.0.1", port: 0 }];
	const server = await startDnsServer({ resolver, listen, ...options });
	t.after(() => server.close());
	const portOf = (wanted: string) => server.places().find(({ protocol }) => protocol === wanted)?.port ?? 0;
	return { server, resolver, port: portOf("udp"), portOf };
}
