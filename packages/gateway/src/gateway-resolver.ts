/** The names of upstreams: asked of the servers that were configured, or else of those that the host asks. */
import { readFileSync } from "node:fs";
import { isIP } from "node:net";
import { type OpenedResolver, openResolver } from "@plumbline/resolver/open-resolver";
import { parseResolvConf } from "@plumbline/signals/resolv-conf";
import type { ResolverSettings } from "./settings.ts";

/** What libc asks when no server is named. */
const LOCAL = ["127.0.0.1"];
const FILE_CHARS_MAX = 65_536;

/** Asks nobody yet. Throws what openResolver throws for servers that are none. */
export function gatewayResolver(
	{ servers, forged }: ResolverSettings,
	resolvConf = "/etc/resolv.conf",
): OpenedResolver {
	const asked = servers.length > 0 ? servers : hostServers(resolvConf);
	return openResolver({ servers: asked, forged: { policy: forged } });
}

function hostServers(path: string): readonly string[] {
	const named = parseResolvConf(textOf(path)).nameservers.filter((address) => isIP(address) !== 0);
	return (named.length === 0 ? LOCAL : named).map((address) =>
		isIP(address) === 6 ? `udp://[${address}]:53` : `udp://${address}:53`,
	);
}

/** Without the file the host asks itself. */
function textOf(path: string): string {
	try {
		return readFileSync(path, "utf8").slice(0, FILE_CHARS_MAX);
	} catch {
		return "";
	}
}
