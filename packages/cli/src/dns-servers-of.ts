/** The name servers that a command is about: given, those of a file, or those that a process sees. */
import { readFileSync } from "node:fs";
import { isIP } from "node:net";
import { readResolver } from "@plumbline/kernel/resolv-conf";
import type { ResolverFacts } from "@plumbline/signals/process";
import { parseResolvConf } from "@plumbline/signals/resolv-conf";
import type { GivenServer } from "./dns-flags.ts";
import { CommandError, EXIT_UNEXAMINED } from "./exit-code.ts";

export interface ServersFlags {
	readonly server?: readonly GivenServer[];
	readonly resolvConf?: string;
	readonly pid?: number;
}

export interface NamedServers {
	/** Where they come from: `/etc/resolv.conf`, `resolv.conf of process 4711`, `--server`. */
	readonly source: string;
	readonly facts: ResolverFacts;
	readonly servers: readonly GivenServer[];
	/** Of the file, but no addresses. */
	readonly unusable: readonly string[];
}

const RESOLV_CONF = "/etc/resolv.conf";
/** What libc and Go ask when no server is named. */
const LOCAL = ["127.0.0.1"];
const FILE_CHARS_MAX = 64 * 1024;

/** Throws a CommandError when there is nobody to ask. */
export function serversOf({ server, resolvConf = RESOLV_CONF, pid }: ServersFlags): NamedServers {
	const given = server !== undefined && server.length > 0;
	const { source, facts } = given
		? { source: "--server", facts: parseResolvConf("") }
		: pid === undefined
			? ofFile(resolvConf)
			: ofProcess(pid);
	if (given) return { source, facts, servers: server, unusable: [] };
	const named = facts.nameservers.length === 0 ? LOCAL : facts.nameservers;
	const usable = named.filter((address) => isIP(address) !== 0);
	return {
		source,
		facts,
		servers: usable.map((address): GivenServer => {
			const text = `udp://${address.includes(":") ? `[${address}]` : address}:53`;
			return { text, server: { protocol: "udp", address, port: 53 } };
		}),
		unusable: named.filter((address) => isIP(address) === 0),
	};
}

function ofFile(path: string) {
	try {
		const text = readFileSync(path, "utf8").slice(0, FILE_CHARS_MAX);
		return { source: path, facts: parseResolvConf(text) };
	} catch (error) {
		const why = error instanceof Error ? error.message : String(error);
		throw new CommandError(`${path} cannot be read: ${why}`, EXIT_UNEXAMINED, error);
	}
}

function ofProcess(pid: number) {
	const reading = readResolver(pid);
	if (reading.kind === "refused") throw new CommandError(`${reading.why}`, EXIT_UNEXAMINED);
	return { source: `resolv.conf of process ${pid}`, facts: reading.value };
}
