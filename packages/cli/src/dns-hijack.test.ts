/** plumbline diagnose on a service whose resolv.conf leads to a liar: live, saved, and again from the file. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { missingDnsProgram } from "@plumbline/lab/dns-servers-program";
import { type DnsLab, startDnsLab } from "./testing/dns-lab.ts";
import { runPlumbline } from "./testing/run-plumbline.ts";

const ADDRESS = "127.53.42.7";
const PROFILE = "goroutine profile: total 2\\n2 @ 0x1\\n#\\t0x1\\tmain.main+0x1\\t/srv/main.go:7\\n\\n";
const DUMP = "goroutine 1 [select]:\\nmain.main()\\n\\t/srv/main.go:7 +0x1\\n";
/** Serves goroutines as net/http/pprof does, and tells its port. */
const SERVICE = `
const server = require("node:http").createServer(({ url }, response) => {
	if (url.startsWith("/debug/pprof/goroutine?")) return response.end(url.endsWith("debug=2") ? "${DUMP}" : "${PROFILE}");
	response.writeHead(404).end();
});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));`;

function mountsDenied(): string | false {
	if (process.getuid?.() !== 0) return "not possible here: port 53 and a mount namespace take root";
	const denied = spawnSync("unshare", ["--mount", "true"]).status !== 0;
	return denied && "not possible here: no mount namespace";
}

describe("a service whose name server forges", {
	skip: missingDnsProgram("knotd", "unbound") || mountsDenied(),
}, () => {
	let lab: DnsLab;
	let service: ChildProcess | undefined;
	let pprof = "";
	before(async () => {
		lab = await startDnsLab(ADDRESS, 53);
		const conf = join(lab.folder, "resolv.conf");
		writeFileSync(conf, `nameserver ${ADDRESS}\n`);
		const inside = 'mount --bind "$0" /etc/resolv.conf && exec "$1" -e "$2"';
		service = spawn("unshare", ["--mount", "sh", "-c", inside, conf, process.execPath, SERVICE], {
			stdio: ["ignore", "pipe", "inherit"],
		});
		const [port] = await once(service.stdout as NodeJS.ReadableStream, "data");
		pprof = `127.0.0.1:${String(port).trim()}`;
	});
	after(async () => {
		service?.kill("SIGKILL");
		await lab?.stop();
	});
	const diagnose = (...args: readonly string[]) =>
		runPlumbline([
			...["diagnose", "--pid", String(service?.pid), "--pprof", pprof, "--window", "2s", "--no-ledger"],
			...["--dns-trusted", lab.trusted, "--dns-ca", lab.ca, ...args],
		]);

	test("the forged alias is found live, and again in the file, byte for byte", async () => {
		lab.liar.lie({ kind: "endless-cname", zone: "tracker.example." });
		const file = join(lab.folder, "forged.plumb");
		const { code, stdout } = await diagnose("--dns-check", "www.shop.test", "--json", "--save", file);
		assert.equal(code, 1);
		const finding = JSON.parse(stdout).findings.find(
			({ id }: { readonly id: string }) => id === "dns-hijack",
		);
		assert.equal(finding.title, `udp ${ADDRESS}:53 gives forged answers for www.shop.test.`);
		assert.match(finding.evidence[0].quote, /^www\.shop\.test\. CNAME n\d+\.tracker\.example\./);
		assert.equal(finding.evidence[1].quote, "www.shop.test. 93.184.216.34");
		lab.liar.lie({ kind: "honest" });
		const again = await runPlumbline(["diagnose", "--from", file, "--json"]);
		assert.equal(again.code, 1);
		assert.equal(again.stdout, stdout);
	});

	test("an honest server: nothing found", async () => {
		lab.liar.lie({ kind: "honest" });
		const { code, stdout } = await diagnose("--dns-check", "www.shop.test");
		assert.equal(code, 0, stdout);
		assert.doesNotMatch(stdout, /dns-hijack/);
	});

	test("trusted servers that are gone leave it unexamined: exit 3", async () => {
		lab.liar.lie({ kind: "honest" });
		const { code, stdout } = await runPlumbline([
			...["diagnose", "--pid", String(service?.pid), "--pprof", pprof, "--window", "2s", "--no-ledger"],
			...["--dns-trusted", "tcp://127.0.0.1:1", "--dns-check", "www.shop.test"],
		]);
		assert.equal(code, 3);
		assert.match(
			stdout.replace(/\s+/g, " "),
			/forged DNS answers \(www\.shop\.test\.: 0 of 1 trusted servers answered/,
		);
	});

	test("no name to ask for, and nobody to compare with, are told before anything is done", async () => {
		const nameless = await diagnose();
		assert.equal(nameless.code, 2);
		assert.match(nameless.stderr, /say which names, with --dns-check NAME/);
		const alone = await runPlumbline(["diagnose", "--pid", "1", "--dns-check", "www.shop.test"]);
		assert.equal(alone.code, 2);
		assert.match(alone.stderr, /--dns-check needs --dns-trusted/);
	});
});
