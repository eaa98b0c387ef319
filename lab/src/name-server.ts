/**
 * Name servers for one scenario, each on a loopback address of its own, and the resolv.conf that leads a service to
 * them. A slow one has a relay in front that passes each query on late; one that lies has a liar.
 *
 *   service ── resolv.conf: nameserver 127.53.4.7 ──▶ [relay, delayMs] ──▶ [liar] ──▶ dnsmasq
 *              [nameserver 127.53.9.2]            ──▶ dnsmasq that knows the same
 *   diagnosis ── also asks, where the scenario says so ──▶ dnsmasq, dnsmasq: the trusted ones
 *
 * resolv.conf knows no ports, so they listen on 53; and the service sees the file in a mount namespace of its own.
 * Both take root.
 */
import { randomInt } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { startDnsmasq } from "./name-server-dnsmasq.ts";
import { startFront } from "./name-server-front.ts";
import type { Naming } from "./naming.ts";
import { freePort } from "./server-host.ts";
import { makeScratchFolder, removeScratchFolder } from "./tied-process.ts";

export interface NameServer {
	/** Of the first server in resolv.conf. */
	readonly address: string;
	/** Of the resolv.conf that leads to it. */
	readonly resolvConf: string;
	/** As `--dns-trusted` takes them: `udp://127.53.8.1:53`. */
	readonly trusted: readonly string[];
	stop(): Promise<void>;
}

const DNS_PORT = 53;

/** The lab cannot have a name server as an ordinary user. */
export class NoNameServerError extends Error {
	readonly code = "PLUMBLINE_LAB_NO_NAME_SERVER";
}

export async function startNameServer(naming: Naming): Promise<NameServer> {
	if (process.getuid?.() !== 0)
		throw new NoNameServerError("a name server of the lab's own takes root: port 53, and a mount namespace");
	const { search, ndots, knows = {}, second, compare } = naming;
	const undo: (() => Promise<void> | void)[] = [];
	const stop = async () => {
		for (let step = undo.pop(); step; step = undo.pop()) await step();
	};
	const honest = async (known = knows, address = freeAddress(), port = DNS_PORT) => {
		const server = await startDnsmasq({ address, port, knows: known });
		undo.push(() => server.stop("SIGTERM"));
		return address;
	};
	try {
		const address = await startFirst(naming, honest, undo);
		const servers = [address, ...(second ? [await honest()] : [])];
		const trusted: string[] = [];
		for (const known of compare?.trusted ?? []) trusted.push(`udp://${await honest(known)}:${DNS_PORT}`);
		const scratch = makeScratchFolder();
		undo.push(() => removeScratchFolder(scratch));
		const resolvConf = join(scratch, "resolv.conf");
		const lines = [
			`search ${search.join(" ")}`,
			...servers.map((server) => `nameserver ${server}`),
			`options ndots:${ndots}`,
		];
		writeFileSync(resolvConf, `${lines.join("\n")}\n`, { mode: 0o644 });
		return { address, resolvConf, trusted, stop };
	} catch (error) {
		await stop();
		throw error;
	}
}

/** The first one of resolv.conf, with whatever stands before it. */
async function startFirst(
	{ knows, delayMs = 0, lie }: Naming,
	honest: (known: Naming["knows"], address: string, port: number) => Promise<string>,
	undo: (() => Promise<void> | void)[],
): Promise<string> {
	const address = freeAddress();
	if (delayMs === 0 && lie === undefined) return honest(knows, address, DNS_PORT);
	const to = await freePort();
	await honest(knows, address, to);
	const behind = { address, to, port: DNS_PORT, delayMs };
	const front = await startFront(lie === undefined ? behind : { ...behind, lie });
	undo.push(() => front.stop());
	return address;
}

function freeAddress(): string {
	return `127.53.${randomInt(1, 255)}.${randomInt(1, 255)}`;
}
