/**
 * Name servers that cache, each told to forward to one authority and to use one core: what the configuration of each
 * has to say for that, and nothing else.
 */
import { execFileSync } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export interface CachedServer {
	readonly name: string;
	/** Program, arguments and environment, once its files are written to the folder. */
	plan(port: number, authority: number, folder: string): Plan | undefined;
}

interface Plan {
	readonly program: string;
	readonly args: readonly string[];
	readonly env?: Readonly<Record<string, string>>;
}

const COREDNS = "github.com/coredns/coredns@v1.11.4";
const MAIN = join(import.meta.dirname, "..", "..", "..", "packages", "cli", "src", "main.ts");
/** Names each may keep. */
const NAMES_MAX = 200_000;

/** With gate, limit for each client and counters on; the limit is one that no run reaches. */
function ours(name: string, udp: "best" | "dgram"): CachedServer {
	return {
		name,
		plan(port, authority, folder) {
			const file = join(folder, "dns.yaml");
			writeFileSync(
				file,
				[
					`listen: ["127.0.0.1:${port}"]`,
					`upstreams: ["udp://127.0.0.1:${authority}"]`,
					"rate: { perSecond: 100000000, burst: 100000000 }",
					"ttl: { unauthenticatedMaxS: 86400 }",
					`table: { names: ${NAMES_MAX}, bytes: ${32 * 1024 * 1024} }`,
					`udp: ${udp}`,
				].join("\n"),
			);
			return { program: process.execPath, args: [MAIN, "dns", "serve", "--config", file] };
		},
	};
}

const unbound: CachedServer = {
	name: "unbound",
	plan(port, authority, folder) {
		const file = join(folder, "unbound.conf");
		writeFileSync(
			file,
			[
				"server:",
				'  chroot: ""',
				'  username: ""',
				`  directory: "${folder}"`,
				'  pidfile: ""',
				"  interface: 127.0.0.1",
				`  port: ${port}`,
				"  num-threads: 1",
				'  module-config: "iterator"',
				"  do-not-query-localhost: no",
				"  msg-cache-size: 256m",
				"  rrset-cache-size: 512m",
				'  local-zone: "test." nodefault',
				"forward-zone:",
				'  name: "."',
				`  forward-addr: 127.0.0.1@${authority}`,
			].join("\n"),
		);
		return { program: "unbound", args: ["-d", "-c", file] };
	},
};

const dnsmasq: CachedServer = {
	name: "dnsmasq",
	plan: (port, authority) => ({
		program: "dnsmasq",
		args: [
			...["--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--user=root"],
			...[`--port=${port}`, "--listen-address=127.0.0.1", "--bind-interfaces", "--pid-file="],
			...[`--server=127.0.0.1#${authority}`, `--cache-size=${NAMES_MAX}`, "--dns-forward-max=1000"],
		],
	}),
};

const named: CachedServer = {
	name: "named",
	plan(port, authority, folder) {
		const file = join(folder, "named.conf");
		const options = [
			...[`directory "${folder}";`, "pid-file none;", "recursion yes;", "dnssec-validation no;"],
			...[`listen-on port ${port} { 127.0.0.1; };`, "listen-on-v6 { none; };", "empty-zones-enable no;"],
			...["forward only;", `forwarders { 127.0.0.1 port ${authority}; };`, "session-keyfile none;"],
			...["max-cache-size 1g;", "allow-recursion { any; };"],
		];
		writeFileSync(file, `controls {};\noptions {\n${options.join("\n")}\n};\n`);
		return { program: "named", args: ["-f", "-n", "1", "-U", "1", "-c", file] };
	},
};

const coredns: CachedServer = {
	name: "CoreDNS",
	plan(port, authority, folder) {
		const program = buildCoreDns();
		if (program === undefined) return undefined;
		const file = join(folder, "Corefile");
		const lines = [
			"bind 127.0.0.1",
			`cache 86400 { \n success ${NAMES_MAX} \n }`,
			`forward . 127.0.0.1:${authority}`,
		];
		writeFileSync(file, `.:${port} {\n${lines.join("\n")}\n}\n`);
		return { program, args: ["-conf", file, "-quiet"], env: { GOMAXPROCS: "1" } };
	},
};

export const SERVERS: readonly CachedServer[] = [
	ours("plumbline", "best"),
	unbound,
	dnsmasq,
	coredns,
	named,
	ours("plumbline by dgram", "dgram"),
];

function buildCoreDns(): string | undefined {
	try {
		const program = join(
			execFileSync("go", ["env", "GOPATH"], { encoding: "utf8" }).trim(),
			"bin",
			"coredns",
		);
		if (!existsSync(program)) execFileSync("go", ["install", COREDNS], { stdio: "inherit" });
		return program;
	} catch {
		return undefined;
	}
}
