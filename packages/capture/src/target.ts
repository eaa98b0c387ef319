/** Who is examined: what the user gave, made exact, and the missing half found where it can be. */
import { readdir, readFile, readlink } from "node:fs/promises";
import { readProcessStat } from "@plumbline/kernel/process-stat";
import { redactArgument } from "@plumbline/signals/redact";
import { decodeProcNetTcp } from "@plumbline/signals/sockets-proc-net-tcp";

/** File descriptors looked at to find who listens on a port: a second's work. */
const OWNER_FDS_MAX = 300_000;

/**
 * The base of a pprof endpoint, ending in `/`. Accepts what people have at hand: `6060`, `:6060`,
 * `host:6060`, `http://host:6060`, and any URL below `/debug/pprof`, also behind a prefix.
 * Throws a RangeError that says what was expected.
 */
export function pprofBase(text: string): string {
	const url = httpUrl(text, "--pprof", "127.0.0.1:6060");
	const path = url.pathname;
	const pprof = path.indexOf("/debug/pprof");
	if (pprof >= 0) url.pathname = `${path.slice(0, pprof)}/debug/pprof/`;
	else url.pathname = path === "/" ? "/debug/pprof/" : `${path.replace(/\/+$/, "")}/`;
	url.search = "";
	return url.href;
}

/** The URL of a metrics page; `/metrics` where no path is given. */
export function metricsUrl(text: string): string {
	const url = httpUrl(text, "--metrics", "127.0.0.1:9090/metrics");
	if (url.pathname === "/") url.pathname = "/metrics";
	return url.href;
}

function httpUrl(text: string, flag: string, example: string): URL {
	const port = /^:?(\d{1,5})(\/.*)?$/.exec(text);
	const full = port ? `http://127.0.0.1:${port[1]}${port[2] ?? ""}` : text;
	const withScheme = /^[a-z][a-z0-9+.-]*:\/\//i.test(full) ? full : `http://${full}`;
	const url = URL.canParse(withScheme) ? new URL(withScheme) : undefined;
	if (url && /^https?:$/.test(url.protocol)) {
		url.hash = "";
		return url;
	}
	throw new RangeError(
		`${flag} wants an http or https address such as ${example}, not "${redactArgument(text)}"`,
	);
}

/** Why there is no such process, or nothing left of it but its entry (a zombie); undefined while it runs. */
export function whyNotRunning(pid: number): string | undefined {
	const stat = readProcessStat(pid);
	if (stat.kind === "read") return undefined;
	if (stat.code === "absent") return `no process with id ${pid} runs on this host`;
	// Others that cannot be read are there: /proc may hide another user's process (hidepid).
	return stat.code === "gone" ? stat.why : undefined;
}

/** Who owns the listener a loopback URL leads to: the pid, or in words why it cannot be told. */
export async function pidBehind(
	url: string,
	signal: AbortSignal,
): Promise<number | { readonly why: string }> {
	const { hostname, port, protocol } = new URL(url);
	if (!/^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname)) {
		return { why: `${hostname} is another host; run plumbline there with --pid` };
	}
	const wanted = Number(port || (protocol === "https:" ? 443 : 80));
	const inodes = await listenersOn(wanted);
	if (inodes.size === 0) return { why: `nothing on this host listens on port ${wanted}` };
	return ownerOf(inodes, wanted, signal);
}

async function listenersOn(port: number): Promise<Set<number>> {
	const inodes = new Set<number>();
	for (const path of ["/proc/net/tcp", "/proc/net/tcp6"]) {
		const decoded = decodeProcNetTcp(await readFile(path).catch(() => new Uint8Array()));
		if (decoded.kind !== "decoded") continue;
		for (const socket of decoded.value.sockets) {
			if (socket.state === "LISTEN" && socket.localPort === port && socket.inode > 0)
				inodes.add(socket.inode);
		}
	}
	return inodes;
}

async function ownerOf(
	inodes: ReadonlySet<number>,
	port: number,
	signal: AbortSignal,
): Promise<number | { readonly why: string }> {
	const links = new Set([...inodes].map((inode) => `socket:[${inode}]`));
	let denied = 0;
	let left = OWNER_FDS_MAX;
	for (const entry of await readdir("/proc")) {
		if (!/^\d+$/.test(entry)) continue;
		signal.throwIfAborted();
		const fds = await readdir(`/proc/${entry}/fd`).catch((error: NodeJS.ErrnoException) => {
			if (error.code === "EACCES" || error.code === "EPERM") denied++;
			return [];
		});
		left -= fds.length;
		if (left < 0) return { why: `too many open files on this host to find who listens on port ${port}` };
		for (const fd of fds) {
			const link = await readlink(`/proc/${entry}/fd/${fd}`).catch(() => "");
			if (links.has(link)) return theService(Number(entry), port);
		}
	}
	const hint = denied > 0 ? `: ${denied} processes of other users may not be looked into` : "";
	return { why: `cannot tell who listens on port ${port}${hint}; give --pid, or run as that user or root` };
}

/** A container runtime's port forwarder owns the port, but not the sockets of the service behind it. */
async function theService(pid: number, port: number): Promise<number | { readonly why: string }> {
	const comm = (await readFile(`/proc/${pid}/comm`, "utf8").catch(() => "")).trim();
	if (!/^(docker-proxy|rootlessport|slirp4netns|pasta|kubectl|ssh|socat)/.test(comm)) return pid;
	return { why: `port ${port} is forwarded by ${comm} (pid ${pid}); give --pid of the service itself` };
}
