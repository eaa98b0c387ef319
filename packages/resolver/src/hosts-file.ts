/**
 * The names a host knows without asking anybody, hosts(5):
 *
 * ```
 *   127.0.0.1   localhost
 *   10.1.2.3    orders.internal orders      # canonical name, aliases
 *   ::1         localhost ip6-localhost
 * ```
 * A name may have several lines; their addresses add up in the order of the file. The file is looked at again when it
 * has changed, at most once a second: in a container it is often written in place, where a watch sees nothing.
 */
import { closeSync, openSync, readSync, statSync } from "node:fs";
import { isIP } from "node:net";

const LOOK_MS = 1_000;
const BYTES_MAX = 4 << 20;
const NAMES_MAX = 100_000;
const ADDRESSES_PER_NAME_MAX = 64;
const NONE: readonly string[] = [];

export interface HostsFile {
	/** In the order of the file; empty for a name it does not know. `name` in lower case, without the last dot. */
	addressesOf(name: string, nowMs: number): readonly string[];
}

/** A file that is missing or cannot be read knows no names: so does libc. */
export function openHostsFile(path = "/etc/hosts"): HostsFile {
	let known = new Map<string, readonly string[]>();
	let lookedAtMs = Number.NEGATIVE_INFINITY;
	let state = "";
	return {
		addressesOf(name, nowMs) {
			if (nowMs - lookedAtMs >= LOOK_MS) {
				lookedAtMs = nowMs;
				const current = stateOf(path);
				if (current !== state) {
					known = parseHosts(textOf(path));
					state = current;
				}
			}
			return known.get(name) ?? NONE;
		},
	};
}

export function parseHosts(text: string): Map<string, readonly string[]> {
	const known = new Map<string, string[]>();
	for (const line of text.split("\n")) {
		const [address, ...names] = (line.split("#", 1)[0] ?? "").split(/\s+/).filter((word) => word !== "");
		// A link-local address with its interface (fe80::1%lo0) is one that nobody can dial by name.
		if (address === undefined || isIP(address) === 0 || address.includes("%")) continue;
		for (const each of names) {
			const name = each.toLowerCase().replace(/\.$/, "");
			const addresses = known.get(name);
			if (addresses === undefined) {
				if (known.size < NAMES_MAX) known.set(name, [address]);
			} else if (addresses.length < ADDRESSES_PER_NAME_MAX && !addresses.includes(address))
				addresses.push(address);
		}
	}
	return known;
}

function stateOf(path: string): string {
	try {
		const { ino, size, mtimeMs, ctimeMs } = statSync(path);
		return `${ino} ${size} ${mtimeMs} ${ctimeMs}`;
	} catch {
		return "absent";
	}
}

function textOf(path: string): string {
	let file: number | undefined;
	try {
		file = openSync(path, "r");
		const bytes = Buffer.alloc(BYTES_MAX);
		const length = readSync(file, bytes, 0, BYTES_MAX, 0);
		return bytes.toString("utf8", 0, length);
	} catch {
		return "";
	} finally {
		if (file !== undefined) closeSync(file);
	}
}
