/** What unbound, named and CoreDNS have in common here: a folder, a certificate, four ports, a first question. */
import { randomInt } from "node:crypto";
import {
	type DnsServer,
	type EncryptedDnsServer,
	type ForwardTarget,
	freeDnsPorts,
	startDnsServer,
} from "./dns-servers.ts";
import { type LabCertificate, makeLabCertificate } from "./dns-servers-certificate.ts";
import { makeScratchFolder, removeScratchFolder } from "./tied-process.ts";

export interface RecursorOptions {
	/** Everything is forwarded there. */
	readonly forwardTo: ForwardTarget;
	/** What its certificate names. Default `dns.lab.test`. */
	readonly tlsName?: string;
}

export interface RecursorPlan {
	readonly folder: string;
	readonly ports: { readonly dns: number; readonly dot: number; readonly doh: number };
	readonly certificate: LabCertificate;
}

/** Writes its configuration into the folder and returns the arguments to run it with. */
type Configure = (plan: RecursorPlan) => readonly string[];

const NAME_DEFAULT = "dns.lab.test";
const LABEL_MAX = 2 ** 40;

export async function startRecursor(
	program: string,
	{ forwardTo, tlsName = NAME_DEFAULT }: RecursorOptions,
	configure: Configure,
): Promise<EncryptedDnsServer> {
	const folder = makeScratchFolder();
	try {
		const certificate = await makeLabCertificate(folder, tlsName);
		const ports = await freeDnsPorts(["dns", "dot", "doh"]);
		const { dns, dot, doh } = ports;
		const server: DnsServer = await startDnsServer({
			program,
			args: configure({ folder, ports, certificate }),
			folder,
			ports: { udp: dns, tcp: dns },
			tcpPorts: [dns, dot, doh],
			// A name nobody else asks for: what tests look up is not in its cache already.
			ready: { name: `ready-${randomInt(LABEL_MAX)}.${forwardTo.zones[0] ?? "test"}`, type: "A" },
		});
		const { certificateAuthority, spkiPin } = certificate;
		return Object.assign(server, {
			ports: { udp: dns, tcp: dns, dot, doh },
			tlsName,
			certificateAuthority,
			spkiPin,
		});
	} catch (error) {
		removeScratchFolder(folder);
		throw error;
	}
}
