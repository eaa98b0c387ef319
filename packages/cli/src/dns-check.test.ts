import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { missingDnsProgram } from "@plumbline/lab/dns-servers-program";
import { type DnsLab, startDnsLab } from "./testing/dns-lab.ts";
import { runPlumbline } from "./testing/run-plumbline.ts";
import { untilElsewhere } from "./testing/until-elsewhere.ts";

const root = process.getuid?.() === 0;

describe("plumbline dns check", { skip: missingDnsProgram("knotd", "unbound") }, () => {
	let lab: DnsLab;
	before(async () => {
		lab = await startDnsLab();
	});
	after(() => lab?.stop());
	const check = (...args: readonly string[]) =>
		runPlumbline([
			"dns",
			"check",
			"--server",
			lab.suspect,
			"--trusted",
			lab.trusted,
			"--ca",
			lab.ca,
			...args,
		]);

	test("an honest server: exit 0, and both answers beside each other", async () => {
		lab.liar.lie({ kind: "honest" });
		const { code, stdout, stderr } = await check("www.shop.test", "nobody.shop.test");
		assert.equal(stderr, "");
		assert.equal(code, 0);
		assert.match(stdout, /^www\.shop\.test\. A\n/);
		assert.match(stdout, /^ {2}udp 127\.0\.0\.1:\d+ +agrees +\d+ s +[\d.]+ ms +93\.184\.216\.34$/m);
		assert.match(
			stdout,
			/^ {2}dot 127\.0\.0\.1:\d+ \(dns\.lab\.test\) +trusted +60 s +[\d.]+ ms +93\.184\.216\.34$/m,
		);
		assert.match(stdout, /^nobody\.shop\.test\. A\n {2}udp .* agrees .* NXDOMAIN$/m);
	});

	test("the incident: exit 1, and the forged alias is named", async () => {
		lab.liar.lie({ kind: "endless-cname", zone: "tracker.example." });
		const { code, stdout } = await check("www.shop.test");
		assert.equal(code, 1);
		assert.match(stdout, /HIJACKED +1 s +[\d.]+ ms +n\d+\.tracker\.example\. > /);
		assert.match(stdout, /foreign-alias: www\.shop\.test\. is an alias of n\d+\.tracker\.example\./);
	});

	test("as JSON, for names that nobody has and one address for all", async () => {
		lab.liar.lie({ kind: "told", addresses: ["45.77.12.9"] });
		const { code, stdout } = await check("--json", "--also", "www.other.example", "www.shop.test");
		assert.equal(code, 1);
		const { schema, names, servers } = JSON.parse(stdout);
		assert.equal(schema, "plumbline.dns-verdicts/1");
		assert.deepEqual(
			names.map(({ trusted, verdict, values }: Record<string, unknown>) => [trusted, verdict, values]),
			[
				[false, "hijacked", ["45.77.12.9"]],
				[true, undefined, ["93.184.216.34"]],
			],
		);
		assert.equal(names[0].reasons[0].id, "one-address");
		assert.equal(servers[0].madeUpNames, "hijacked");
	});

	test("what could not be asked is no health: exit 3", async () => {
		lab.liar.lie({ kind: "told", rcode: 2 });
		const broken = await check("www.shop.test");
		assert.equal(broken.code, 3);
		assert.match(broken.stdout, /broken .*SERVFAIL\n {6}server-failure: SERVFAIL/);
		lab.liar.lie({ kind: "honest" });
		const gone = await runPlumbline([
			...["dns", "check", "--server", lab.suspect],
			...["--trusted", "tcp://127.0.0.1:1", "www.shop.test"],
		]);
		assert.equal(gone.code, 3);
		assert.match(gone.stdout, /no-quorum: 0 of 1 trusted servers answered/);
		assert.match(gone.stdout, /Nothing proves who answered as tcp 127\.0\.0\.1:1/);
	});

	test("wrong usage is told in one line: exit 2", async () => {
		const cases: readonly (readonly [readonly string[], RegExp])[] = [
			[["x.test"], /say whom you trust, such as --trusted https:/],
			[["--trusted", "tls://9.9.9.9#dns.quad9.net"], /say which names/],
			[["--trusted", "tls://9.9.9.9", "x.test"], /DoT needs the name/],
			[["--trusted", "tls://dns.quad9.net", "x.test"], /is a name that would have to be looked up first/],
			[["--subnet", "10.0.0.0", "x.test"], /wants a network such as/],
			[["--type", "NONSENSE", "x.test"], /wants a record type/],
			[["--trust", "tls://9.9.9.9#x", "x.test"], /neither an IP address nor a network .* is --trusted/],
			[["--trust", "10.0.0.0/8", "--server", "10.0.0.2", "--trusted", "9.9.9.9", "x.test"], /--trust is for/],
			[["--trusted", "udp://9.9.9.9", "a..b"], /wants a host name/],
		];
		for (const [args, message] of cases) {
			const { code, stderr } = await runPlumbline(["dns", "check", ...args]);
			assert.equal(code, 2, args.join(" "));
			assert.match(stderr, message);
		}
	});

	test("servers of a resolv.conf; what is no address is told", async () => {
		const conf = join(lab.folder, "resolv.conf");
		writeFileSync(conf, "nameserver dns.inside\n");
		const { code, stderr } = await runPlumbline([
			...["dns", "check", "--resolv-conf", conf],
			...["--trusted", lab.trusted, "--ca", lab.ca, "www.shop.test"],
		]);
		assert.equal(code, 3);
		assert.match(stderr, /dns\.inside is no IP address, and is not asked/);
		assert.match(stderr, /names nobody to ask/);
	});

	test("servers of a resolv.conf that are in no network of --trust are strangers, in text and in JSON", async () => {
		const conf = join(lab.folder, "strangers.conf");
		// Neither answers, both at once: broadcast is refused by the kernel, at the other nobody listens.
		writeFileSync(conf, "nameserver 255.255.255.255\nnameserver 127.53.41.8\n");
		const of = (...args: readonly string[]) =>
			runPlumbline([
				...["dns", "check", "--resolv-conf", conf, "--trusted", lab.trusted, "--ca", lab.ca],
				...[...args, "www.shop.test"],
			]);
		const { stdout } = await of("--trust", "10.0.0.0/8", "--trust", "fd00::/8");
		assert.match(stdout, /^ {2}udp 255\.255\.255\.255:53 \(stranger\) +broken /m);
		assert.match(stdout, /^ {2}udp 127\.53\.41\.8:53 +broken /m);
		assert.match(stdout, /^udp 255\.255\.255\.255:53 is a stranger: resolv\.conf names it/m);
		assert.equal(stdout.match(/stranger/g)?.length, 2);
		const known = JSON.parse((await of("--json", "--trust", "10.0.0.0/8")).stdout);
		assert.deepEqual(known.strangers, ["udp 255.255.255.255:53"]);
		assert.equal(JSON.parse((await of("--json")).stdout).strangers, undefined);
	});
});

test("--pid asks from the network of the process", {
	skip: !root && "not possible here: a network namespace takes root",
}, async () => {
	// A namespace without any way out, not even over loopback: what answers here does not answer there.
	const child = spawn("unshare", ["--net", "sleep", "60"], { stdio: "ignore" });
	try {
		await once(child, "spawn");
		await untilElsewhere(child.pid ?? 0);
		const { code, stdout, stderr } = await runPlumbline([
			...["dns", "check", "--pid", String(child.pid), "--server", "127.0.0.1"],
			...["--trusted", "tcp://127.0.0.1:1", "www.shop.test"],
		]);
		assert.equal(code, 3, stderr);
		assert.match(stdout, /ENETUNREACH|unreachable/i);
	} finally {
		child.kill("SIGKILL");
	}
});
