/**
 * Brings what the tests need beyond npm packages: system programs by apt where this may (root on Debian),
 * Go modules of the lab. What cannot be had is said in one line each; the tests that need it then skip.
 */
import { existsSync, globSync } from "node:fs";
import { delimiter, dirname } from "node:path";
import { runCommand } from "./command.ts";
import { withoutServices } from "./without-services.ts";

const APT_TIME_MS_MAX = 420_000;
const GO_TIME_MS_MAX = 420_000;
/** Go older than this cannot fetch the toolchain that go.mod names. */
const GO_MINOR_MIN = 21;
/** Where distributions put daemons and Go keeps itself; a plain user's PATH often lacks them. */
const MORE_PATHS = ["/usr/local/go/bin", "/usr/local/sbin", "/usr/sbin", "/sbin"];

interface SystemTool {
	/** Any of these on PATH will do. */
	readonly programs: readonly string[];
	readonly aptPackage: string;
	readonly neededFor: string;
}

const SYSTEM_TOOLS: readonly SystemTool[] = [
	{ programs: ["ss"], aptPackage: "iproute2", neededFor: "socket tables checked against ss" },
	{ programs: ["netstat"], aptPackage: "net-tools", neededFor: "pasted netstat tables checked against ss" },
	// The core packages: programs only, no service that starts by itself.
	{ programs: ["mariadbd"], aptPackage: "mariadb-server-core", neededFor: "MariaDB sessions" },
	{ programs: ["mariadb"], aptPackage: "mariadb-client-core", neededFor: "MariaDB sessions" },
	{ programs: ["openssl"], aptPackage: "openssl", neededFor: "TLS to a database" },
	{ programs: ["dnsmasq"], aptPackage: "dnsmasq-base", neededFor: "services that look names up" },
	{ programs: ["unbound"], aptPackage: "unbound", neededFor: "a resolver that asks real servers" },
	{ programs: ["faketime"], aptPackage: "faketime", neededFor: "a clock that a real resolver lives by" },
	{ programs: ["named"], aptPackage: "bind9", neededFor: "a resolver that asks real servers" },
	{ programs: ["knotd"], aptPackage: "knot", neededFor: "zones that real servers serve" },
	{ programs: ["kdig"], aptPackage: "knot-dnsutils", neededFor: "DNS over TLS and HTTPS checked by kdig" },
	{ programs: ["dig"], aptPackage: "bind9-dnsutils", neededFor: "DNS messages checked by dig" },
	{ programs: ["dnsperf"], aptPackage: "dnsperf", neededFor: "the name server under load" },
	{ programs: ["pgbouncer"], aptPackage: "pgbouncer", neededFor: "sessions behind a pooler" },
	{ programs: ["redis-server"], aptPackage: "redis-server", neededFor: "rate limits that gateways share" },
	{ programs: ["curl"], aptPackage: "curl", neededFor: "the gateway asked by a client of another make" },
	{ programs: ["nginx"], aptPackage: "nginx", neededFor: "smuggling between proxies" },
	{ programs: ["haproxy"], aptPackage: "haproxy", neededFor: "smuggling between proxies" },
	// The program and its modules; the service is in another package.
	{ programs: ["apache2"], aptPackage: "apache2-bin", neededFor: "smuggling between proxies" },
	{ programs: ["chromium"], aptPackage: "chromium", neededFor: "the HTML report in a browser" },
	{ programs: ["go"], aptPackage: "golang-go", neededFor: "lab programs and live tests" },
];

export interface Prepared {
	/** PATH for the tests: ours with the places daemons hide in. */
	readonly path: string;
	/** False when a missing tool is nobody's fault: no root, no apt, or its archive did not answer. */
	readonly couldInstall: boolean;
}

export async function prepareTools(say: (line: string) => void): Promise<Prepared> {
	const known = (process.env.PATH ?? "").split(delimiter);
	const path = [...known, ...MORE_PATHS.filter((dir) => !known.includes(dir))].join(delimiter);
	const onPath = (program: string) => path.split(delimiter).some((dir) => existsSync(`${dir}/${program}`));
	const missing = SYSTEM_TOOLS.filter((tool) => !tool.programs.some(onPath));
	const couldInstall = await installBySystem(missing, path, say);
	for (const tool of missing.filter((each) => !each.programs.some(onPath)))
		say(`missing tool: ${tool.programs[0]} (apt package ${tool.aptPackage}): no tests of ${tool.neededFor}`);
	if (onPath("go")) await prepareGo(path, say);
	return { path, couldInstall };
}

async function installBySystem(
	tools: readonly SystemTool[],
	path: string,
	say: (line: string) => void,
): Promise<boolean> {
	const isRoot = process.getuid?.() === 0;
	const mayInstall = isRoot && existsSync("/usr/bin/apt-get");
	if (tools.length === 0) return true;
	if (!mayInstall) {
		say(`not installing ${tools.map((t) => t.aptPackage).join(", ")}: ${isRoot ? "no apt-get" : "not root"}`);
		return false;
	}
	const env = { PATH: path, DEBIAN_FRONTEND: "noninteractive" };
	const aptGet = (...args: string[]) =>
		withoutServices(() => runCommand({ program: "apt-get", args, env, timeMsMax: APT_TIME_MS_MAX }));
	say(`installing ${tools.map((t) => t.aptPackage).join(", ")}`);
	const update = await aptGet("update", "-q");
	if (update.kind === "failed" || update.exitCode !== 0) {
		say(`apt-get update failed: ${lastLine(update.output)}`);
		return false;
	}
	// One at a time: one that the archive lacks must not cost the others.
	for (const { aptPackage } of tools) {
		const end = await aptGet("install", "-y", "-q", "--no-install-recommends", aptPackage);
		if (end.kind === "failed" || end.exitCode !== 0)
			say(`apt-get install ${aptPackage} failed: ${end.kind === "failed" ? end.why : lastLine(end.output)}`);
	}
	return true;
}

/** Fetches modules and compiles once, so that no test pays for it or trips over it. */
async function prepareGo(path: string, say: (line: string) => void): Promise<void> {
	const env = { PATH: path };
	const version = await runCommand({
		program: "go",
		args: ["version"],
		env: { ...env, GOTOOLCHAIN: "local" },
		timeMsMax: 20_000,
	});
	const minor = /go1[.](\d+)/.exec(version.output)?.[1];
	if (minor === undefined || Number(minor) < GO_MINOR_MIN) {
		say(`missing tool: Go 1.${GO_MINOR_MIN} or later (found: ${lastLine(version.output)}): no lab programs`);
		return;
	}
	const modules = globSync("lab/**/go.mod", { exclude: ["**/node_modules/**"] });
	for (const module of modules) {
		const cwd = dirname(module);
		for (const args of [
			["mod", "download"],
			["build", "./..."],
		]) {
			const end = await runCommand({ program: "go", args, cwd, env, timeMsMax: GO_TIME_MS_MAX });
			if (end.kind === "failed" || end.exitCode !== 0)
				say(
					`go ${args.join(" ")} in ${cwd} failed: ${end.kind === "failed" ? end.why : lastLine(end.output)}`,
				);
		}
	}
}

function lastLine(output: string): string {
	return output.trim().split("\n").at(-1) ?? "";
}
