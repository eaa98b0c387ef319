/**
 * An authority for zones given as text: Knot DNS. A zone can be changed while it serves; the SOA and NS records are put
 * before the text, so that every change has a new serial by which it is known to be served.
 */
import { randomInt } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type DnsServer, freeDnsPorts, startDnsServer } from "./dns-servers.ts";
import { requireDnsProgram } from "./dns-servers-program.ts";
import { untilSerial } from "./dns-servers-ready.ts";
import { makeScratchFolder } from "./tied-process.ts";

export interface ZoneText {
	/** `example.test`. */
	readonly origin: string;
	/** Lines of a zone file, relative to the origin: `www 60 A 192.0.2.1`. Without SOA and NS of the origin. */
	readonly records: string;
	/** Seconds, for records that name none. Default 5. */
	readonly ttl?: number;
	/** Seconds that "no such name" may be kept: MINIMUM and TTL of the SOA. Default 5. */
	readonly negativeTtl?: number;
}

export interface DnsAuthority extends DnsServer {
	/** Origins. */
	readonly zones: readonly string[];
	/** Changes one of its zones. Returns when the new one is served. */
	setZone(zone: ZoneText): Promise<void>;
}

const TTL_SECONDS = 5;
const SERIAL_FIRST_MIN = 0x10000000;
const SERIAL_FIRST_MAX = 0x70000000;

export async function startDnsAuthority(zones: readonly ZoneText[]): Promise<DnsAuthority> {
	const program = requireDnsProgram("knotd", "apt package knot");
	const folder = makeScratchFolder();
	const { dns: port } = await freeDnsPorts(["dns"]);
	let serial = randomInt(SERIAL_FIRST_MIN, SERIAL_FIRST_MAX);
	const write = (zone: ZoneText) => {
		serial++;
		writeFileSync(join(folder, zoneFile(zone.origin)), zoneText(zone, serial));
	};
	mkdirSync(join(folder, "database"));
	for (const zone of zones) write(zone);
	const origins = zones.map(({ origin }) => origin);
	writeFileSync(join(folder, "knot.conf"), configuration(folder, port, origins));
	const server = await startDnsServer({
		program,
		args: ["--config", join(folder, "knot.conf")],
		folder,
		ports: { udp: port, tcp: port },
		tcpPorts: [port],
		ready: { name: origins[0] ?? ".", type: "SOA" },
	});
	return Object.assign(server, {
		zones: origins,
		async setZone(zone: ZoneText) {
			if (!origins.includes(zone.origin)) throw new Error(`not a zone of this authority: ${zone.origin}`);
			write(zone);
			process.kill(server.pid, "SIGHUP");
			if (!(await untilSerial(port, zone.origin, serial))) throw new Error(`${zone.origin} was not loaded`);
		},
	});
}

function zoneFile(origin: string): string {
	return `${origin}.zone`;
}

function zoneText({ origin, records, ttl, negativeTtl = TTL_SECONDS }: ZoneText, serial: number): string {
	return `$ORIGIN ${origin}.
$TTL ${ttl ?? TTL_SECONDS}
@ ${negativeTtl} SOA ns hostmaster ${serial} 3600 600 86400 ${negativeTtl}
@ NS ns
ns A 127.0.0.1
${records}
`;
}

function configuration(folder: string, port: number, origins: readonly string[]): string {
	return `server:
    listen: 127.0.0.1@${port}
    rundir: ${folder}
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
log:
  - target: stderr
    any: info
database:
    storage: ${join(folder, "database")}
template:
  - id: default
    storage: ${folder}
    zonefile-load: whole
    zonefile-sync: -1
    journal-content: none
zone:
${origins.map((origin) => `  - domain: ${origin}.\n    file: ${zoneFile(origin)}\n`).join("")}`;
}
