import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import type { EncryptedDnsServer } from "./dns-servers.ts";
import { startDnsAuthority } from "./dns-servers-authority.ts";
import { startNamed } from "./dns-servers-named.ts";
import { missingDnsProgram, requireDnsProgram } from "./dns-servers-program.ts";
import type { RecursorOptions } from "./dns-servers-recursor.ts";
import { startUnbound } from "./dns-servers-unbound.ts";
import { startCoreDns } from "./testing/dns-servers-coredns.ts";
import { makeScratchFolder, removeScratchFolder } from "./tied-process.ts";

const run = promisify(execFile);

const ZONE = { origin: "example.test", records: "www A 192.0.2.1\nalias CNAME www" };

async function kdig(...args: string[]): Promise<string> {
	const program = requireDnsProgram("kdig", "apt package knot-dnsutils");
	return (await run(program, ["@127.0.0.1", "+retry=0", "+timeout=5", "+short", ...args])).stdout.trim();
}

test("an authority serves its zone, and its next one", {
	skip: missingDnsProgram("knotd", "kdig"),
}, async (t) => {
	const authority = await startDnsAuthority([ZONE]);
	t.after(() => authority.stop());
	const port = `-p${authority.ports.udp}`;
	assert.equal(await kdig(port, "www.example.test"), "192.0.2.1");
	await authority.setZone({ ...ZONE, records: "www A 192.0.2.2" });
	assert.equal(await kdig(port, "+tcp", "www.example.test"), "192.0.2.2");
	await authority.kill();
	await assert.rejects(kdig(port, "+tcp", "www.example.test"));
	await authority.restart();
	assert.equal(await kdig(port, "www.example.test"), "192.0.2.2");
});

type Start = (options: RecursorOptions) => Promise<EncryptedDnsServer>;
const starts: Readonly<Record<string, Start>> = {
	unbound: (options) => startUnbound({ ...options, clientSubnet: true, serveExpired: true }),
	named: startNamed,
	coredns: (options) => startCoreDns({ ...options, cache: true }),
};

for (const [program, start] of Object.entries(starts)) {
	test(`${program} answers by UDP, TCP, DoT and DoH with a certificate that holds`, {
		skip: missingDnsProgram(program, "knotd", "kdig", "openssl"),
	}, async (t) => {
		const authority = await startDnsAuthority([ZONE]);
		t.after(() => authority.stop());
		const server = await start({ forwardTo: authority, tlsName: "one.lab.test" });
		t.after(() => server.stop());
		const folder = makeScratchFolder();
		t.after(() => removeScratchFolder(folder));
		const ca = join(folder, "ca.pem");
		writeFileSync(ca, server.certificateAuthority);
		const { udp, tcp, dot, doh } = server.ports;
		const byName = [`+tls-ca=${ca}`, "+tls-hostname=one.lab.test"];
		const ways = [
			[`-p${udp}`],
			[`-p${tcp}`, "+tcp"],
			[`-p${dot}`, "+tls", ...byName],
			[`-p${doh}`, "+https=/dns-query", ...byName],
			[`-p${dot}`, "+tls", `+tls-pin=${server.spkiPin}`],
		];
		for (const way of ways)
			assert.equal(await kdig(...way, "alias.example.test"), "www.example.test.\n192.0.2.1", way.join(" "));
		const wrong = [`+tls-ca=${ca}`, "+tls-hostname=two.lab.test"];
		assert.notEqual(
			await kdig(`-p${dot}`, "+tls", ...wrong, "www.example.test").catch(() => ""),
			"192.0.2.1",
		);
	});
}

test("a paused server is silent, and answers again when resumed", {
	skip: missingDnsProgram("knotd", "kdig"),
}, async (t) => {
	const authority = await startDnsAuthority([ZONE]);
	t.after(() => authority.stop());
	authority.pause();
	const port = `-p${authority.ports.udp}`;
	const late = kdig(port, "www.example.test");
	authority.resume();
	assert.equal(await late, "192.0.2.1");
	authority.pause();
});
