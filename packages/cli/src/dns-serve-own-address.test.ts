import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { makeLabCertificate } from "@plumbline/lab/dns-servers-certificate";
import { missingDnsProgram } from "@plumbline/lab/dns-servers-program";
import { makeScratchFolder, removeScratchFolder } from "@plumbline/lab/tied-process";
import { serving } from "./testing/dns-serving.ts";
import { runPlumbline } from "./testing/run-plumbline.ts";

const LAUNCHER = join(import.meta.dirname, "..", "bin", "plumbline");
const OWN = /is where this resolver listens itself \(.+\): it would ask itself for ever/;
const FOR_ALL = ["--allow", "127.0.0.0/8"];

test("at the start: the same place, every address of this host, another spelling, another protocol", async () => {
	const outside = Object.values(networkInterfaces())
		.flatMap((infos) => infos ?? [])
		.find(({ internal, family }) => !internal && family === "IPv4")?.address;
	const tls = ["--tls-cert", "cert.pem", "--tls-key", "key.pem"];
	const cases: readonly (readonly string[])[] = [
		["--listen", "127.0.0.1:5391", "--upstream", "udp://[::ffff:127.0.0.1]:5391"],
		["--listen", "0.0.0.0:5391", ...FOR_ALL, "--upstream", "tcp://127.8.8.8:5391"],
		["--listen", "[::]:5391", ...FOR_ALL, "--upstream", "udp://[::1]:5391"],
		...(outside === undefined
			? []
			: [["--listen", "0.0.0.0:5391", ...FOR_ALL, "--upstream", `${outside}:5391`]]),
		// Those whom the others are compared with, too: they are the encrypted ones of the list.
		[
			"--dot",
			"127.0.0.1:8531",
			...tls,
			"--upstream",
			"192.0.2.1",
			"--upstream",
			"tls://127.0.0.1:8531#a.test",
		],
	];
	for (const args of cases) {
		const { code, stderr } = await runPlumbline(["dns", "serve", ...args]);
		assert.equal(code, 2, `${args.join(" ")}: ${stderr}`);
		assert.match(stderr, OWN);
	}
});

test("at a reload: a port that the system chose, and the encrypted server that others are compared with", {
	skip: missingDnsProgram("openssl"),
}, async (t) => {
	const folder = makeScratchFolder();
	t.after(() => removeScratchFolder(folder));
	const { certificateFile, keyFile } = await makeLabCertificate(folder, "dns.own.test");
	const file = join(folder, "dns.yaml");
	const write = (...upstreams: string[]) =>
		writeFileSync(
			file,
			[
				...['listen: ["127.0.0.1:0"]', 'dot: ["127.0.0.1:0"]'],
				...[`certificate: ${certificateFile}`, `key: ${keyFile}`, `upstreams: ${JSON.stringify(upstreams)}`],
			].join("\n"),
		);
	write("192.0.2.1");
	const server = await serving(t, "--config", file);
	write(`udp://127.0.0.1:${server.port("tcp")}`);
	assert.match(await server.said(/not taken/), OWN);
	write("192.0.2.1", `tls://127.0.0.1:${server.port("dot")}#dns.own.test`);
	assert.match(await server.said(/not taken/), OWN);
	write("192.0.2.1", "192.0.2.2");
	const words = await server.said(/read again/);
	assert.match(words, /asking udp 192\.0\.2\.1:53, udp 192\.0\.2\.2:53$/);
	assert.match(words, new RegExp(`udp 127\\.0\\.0\\.1:${server.port("udp")}, .*:${server.port("dot")};`));
});

test("at the start: a free port that turns out to be the server's", {
	skip: process.getuid?.() !== 0 && "not possible here: a network namespace takes root",
}, async () => {
	// A network whose only free port it is.
	const script =
		'ip link set lo up && echo 40000 40000 > /proc/sys/net/ipv4/ip_local_port_range && exec "$@"';
	const serve = [LAUNCHER, "dns", "serve", "--listen", "127.0.0.1:0", "--upstream", "127.0.0.1:40000"];
	const child = spawn("unshare", ["--net", "sh", "-c", script, "sh", ...serve], {
		stdio: ["ignore", "ignore", "pipe"],
	});
	let stderr = "";
	child.stderr.setEncoding("utf8").on("data", (text: string) => {
		stderr += text;
		// Where it serves instead, it would for ever.
		if (text.includes("listening on")) child.kill("SIGKILL");
	});
	const [code] = await once(child, "close");
	assert.equal(code, 2, stderr);
	assert.match(stderr, OWN);
});
