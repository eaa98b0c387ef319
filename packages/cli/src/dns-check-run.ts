/**
 * Runs a check of name servers from the network that it is about: a server at 10.96.0.10 is somebody else, or nobody,
 * outside the pod. For a process in another network namespace a child of ours does it there and prints the check in its
 * written form.
 */
import { readFileSync } from "node:fs";
import { checkDns, subnetText } from "@plumbline/resolver/check";
import { openTransport } from "@plumbline/resolver/transport";
import type { DnsCheck } from "@plumbline/signals/dns-check";
import { decodeDnsCheck } from "@plumbline/signals/dns-check-json";
import type { ClientSubnet } from "@plumbline/signals/dns-message";
import { dnsTypeName } from "@plumbline/signals/dns-text";
import type { GivenServer } from "./dns-flags.ts";
import { CommandError, EXIT_UNEXAMINED } from "./exit-code.ts";
import { isElsewhere, runInNetworkOf } from "./network-of.ts";

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

export async function runDnsCheck(plan: DnsCheckPlan, signal: AbortSignal): Promise<DnsCheck> {
	if (plan.pid !== undefined && isElsewhere(plan.pid)) return checkFrom(plan.pid, plan, signal);
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
	const args = ["dns", "check", "--written", "--type", dnsTypeName(type), ...flags, ...names];
	const { stdout, stderr } = await runInNetworkOf(pid, args, signal);
	const decoded = decodeDnsCheck(stdout);
	if (decoded.kind === "decoded") return decoded.value;
	const why = stderr || "it printed no check";
	throw new CommandError(
		`the network namespace of process ${pid} could not be asked from: ${why}`,
		EXIT_UNEXAMINED,
	);
}

export function readAuthority(path: string): { readonly path: string; readonly pem: string } {
	try {
		return { path, pem: readFileSync(path, "utf8") };
	} catch (error) {
		const why = error instanceof Error ? error.message : String(error);
		throw new CommandError(`${path} cannot be read: ${why}`, EXIT_UNEXAMINED, error);
	}
}
