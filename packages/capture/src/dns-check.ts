/**
 * The service's name servers beside trusted ones, when that was asked for. Who asks them is handed in: this room knows no
 * resolver. It runs within the window, for silent servers take their time.
 */
import type { Recorder } from "./recorder.ts";

export interface DnsCheckTask {
	/** Whose servers: `resolv.conf of process 4711`. */
	readonly source: string;
	/** The check in its written form (`plumbline.dns-check/1`). What it throws becomes the gap's reason. */
	readonly take: (signal: AbortSignal) => Promise<Uint8Array>;
}

export const DNS_CHECK_NAMES = { line: "sockets", what: "name servers" } as const;

export async function collectDnsCheck(
	recorder: Recorder,
	{ source, take }: DnsCheckTask,
	signal: AbortSignal,
): Promise<void> {
	const plan = {
		name: "dns-check.json",
		format: "dns-check",
		sample: 0,
		source,
		...DNS_CHECK_NAMES,
	} as const;
	await recorder.record(plan, async () => ({ bytes: await take(signal) }));
}
