import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { after, before, describe, type TestContext, test } from "node:test";
import { createServer } from "node:tls";
import { type DnsLiar, startDnsLiar } from "@plumbline/lab/dns-liar";
import type { EncryptedDnsServer } from "@plumbline/lab/dns-servers";
import { type DnsAuthority, startDnsAuthority } from "@plumbline/lab/dns-servers-authority";
import { makeLabCertificate } from "@plumbline/lab/dns-servers-certificate";
import { missingDnsProgram } from "@plumbline/lab/dns-servers-program";
import { startUnbound } from "@plumbline/lab/dns-servers-unbound";
import { makeScratchFolder, removeScratchFolder } from "@plumbline/lab/tied-process";
import { judgeDnsCheck } from "@plumbline/signals/dns-check-verdicts";
import { DNS_TYPE } from "@plumbline/signals/dns-message";
import { checkDns, type DnsCheckRequest } from "./check.ts";
import { openTransport } from "./transport.ts";
import type { UpstreamServer } from "./upstream.ts";

const RECORDS = `
www 60 A 93.184.216.34
www 60 AAAA 2606:2800:220:1::34
shop 60 CNAME shop.cdn
shop.cdn 60 A 151.101.1.140
here 60 CNAME here.cdn
here.cdn 60 A 127.53.9.1
`;
/** Everything is on this host; a busy one may still take its time. */
const TRY_MS = 500;
const OTHER = "www 60 A 198.35.26.96";

