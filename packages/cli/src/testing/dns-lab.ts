/** Name servers for tests of the dns commands: a lying one, and a trusted recursor that knows the truth. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type DnsLiar, startDnsLiar } from "@plumbline/lab/dns-liar";
import { startDnsAuthority } from "@plumbline/lab/dns-servers-authority";
import { startUnbound } from "@plumbline/lab/dns-servers-unbound";
import { makeScratchFolder, removeScratchFolder } from "@plumbline/lab/tied-process";

export interface DnsLab {
	readonly liar: DnsLiar;
	/** As `--server` takes it. */
	readonly suspect: string;
	/** As `--trusted` takes it; `--ca` is the file of its authority. */
	readonly trusted: string;
	readonly ca: string;
	readonly folder: string;
	stop(): Promise<void>;
}

const SHOP = `
www 60 A 93.184.216.34
shop 60 CNAME shop.cdn
shop.cdn 60 A 151.101.1.140
api.svc 60 A 10.3.0.7
`;

export async function startDnsLab(liarAddress = "127.0.0.1", liarPort = 0): Promise<DnsLab> {
	const authority = await startDnsAuthority([
		{ origin: "shop.test", records: SHOP },
		{ origin: "other.example", records: "www 60 A 198.35.26.96" },
	]);
	const recursor = await startUnbound({
		forwardTo: authority,
		settings: ['local-zone: "invalid." always_nxdomain'],
	});
	const liar = await startDnsLiar({
		to: { address: recursor.address, port: recursor.ports.udp },
		address: liarAddress,
		port: liarPort,
	});
	const folder = makeScratchFolder();
	const ca = join(folder, "authority.pem");
	writeFileSync(ca, recursor.certificateAuthority);
	return {
		liar,
		suspect: `udp://${liar.address}:${liar.port}`,
		trusted: `tls://127.0.0.1:${recursor.ports.dot}#${recursor.tlsName}`,
		ca,
		folder,
		async stop() {
			await liar.close();
			await recursor.stop();
			await authority.stop();
			removeScratchFolder(folder);
		},
	};
}
