import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { EventEmitter, once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { startDnsLiar } from "@plumbline/lab/dns-liar";
import { startDnsAuthority } from "@plumbline/lab/dns-servers-authority";
import { missingDnsProgram } from "@plumbline/lab/dns-servers-program";
import { startUnbound } from "@plumbline/lab/dns-servers-unbound";
import { OpenResolverError, openResolver } from "./open-resolver.ts";
import { serverLabel } from "./upstream.ts";

const A = { type: 1, class: 1 };

describe("a resolver from what a program knows", { skip: missingDnsProgram("knotd", "unbound") }, () => {
	let authority: Awaited<ReturnType<typeof startDnsAuthority>>;
	let unbound: Awaited<ReturnType<typeof startUnbound>>;
	before(async () => {
		authority = await startDnsAuthority([
			{ origin: "shop.test", records: "www 60 A 192.0.2.1\nwww 60 AAAA 2001:db8::1\nalias 60 CNAME www" },
		]);
		unbound = await startUnbound({ forwardTo: authority });
	});
	after(async () => {
		await unbound?.stop();
		await authority?.stop();
	});

	const servers = () => [
		{
			protocol: "doh" as const,
			address: unbound.address,
			port: unbound.ports.doh,
			tlsName: unbound.tlsName,
			certificateAuthority: unbound.certificateAuthority,
		},
		`udp://${unbound.address}:${unbound.ports.udp}`,
	];

	test("lookup, search list, metrics, standings", async () => {
		const resolver = openResolver({
			servers: servers(),
			metrics: true,
			search: { search: ["none.shop.test", "shop.test"], ndots: 1 },
			hostsPath: false,
		});
		const found = await new Promise((done, fail) =>
			resolver.lookup("www", { all: true, order: "ipv4first" }, (error, addresses) =>
				error ? fail(error) : done(addresses),
			),
		);
		assert.deepEqual(found, [
			{ address: "192.0.2.1", family: 4 },
			{ address: "2001:db8::1", family: 6 },
		]);
		const alias = await resolver.resolve({ question: { name: "alias.shop.test.", ...A } });
		assert.ok(alias.kind === "answered" && alias.authenticated);
		assert.equal(
			alias.server && serverLabel(alias.server),
			`doh 127.0.0.1:${unbound.ports.doh} (${unbound.tlsName})`,
		);
		assert.deepEqual(
			resolver.standings().map(({ server, standing }) => [server.protocol, standing]),
			[
				["doh", "well"],
				["udp", "well"],
			],
		);
		const page = await resolver.metrics?.registry.metrics();
		assert.match(page ?? "", /plumbline_dns_lookups_total\{source="upstream",outcome="records"\} 3/);
		assert.match(page ?? "", /plumbline_dns_lookups_total\{source="upstream",outcome="nxdomain"\} 2/);
		// That a name does not exist holds for all types.
		assert.match(page ?? "", /plumbline_dns_cache_entries 4/);
		await resolver.close();
	});

	test("over UDP in letters of random case, and told in those of the asker", async () => {
		const liar = await startDnsLiar({ to: { address: authority.address, port: authority.ports.udp } });
		const heard: string[] = [];
		const relay = createSocket("udp4", (packet, from) => {
			heard.push(packet.toString("latin1", 13, 13 + (packet[12] ?? 0)));
			const up = createSocket("udp4", (answer) => {
				relay.send(answer, from.port, from.address);
				up.close();
			});
			up.send(packet, liar.port, liar.address);
		});
		relay.bind(0, "127.0.0.1");
		await once(relay, "listening");
		const resolver = openResolver({ servers: [`udp://127.0.0.1:${relay.address().port}`], mixCase: true });
		for (let i = 0; i < 8; i++) {
			const asked = await resolver.resolve({ question: { name: `manyletters${i}.shop.test.`, ...A } });
			assert.equal(
				asked.kind === "answered" && asked.message.questions[0]?.name,
				`manyletters${i}.shop.test.`,
			);
		}
		assert.ok(heard.some((label) => label !== label.toLowerCase()));
		await resolver.close();
		relay.close();
		await liar.close();
	});

	test("a stranger in this host's resolv.conf is told, and counted", async () => {
		const folder = mkdtempSync(join(tmpdir(), "plumbline-resolv-"));
		const path = join(folder, "resolv.conf");
		writeFileSync(path, "nameserver 10.96.0.10\n");
		const told = new EventEmitter();
		const resolver = openResolver({
			servers: servers(),
			metrics: true,
			resolvConf: { path, trusted: ["10.96.0.0/12"] },
			observe: (event) => event.kind === "resolv-conf" && told.emit(event.event.kind, event.event),
		});
		const [first] = await once(told, "read");
		assert.deepEqual(first.strangers, []);
		writeFileSync(path, "nameserver 203.0.113.66\nnameserver 127.0.0.53\n");
		const [changed] = await once(told, "changed");
		assert.deepEqual(
			[changed.strangers, changed.added, changed.removed],
			[["203.0.113.66"], ["203.0.113.66", "127.0.0.53"], ["10.96.0.10"]],
		);
		const page = (await resolver.metrics?.registry.metrics()) ?? "";
		assert.match(page, /plumbline_dns_resolv_conf_strangers 1\n/);
		assert.match(page, /plumbline_dns_resolv_conf_changes_total 1\n/);
		await resolver.close();
		rmSync(folder, { recursive: true });
		assert.throws(
			() => openResolver({ servers: servers(), resolvConf: { trusted: ["home"] } }),
			/neither an IP/,
		);
	});

	test("what cannot work is said before anybody is asked", () => {
		assert.throws(() => openResolver({ servers: ["https://dns.example/dns-query"] }), {
			code: "PLUMBLINE_RESOLVER_OPTIONS",
			message: /is a name that would have to be looked up first/,
		});
		assert.throws(() => openResolver({ servers: [] }), { code: "no-servers" });
		assert.throws(() => openResolver({ servers: servers(), rules: { minS: -1 } }), /minS/);
		for (const wrong of [{ clientTimerMs: Number.NaN }, { clientTimerMs: -5 }, { cacheBytesMax: 1 }])
			assert.throws(() => openResolver({ servers: servers(), ...wrong }), { code: "policy-option" });
		for (const wrong of [{ staleMode: "soon" }, { forged: { policy: "believe" } }])
			assert.throws(() => openResolver({ servers: servers(), ...(wrong as object) }), OpenResolverError);
	});
});