describe("one lying server beside two trusted recursors", {
	skip: missingDnsProgram("knotd", "unbound"),
}, () => {
	let authority: DnsAuthority;
	let trusted: readonly EncryptedDnsServer[] = [];
	let liar: DnsLiar;

	before(async () => {
		authority = await startDnsAuthority([
			{ origin: "shop.test", records: RECORDS },
			{ origin: "other.example", records: OTHER },
		]);
		trusted = await Promise.all([
			startUnbound({ forwardTo: authority, settings: ['local-zone: "invalid." always_nxdomain'] }),
			startUnbound({ forwardTo: authority, settings: ['local-zone: "invalid." always_nxdomain'] }),
		]);
		liar = await startDnsLiar({ to: { address: "127.0.0.1", port: trusted[0]?.ports.udp ?? 0 } });
	});
	after(async () => {
		await liar?.close();
		await Promise.all(trusted.map((server) => server.stop()));
		await authority?.stop();
	});

	const dot = ({ ports, tlsName, certificateAuthority }: EncryptedDnsServer): UpstreamServer => ({
		protocol: "dot",
		address: "127.0.0.1",
		port: ports.dot,
		tlsName,
		certificateAuthority,
	});
	const check = (request: Partial<DnsCheckRequest> = {}, signal = AbortSignal.timeout(60_000)) =>
		checkDns(
			{
				names: ["www.shop.test."],
				type: DNS_TYPE.A,
				suspects: [{ protocol: "udp", address: liar.address, port: liar.port }],
				trusted: trusted.map(dot),
				tls: { port: 1 },
				...request,
			},
			{ open: (server) => openTransport(server), signal, tryMs: TRY_MS },
		);
	/** The verdict on the liar's answer to the first name, and on what it does to made-up ones. */
	const verdicts = async (request?: Partial<DnsCheckRequest>) => {
		const { names, servers } = judgeDnsCheck(await check(request));
		const verdict = names.find(({ server }) => server === 0)?.verdict;
		return {
			kind: verdict?.kind,
			ids: verdict?.reasons.map(({ id }) => id) ?? [],
			says: verdict?.reasons[0]?.says ?? "",
			server: servers[0]?.verdict.kind,
		};
	};

	test("it is honest", async () => {
		liar.lie({ kind: "honest" });
		assert.deepEqual(await verdicts(), {
			kind: "agrees",
			ids: ["same-values"],
			says: "93.184.216.34 as trusted",
			server: "agrees",
		});
	});

	test("the incident: aliases into another zone without end", async () => {
		liar.forget();
		liar.lie({ kind: "endless-cname", zone: "tracker.example." }, undefined);
		const { kind, ids, says } = await verdicts();
		assert.equal(kind, "hijacked");
		assert.deepEqual(ids, ["foreign-alias"]);
		assert.match(says, /alias of n\d+\.tracker\.example\./);
		// The name, two made-up ones, and the aliases it was followed to: bounded.
		assert.ok(liar.askedInAll <= 60, `${liar.askedInAll} queries`);
	});

	test("an alias that comes back to itself", async () => {
		liar.lie({ kind: "told", chain: ["a.tracker.example.", "b.tracker.example.", "a.tracker.example."] });
		assert.deepEqual((await verdicts()).ids, ["foreign-alias"]);
	});

	test("forged: the same address for all names, nowhere, and for names that nobody has", async () => {
		liar.lie({ kind: "told", addresses: ["45.77.12.9"] });
		const one = await verdicts({ also: ["www.other.example."] });
		assert.deepEqual([one.kind, one.ids, one.server], ["hijacked", ["one-address"], "hijacked"]);
		liar.lie({ kind: "told", addresses: ["0.0.0.0"] }, ["www.shop.test."]);
		assert.deepEqual((await verdicts()).ids, ["nowhere-address"]);
		liar.lie({ kind: "nxdomain-rewritten", address: "45.77.12.9" });
		assert.deepEqual([(await verdicts()).kind, (await verdicts()).server], ["agrees", "hijacked"]);
		const nobody = await verdicts({ names: ["nobody.shop.test."] });
		assert.deepEqual(nobody.ids, ["denial-rewritten"]);
	});

	test("odd, but not proven: another address alone, a denial, a long time to live", async () => {
		liar.lie({ kind: "told", addresses: ["45.77.12.9"] }, ["www.shop.test."]);
		assert.deepEqual((await verdicts()).kind, "cannot-tell");
		liar.lie({ kind: "told", rcode: 3 });
		assert.deepEqual([(await verdicts()).kind, (await verdicts()).ids], ["cannot-tell", ["denied-here"]]);
		liar.lie({ kind: "ttl", ttlS: 604_800 });
		assert.equal((await verdicts()).kind, "agrees");
		liar.lie({ kind: "ttl", ttlS: 1 });
		assert.equal((await verdicts()).kind, "agrees");
	});

	test("broken: it fails, sends what nobody asked for, or cuts for ever", async () => {
		liar.lie({ kind: "told", rcode: 2 });
		assert.deepEqual((await verdicts()).ids, ["server-failure"]);
		for (const kind of ["wrong-id", "garbage", "wrong-source", "silent"] as const) {
			liar.lie({ kind });
			const { kind: verdict, ids } = await verdicts();
			assert.deepEqual([kind, verdict, ids], [kind, "broken", ["no-answer"]]);
		}
		liar.lie({ kind: "told", truncated: true });
		assert.deepEqual((await verdicts()).kind, "broken");
	});

	test("a content network's other address holds a certificate for the name, a forger's does not", async (t) => {
		const place = await tlsAt(t, "127.53.9.1", "here.shop.test");
		const edge = await tlsAt(t, "127.99.9.1", "here.shop.test", place);
		const forger = await tlsAt(t, "127.99.9.2", "ads.example", place);
		const authorities = [place, edge, forger].map(({ certificateAuthority }) => certificateAuthority);
		const tls = { port: place.port, certificateAuthority: authorities.join("") };
		const names = ["here.shop.test."];
		liar.lie({ kind: "told", chain: ["a.edge.example."], addresses: ["127.99.9.1"] }, names);
		assert.deepEqual((await verdicts({ names, tls })).ids, ["certificate-valid"]);
		liar.lie({ kind: "told", chain: ["a.edge.example."], addresses: ["127.99.9.2"] }, names);
		const forged = await verdicts({ names, tls });
		assert.deepEqual(
			[forged.kind, forged.ids],
			["hijacked", ["foreign-alias-complete", "certificate-foreign"]],
		);
		liar.lie({ kind: "told", addresses: ["127.99.9.2"] }, names);
		assert.equal((await verdicts({ names, tls })).kind, "cannot-tell");
	});

	test("trusted ones that are gone are no quorum, and it ends in time", async () => {
		liar.lie({ kind: "told", addresses: ["0.0.0.0"] });
		const gone: UpstreamServer = { protocol: "tcp", address: "127.0.0.1", port: 1 };
		const { kind, ids } = await verdicts({ trusted: [gone, gone] });
		assert.deepEqual([kind, ids], ["cannot-tell", ["no-quorum"]]);
	});

	test("every question is asked for the same client subnet", async () => {
		liar.lie({ kind: "honest" });
		const clientSubnet = {
			family: "ipv4",
			sourcePrefix: 24,
			scopePrefix: 0,
			address: "198.51.100.0",
		} as const;
		const checked = await check({ clientSubnet });
		assert.equal(checked.clientSubnet, "198.51.100.0/24");
		assert.equal(judgeDnsCheck(checked).names[0]?.verdict?.kind, "agrees");
	});

	test("it stops when told", async () => {
		liar.lie({ kind: "silent" });
		const controller = new AbortController();
		const checked = check({}, controller.signal);
		controller.abort();
		await assert.rejects(checked, { name: "AbortError" });
	});
});

async function tlsAt(t: TestContext, address: string, name: string, at?: { readonly port: number }) {
	const folder = makeScratchFolder();
	t.after(() => removeScratchFolder(folder));
	const { keyFile, certificateFile, certificateAuthority } = await makeLabCertificate(folder, name);
	const server = createServer({ key: readFileSync(keyFile), cert: readFileSync(certificateFile) });
	server.on("tlsClientError", () => {});
	server.listen(at?.port ?? 0, address);
	await once(server, "listening");
	t.after(() => server.close());
	return { port: (server.address() as AddressInfo).port, certificateAuthority };
}
