/**
 * Runs a check of name servers from the network that it is about: a server at 10.96.0.10 is somebody else, or nobody,
 * outside the pod. For a process in another network namespace a child of ours does it there, started by nsenter(1);
 * it prints the check in its written form.
 */
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { placeOfNetworkNamespace } from "@plumbline/kernel/network-namespace";
import { checkDns, subnetText } from "@plumbline/resolver/check";
import { openTransport } from "@plumbline/resolver/transport";
import type { DnsCheck } from "@plumbline/signals/dns-check";
import { decodeDnsCheck } from "@plumbline/signals/dns-check-json";
import type { ClientSubnet } from "@plumbline/signals/dns-message";
import { dnsTypeName } from "@plumbline/signals/dns-text";
import type { GivenServer } from "./dns-flags.ts";
import { CommandError, EXIT_UNEXAMINED } from "./exit-code.ts";

export interface DnsCheckPlan {
	readonly names: readonly string[];
	readonly type: number;
	readonly suspects: readonly GivenServer[];
	readonly trusted: readonly GivenServer[];
	readonly also?: readonly string[];
	readonly clientSubnet?: ClientSubnet;
	/** A file with PEM of the authorities that may sign trusted servers. */
	readonly ca?: { readonly path: string; readonly pem: string };
	/** In whose network. */
	readonly pid?: number;
}

/** A check of 64 names by three servers that are silent. */
const CHILD_MS_MAX = 180_000;
const CHILD_BYTES_MAX = 16 << 20;

export async function runDnsCheck(plan: DnsCheckPlan, signal: AbortSignal): Promise<DnsCheck> {
	const place = plan.pid === undefined ? undefined : placeOfNetworkNamespace(plan.pid);
	if (place?.kind === "refused") throw new CommandError(`${place.why}`, EXIT_UNEXAMINED);
	if (place?.value === "other" && plan.pid !== undefined) return checkFrom(plan.pid, plan, signal);
	const { names, type, suspects, also, clientSubnet, ca } = plan;
	const trusted = plan.trusted.map(({ server }) =>
		ca === undefined ? server : { ...server, certificateAuthority: ca.pem },
	);
	return checkDns(
		{
			names,
			type,
			suspects: suspects.map(({ server }) => server),
			trusted,
			...(also === undefined ? {} : { also }),
			...(clientSubnet === undefined ? {} : { clientSubnet }),
		},
		{ open: (server) => openTransport(server), signal },
	);
}

async function checkFrom(pid: number, plan: DnsCheckPlan, signal: AbortSignal): Promise<DnsCheck> {
	const { names, type, suspects, trusted, also = [], clientSubnet, ca } = plan;
	const flags = [
		...suspects.flatMap(({ text }) => ["--server", text]),
		...trusted.flatMap(({ text }) => ["--trusted", text]),
		...also.flatMap((name) => ["--also", name]),
		...(clientSubnet === undefined ? [] : ["--subnet", subnetText(clientSubnet)]),
		...(ca === undefined ? [] : ["--ca", ca.path]),
	];
	const own = [process.execPath, join(import.meta.dirname, "main.ts"), "dns", "check", "--written"];
	const args = [
		"--target",
		String(pid),
		"--net",
		"--",
		...own,
		"--type",
		dnsTypeName(type),
		...flags,
		...names,
	];
	const { stdout, stderr, error } = await run("nsenter", args, signal);
	signal.throwIfAborted();
	const decoded = decodeDnsCheck(stdout);
	if (decoded.kind === "decoded") return decoded.value;
	const why = stderr.trim().replace(/^plumbline: /, "") || error?.message || "it printed no check";
	throw new CommandError(
		`the network namespace of process ${pid} could not be asked from: ${why}`,
		EXIT_UNEXAMINED,
	);
}

function run(program: string, args: readonly string[], signal: AbortSignal) {
	return new Promise<{ stdout: Uint8Array; stderr: string; error: Error | null }>((resolve) => {
		const options = {
			signal,
			timeout: CHILD_MS_MAX,
			maxBuffer: CHILD_BYTES_MAX,
			encoding: "buffer" as const,
			// Nothing of ours that steers Node (NODE_OPTIONS) may reach it.
			env: { PATH: process.env.PATH },
		};
		execFile(program, args, options, (error, stdout, stderr) => {
			resolve({ stdout, stderr: stderr.toString("utf8"), error });
		});
	});
}

export function readAuthority(path: string): { readonly path: string; readonly pem: string } {
	try {
		return { path, pem: readFileSync(path, "utf8") };
	} catch (error) {
		const why = error instanceof Error ? error.message : String(error);
		throw new CommandError(`${path} cannot be read: ${why}`, EXIT_UNEXAMINED, error);
	}
}
