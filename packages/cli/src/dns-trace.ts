/** The work of `plumbline dns trace`. */
import { existsSync, writeFileSync } from "node:fs";
import { dnsPathMermaid } from "@plumbline/report/dns-path-mermaid";
import { dnsPathSvg } from "@plumbline/report/dns-path-svg";
import { dnsPathText } from "@plumbline/report/dns-path-text";
import { traceName } from "@plumbline/resolver/trace";
import { openTransport } from "@plumbline/resolver/transport";
import type { DnsPath } from "@plumbline/signals/dns-path";
import type { CliContext } from "./context.ts";
import { type ServersFlags, serversOf } from "./dns-servers-of.ts";
import { CommandError, EXIT_NOTHING_FOUND, EXIT_UNEXAMINED, usageError } from "./exit-code.ts";
import { isElsewhere, runInNetworkOf } from "./network-of.ts";

export interface DnsTraceFlags extends ServersFlags {
	readonly mermaid?: boolean;
	readonly svg?: string;
	readonly json?: boolean;
	/** This is the child that was started in the network of the process. */
	readonly here?: boolean;
}

const SCHEMA = "plumbline.dns-path/1";

export async function dnsTrace(this: CliContext, flags: DnsTraceFlags, name: string): Promise<void> {
	const { mermaid, svg, json, pid } = flags;
	if (mermaid && json) throw usageError("--mermaid and --json exclude each other", "dns trace");
	if (svg !== undefined && !/\.svg$/i.test(svg) && existsSync(svg))
		throw usageError(`--svg ${svg} would replace a file that is no picture: name another`, "dns trace");
	const { source, facts, servers, unusable } = serversOf(flags);
	for (const address of unusable)
		this.progress.note(`${source}: ${address} is no IP address, and is not asked`);
	if (servers.length === 0) throw new CommandError(`${source} names nobody to ask`, EXIT_UNEXAMINED);
	if (pid !== undefined && !flags.here && isElsewhere(pid)) return traceFrom(this, pid, flags, name);
	this.progress.step(`looking ${name} up`);
	const path = await traceName(
		{ name, source, facts, servers: servers.map(({ server }) => server) },
		{ open: (server) => openTransport(server), signal: this.signal },
	);
	this.progress.done();
	if (svg !== undefined) writePicture(svg, dnsPathSvg(path));
	const text = json
		? `${JSON.stringify({ schema: SCHEMA, ...path }, undefined, 2)}\n`
		: mermaid
			? dnsPathMermaid(path)
			: dnsPathText(path, this.page);
	this.process.stdout.write(text);
	this.process.exitCode = wasAnswered(path) ? EXIT_NOTHING_FOUND : EXIT_UNEXAMINED;
}

/** The same command within; what it prints is the answer. */
async function traceFrom(
	{ process, signal, progress }: CliContext,
	pid: number,
	{ server = [], mermaid, svg, json }: DnsTraceFlags,
	name: string,
): Promise<void> {
	const args = [
		...["dns", "trace", "--here", "--pid", String(pid)],
		...server.flatMap(({ text }) => ["--server", text]),
		...(mermaid ? ["--mermaid"] : []),
		...(json ? ["--json"] : []),
		...(svg === undefined ? [] : ["--svg", svg]),
	];
	progress.step(`looking ${name} up in the network of process ${pid}`);
	const { code, stdout, stderr } = await runInNetworkOf(pid, [...args, name], signal);
	progress.done();
	if (stdout.length === 0)
		throw new CommandError(
			`the network namespace of process ${pid} could not be asked from: ${stderr || "it printed nothing"}`,
			EXIT_UNEXAMINED,
		);
	process.stdout.write(new TextDecoder().decode(stdout));
	process.exitCode = code;
}

/** That a name does not exist is an answer. */
function wasAnswered({ steps }: DnsPath): boolean {
	const last = steps.at(-1)?.lookups.flatMap(({ tries }) => tries.at(-1) ?? []) ?? [];
	return last.some(({ outcome }) => outcome !== "failure" && outcome !== "silence");
}

function writePicture(path: string, svg: string): void {
	try {
		writeFileSync(path, svg);
	} catch (error) {
		const why = error instanceof Error ? error.message : String(error);
		throw new CommandError(`${path} cannot be written: ${why}`, EXIT_UNEXAMINED, error);
	}
}
