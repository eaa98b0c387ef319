import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { startDnsAuthority } from "@plumbline/lab/dns-servers-authority";
import { makeLabCertificate } from "@plumbline/lab/dns-servers-certificate";
import { missingDnsProgram } from "@plumbline/lab/dns-servers-program";
import { startUnbound } from "@plumbline/lab/dns-servers-unbound";
import { makeScratchFolder, removeScratchFolder } from "@plumbline/lab/tied-process";
import { digAt, dnsperf, serving } from "./testing/dns-serving.ts";
import { runPlumbline } from "./testing/run-plumbline.ts";

const missing = missingDnsProgram("knotd", "unbound", "dig", "openssl", "dnsperf");
const HOSTS = 500;

describe("plumbline dns serve", { skip: missing }, () => {
	let authority: Awaited<ReturnType<typeof startDnsAuthority>>;
	let unbound: Awaited<ReturnType<typeof startUnbound>>;
	const folder = makeScratchFolder();
	before(async () => {
		const hosts = Array.from({ length: HOSTS }, (_, at) => `h${at} 300 A 192.0.2.${at % 250}`);
		const records = ["www 300 A 192.0.2.1", "brief 1 A 192.0.2.9", ...hosts].join("\n");
		authority = await startDnsAuthority([{ origin: "shop.test", records }]);
		unbound = await startUnbound({ forwardTo: authority });
		writeFileSync(join(folder, "ca.pem"), unbound.certificateAuthority);
	});
	after(async () => {
		await unbound?.stop();
		await authority?.stop();
		removeScratchFolder(folder);
	});
	const upstream = () => `tls://${unbound.address}:${unbound.ports.dot}#${unbound.tlsName}`;
	const usual = () => [
		"--listen",
		"127.0.0.1:0",
		"--upstream",
		upstream(),
		"--upstream-ca",
		join(folder, "ca.pem"),
	];

	test("it says where it listens and whom it asks, and answers", async (t) => {
		const server = await serving(t, ...usual());
		assert.match(
			server.lines[0] ?? "",
			/^plumbline dns: listening on udp 127\.0\.0\.1:\d+, tcp 127\.0\.0\.1:\d+; asking dot 127\.0\.0\.1:\d+ \(.+\)$/,
		);
		for (const way of ["+notcp", "+tcp"]) {
			assert.match(await digAt(server.port("udp"), way, "www.shop.test"), /\s300\s+IN\s+A\s+192\.0\.2\.1\n/);
		}
		assert.match(await digAt(server.port("udp"), "none.shop.test"), /NXDOMAIN/);
	});

	test("dnsperf: every answer is there and right", async (t) => {
		const file = join(folder, "no-limit.yaml");
		writeFileSync(file, "rate: false\n");
		const server = await serving(t, ...usual(), "--config", file);
		const names = [...Array(HOSTS).keys()].map((at) => `h${at}.shop.test A`);
		const questions = join(folder, "questions");
		writeFileSync(questions, `${names.join("\n")}\n`);
		const run = await dnsperf(server.port("udp"), questions, 2);
		assert.ok(run.sent > 2000, `${run.sent} queries`);
		assert.equal(run.lost, 0);
		assert.match(run.codes, /^NOERROR \d+ \(100\.00%\)$/);
	});

	for (const signal of ["SIGINT", "SIGTERM"] as const) {
		test(`${signal} ends it with 0, at once, and the cache is there at the next start`, async (t) => {
			const snapshot = join(folder, `snapshot-${signal}`);
			const first = await serving(t, ...usual(), "--snapshot", snapshot);
			await digAt(first.port("udp"), "www.shop.test");
			process.kill(first.process.pid, signal);
			assert.deepEqual(await first.process.ended, { code: 0, signal: null });
			assert.ok(existsSync(snapshot));
			const second = await serving(t, ...usual(), "--snapshot", snapshot);
			assert.match(second.lines[0] ?? "", /; \d answers? from the last run$/);
		});
	}

	test("a server that is gone: what is known is served, health says 503 and why, and 200 when it is back", async (t) => {
		const server = await serving(
			t,
			...usual(),
			"--health",
			"127.0.0.1:0",
			"--health-name",
			"www.shop.test",
			"--stale",
			"immediate",
		);
		const url = /health at (\S+)/.exec(server.lines[0] ?? "")?.[1] ?? "";
		const well = await fetch(url);
		assert.equal(well.status, 200);
		assert.match(await well.text(), /^\{"status":"ok"/);
		await digAt(server.port("udp"), "www.shop.test");
		await unbound.kill();
		let failing = await fetch(url);
		// The verdict of a second ago may still stand.
		while (failing.status === 200) failing = await fetch(url);
		assert.equal(failing.status, 503);
		assert.match(await failing.text(), /^\{"status":"failing",.*"tries":\[\{"server":"dot 127\.0\.0\.1/);
		assert.match(await digAt(server.port("udp"), "www.shop.test"), /192\.0\.2\.1\n/);
		const metrics = await (await fetch(url.replace("health", "metrics"))).text();
		assert.match(metrics, /plumbline_dns_server_events_total\{event="hits"\} [1-9]/);
		await unbound.restart();
		let again = await fetch(url);
		while (again.status !== 200) again = await fetch(url);
	});

	test("a new configuration is taken while it runs; a faulty one is told and changes nothing", async (t) => {
		const file = join(folder, "dns.yaml");
		const write = (...lines: string[]) =>
			writeFileSync(
				file,
				[`upstreams: ["${upstream()}"]`, `upstreamAuthority: ${folder}/ca.pem`, ...lines].join("\n"),
			);
		write('listen: ["127.0.0.1:0"]');
		const server = await serving(t, "--config", file);
		await digAt(server.port("udp"), "www.shop.test");
		write('listen: ["127.0.0.1:0"]', "alow: []");
		assert.match(await server.said(/not taken/), /the old one stays: .*dns\.yaml line 4: alow: not a key/);
		assert.match(await digAt(server.port("udp"), "www.shop.test"), /192\.0\.2\.1\n/);
		const taken = createSocket("udp4");
		taken.bind(0, "127.0.0.1");
		await once(taken, "listening");
		write(`listen: ["127.0.0.1:0", "127.0.0.1:${taken.address().port}"]`);
		assert.match(await server.said(/not taken/), /another program has this port/);
		taken.close();
		const identity = await makeLabCertificate(makeScratchFolder(), "dns.own.test");
		write(
			...['listen: ["127.0.0.1:0"]', 'dot: ["127.0.0.1:0"]', "cacheBytes: 1000000"],
			...[`certificate: ${identity.certificateFile}`, `key: ${identity.keyFile}`],
		);
		const words = await server.said(/read again/);
		assert.match(words, new RegExp(`udp 127\\.0\\.0\\.1:${server.port("udp")}, .*dot 127\\.0\\.0\\.1:\\d+`));
		assert.match(await server.said(/new start/), /to take effect: cacheBytes$/);
		assert.match(await digAt(server.port("udp"), "www.shop.test"), /192\.0\.2\.1\n/);
		process.kill(server.process.pid, "SIGHUP");
		await server.said(/read again/);
	});

	test("a port that is taken, a host without leave, an upstream that is ourselves", async (t) => {
		const taken = createSocket("udp4");
		t.after(() => taken.close());
		taken.bind(0, "127.0.0.1");
		await once(taken, "listening");
		const { port } = taken.address();
		const start = (...args: string[]) => runPlumbline(["dns", "serve", ...args]);
		const busy = await start("--listen", `127.0.0.1:${port}`, "--upstream", "192.0.2.1");
		assert.equal(busy.code, 3);
		assert.match(
			busy.stderr,
			/could not be started: cannot listen on 127\.0\.0\.1:\d+ \(UDP\): another program has this port/,
		);
		const open = await start("--listen", "0.0.0.0:5300", "--upstream", "192.0.2.1");
		assert.equal(open.code, 2);
		assert.match(
			open.stderr,
			/can be reached from other hosts: name the networks that may ask \(allow, --allow\)/,
		);
		const own = await start("--listen", "127.0.0.1:5300", "--upstream", "127.0.0.1:5300");
		assert.equal(own.code, 2);
		assert.match(own.stderr, /it would ask itself for ever/);
	});
});
