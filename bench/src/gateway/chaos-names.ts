/** Names of upstreams whose servers come and go, whose name servers fail, and that are forged. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ChaosUpstream } from "@plumbline/gateway/testing/chaos-upstream";
import { type DnsLiar, type DnsLie, startDnsLiar } from "@plumbline/lab/dns-liar";
import type { EncryptedDnsServer } from "@plumbline/lab/dns-servers";
import { type DnsAuthority, startDnsAuthority } from "@plumbline/lab/dns-servers-authority";
import { startUnbound } from "@plumbline/lab/dns-servers-unbound";
import { makeScratchFolder, removeScratchFolder } from "@plumbline/lab/tied-process";
import { type Scenario, wait } from "./chaos-stage.ts";

const NAME = "orders.example.test";
const HOSTS = ["127.0.1.1", "127.0.1.2", "127.0.1.3", "127.0.1.4"];
const FORGED = "127.0.1.66";
const CHANGE_MS = 1_000;
const LIE_MS = 2_500;
const PAUSE_MS = 4_000;
const RCODE_SERVFAIL = 2;
const RCODE_NXDOMAIN = 3;

const LIES: readonly DnsLie[] = [
	{ kind: "told", rcode: RCODE_NXDOMAIN },
	{ kind: "told", addresses: HOSTS, ttlS: 1 },
	{ kind: "told", rcode: RCODE_SERVFAIL },
	{ kind: "silent" },
	{ kind: "told", addresses: HOSTS, ttlS: 1 },
	{ kind: "garbage" },
	{ kind: "wrong-id" },
	{ kind: "told", addresses: [], ttlS: 1 },
	{ kind: "endless-cname", zone: "loop.example.test" },
];

function config(upstreams: readonly ChaosUpstream[], servers: readonly string[], more = ""): string {
	return `workers: 1
drain: 5s
resolver: { servers: [${servers.map((each) => `"${each}"`)}] }
upstreams:
  all: { servers: ["http://${NAME}:${upstreams[0]?.port}"], pool: { idle: 1s, linger: 1s }, dns: { everyMin: 1s, everyMax: 1s, drain: 1s }${more} }
routes: [{ path: /, to: all }]`;
}

/** Which of the four, from 1 to 15, never none. */
function someOf(round: number): readonly string[] {
	const bits = 1 + ((round * 7) % 15);
	return HOSTS.filter((_, at) => (bits >> at) & 1);
}

let liar: DnsLiar | undefined;
let authority: DnsAuthority | undefined;
let unbound: EncryptedDnsServer | undefined;
let folder: string | undefined;

async function clear(): Promise<void> {
	await Promise.all([liar?.close(), unbound?.stop(), authority?.stop()]);
	if (folder !== undefined) removeScratchFolder(folder);
	liar = undefined;
	authority = undefined;
	unbound = undefined;
	folder = undefined;
}

async function startLiar(): Promise<Readonly<Record<string, string>>> {
	liar = await startDnsLiar({ lie: { kind: "told", addresses: HOSTS, ttlS: 1 } });
	return {};
}

export const NAME_SCENARIOS: readonly Scenario[] = [
	{
		name: "addresses change",
		mayFail: "nothing; other addresses of the name every second",
		upstreams: HOSTS,
		prepare: startLiar,
		config: (upstreams) => config(upstreams, [`udp://127.0.0.1:${liar?.port}`]),
		async play({ gateway, told }, untilMs) {
			const seen = new Set<string>();
			for (let round = 1; performance.now() < untilMs; round++) {
				liar?.lie({ kind: "told", addresses: someOf(round), ttlS: 1 });
				await wait(CHANGE_MS);
				const endpoints = await gateway.endpoints();
				seen.add(endpoints.map(({ id }) => id).join());
			}
			told.push(`${seen.size} sets of endpoints seen, ${liar?.askedInAll} questions`);
		},
		allows: () => false,
		clear,
	},
	{
		name: "name servers fail",
		mayFail: "nothing; NXDOMAIN, SERVFAIL, silence, garbage, no addresses, endless aliases in turn",
		upstreams: HOSTS,
		prepare: startLiar,
		config: (upstreams) => config(upstreams, [`udp://127.0.0.1:${liar?.port}`]),
		async play(_, untilMs) {
			for (let round = 0; performance.now() < untilMs; round++) {
				liar?.lie(LIES[round % LIES.length] as DnsLie);
				await wait(LIE_MS);
			}
		},
		allows: () => false,
		clear,
	},
	{
		name: "forged names",
		mayFail: `nothing, and nothing reaches the forged server; unbound by DoT beside a liar by UDP, and it hangs now and then`,
		upstreams: [...HOSTS, FORGED],
		async prepare() {
			const records = HOSTS.map((host) => `orders 1 A ${host}`).join("\n");
			authority = await startDnsAuthority([{ origin: "example.test", records, ttl: 1 }]);
			unbound = await startUnbound({ forwardTo: authority });
			liar = await startDnsLiar({ lie: { kind: "told", addresses: [FORGED], ttlS: 1 } });
			folder = makeScratchFolder();
			const file = join(folder, "authority.pem");
			writeFileSync(file, unbound.certificateAuthority);
			return { NODE_EXTRA_CA_CERTS: file };
		},
		config: (upstreams) =>
			config(upstreams, [
				`tls://127.0.0.1:${unbound?.ports.dot}#${unbound?.tlsName}`,
				`udp://127.0.0.1:${liar?.port}`,
			]),
		async play({ told }, untilMs) {
			while (performance.now() < untilMs) {
				await wait(PAUSE_MS);
				unbound?.pause();
				await wait(PAUSE_MS);
				unbound?.resume();
			}
			told.push(`the liar was asked ${liar?.askedInAll} times`);
		},
		allows: () => false,
		check({ load, sessions, violations }) {
			const forged = load.byServer.get(`u${HOSTS.length}`) ?? 0;
			if (forged > 0) violations.push(`${forged} requests went to the forged address`);
			if (sessions.ends.some(({ server }) => server === `u${HOSTS.length}`))
				violations.push("a session was on the forged address");
		},
		clear,
	},
];
