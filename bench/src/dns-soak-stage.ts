/**
 * The servers of the soak and what is done to them, a phase at a time:
 *
 * ```
 *   resolver ─▶ first   unbound, DoH ─┐
 *            ─▶ second  named, DoT  ──┼─▶ knotd: what is true
 *            ─▶ liar    UDP  ─────────┘   (relays, or lies)
 * ```
 */
import { type DnsLiar, startDnsLiar } from "@plumbline/lab/dns-liar";
import type { EncryptedDnsServer } from "@plumbline/lab/dns-servers";
import { type DnsAuthority, startDnsAuthority } from "@plumbline/lab/dns-servers-authority";
import { startNamed } from "@plumbline/lab/dns-servers-named";
import { startUnbound } from "@plumbline/lab/dns-servers-unbound";
import type { UpstreamServer } from "@plumbline/resolver/upstream";

export const ZONE = "soak.test";
export const HOT_NAMES = 1_009;
/** Below it any name exists, and none has been asked for before. */
export const COLD_ADDRESS = "10.2.0.1";
const FORGED_ADDRESS = "203.0.113.66";

export interface Stage {
	readonly servers: readonly UpstreamServer[];
	readonly phases: readonly Phase[];
	readonly liar: DnsLiar;
	stop(): Promise<void>;
}

export interface Phase {
	readonly name: string;
	/** One that proves who it is answers in time, all the while. */
	readonly trusted: boolean;
	/** What the server without proof says. */
	readonly unproven: "true" | "forged" | "nothing";
	begin(): Promise<void>;
	/** Everything is well again afterwards. */
	end(): Promise<void>;
}

export function hotAddress(index: number): string {
	return `10.1.${index >> 8}.${index & 255}`;
}

export async function setStage(): Promise<Stage> {
	const hot = Array.from({ length: HOT_NAMES }, (_, i) => `n${i} 5 A ${hotAddress(i)}`);
	const records = [...hot, `*.cold 5 A ${COLD_ADDRESS}`].join("\n");
	const authority: DnsAuthority = await startDnsAuthority([{ origin: ZONE, records }]);
	const first = await startUnbound({ forwardTo: authority });
	const second = await startNamed({ forwardTo: authority });
	const liar = await startDnsLiar({ to: { address: authority.address, port: authority.ports.udp } });
	const encrypted = (server: EncryptedDnsServer, protocol: "doh" | "dot"): UpstreamServer => ({
		protocol,
		address: server.address,
		port: server.ports[protocol],
		tlsName: server.tlsName,
		certificateAuthority: server.certificateAuthority,
	});
	return {
		servers: [
			encrypted(first, "doh"),
			encrypted(second, "dot"),
			{ protocol: "udp", address: liar.address, port: liar.port },
		],
		phases: phasesOf(first, second, liar),
		liar,
		async stop() {
			await liar.close();
			await second.stop();
			await first.stop();
			await authority.stop();
		},
	};
}

const STOPPED_MS = 400;
const RUNNING_MS = 200;
const CUT_MS = 5_000;

function phasesOf(first: EncryptedDnsServer, second: EncryptedDnsServer, liar: DnsLiar): readonly Phase[] {
	const endless = { kind: "endless-cname", zone: "forged.example." } as const;
	const forged = { kind: "told", addresses: [FORGED_ADDRESS] } as const;
	const honest = () => liar.lie({ kind: "honest" });
	const downWith = async () => {
		await first.kill();
		second.pause();
	};
	const upAgain = async () => {
		second.resume();
		await first.restart();
		honest();
	};
	let stopWorking = async () => {};
	return [
		{ name: "calm", trusted: true, unproven: "true", begin: async () => {}, end: async () => {} },
		{
			...{ name: "first killed", trusted: true, unproven: "true" },
			begin: () => first.kill(),
			end: () => first.restart(),
		},
		{
			...{ name: "second silent", trusted: true, unproven: "true" },
			begin: async () => second.pause(),
			end: async () => second.resume(),
		},
		{
			...{ name: "only UDP left", trusted: false, unproven: "true" },
			begin: downWith,
			end: upAgain,
		},
		{
			...{ name: "UDP lies beside", trusted: true, unproven: "forged" },
			begin: async () => liar.lie(endless),
			end: async () => honest(),
		},
		{
			...{ name: "only forged aliases", trusted: false, unproven: "forged" },
			begin: async () => {
				liar.lie(endless);
				await downWith();
			},
			end: upAgain,
		},
		{
			...{ name: "only forged addresses", trusted: false, unproven: "forged" },
			begin: async () => {
				liar.lie(forged);
				await downWith();
			},
			end: upAgain,
		},
		{
			...{ name: "nobody answers", trusted: false, unproven: "nothing" },
			begin: async () => {
				liar.lie({ kind: "silent" });
				await downWith();
			},
			end: upAgain,
		},
		{
			...{ name: "both slow", trusted: true, unproven: "true" },
			async begin() {
				stopWorking = stutter([first, second]);
			},
			end: () => stopWorking(),
		},
		{
			...{ name: "first cut off again and again", trusted: true, unproven: "true" },
			async begin() {
				stopWorking = repeat(CUT_MS, async () => {
					await first.kill();
					await first.restart();
				});
			},
			end: () => stopWorking(),
		},
	];
}

/** They stand still two thirds of the time. */
function stutter(servers: readonly EncryptedDnsServer[]): () => Promise<void> {
	let timer: NodeJS.Timeout | undefined;
	const run = (stopped: boolean) => {
		for (const server of servers) stopped ? server.pause() : server.resume();
		timer = setTimeout(run, stopped ? STOPPED_MS : RUNNING_MS, !stopped);
	};
	run(true);
	return async () => {
		clearTimeout(timer);
		for (const server of servers) server.resume();
	};
}

function repeat(everyMs: number, work: () => Promise<void>): () => Promise<void> {
	let running = true;
	let wake = () => {};
	const loop = (async () => {
		while (running) {
			await work();
			await new Promise<void>((done) => {
				wake = done;
				setTimeout(done, everyMs);
			});
		}
	})();
	return async () => {
		running = false;
		wake();
		await loop;
	};
}
