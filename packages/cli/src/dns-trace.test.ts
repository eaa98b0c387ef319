import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { missingDnsProgram } from "@plumbline/lab/dns-servers-program";
import { type DnsLab, startDnsLab } from "./testing/dns-lab.ts";
import { runPlumbline } from "./testing/run-plumbline.ts";
import { untilElsewhere } from "./testing/until-elsewhere.ts";

const root = process.getuid?.() === 0;
/** Of its own: resolv.conf knows no ports. */
const ADDRESS = "127.53.41.7";

describe("plumbline dns trace", {
	skip: missingDnsProgram("knotd", "unbound") || (!root && "not possible here: port 53 takes root"),
}, () => {
	let lab: DnsLab;
	let conf: string;
	before(async () => {
		lab = await startDnsLab(ADDRESS, 53);
		conf = join(lab.folder, "resolv.conf");
		// Nobody listens at the first one.
		writeFileSync(
			conf,
			`nameserver 127.53.41.6\nnameserver ${ADDRESS}\nsearch svc.shop.test shop.test\noptions ndots:2\n`,
		);
	});
	after(() => lab?.stop());
	const trace = (...args: readonly string[]) =>
		runPlumbline(["dns", "trace", "--resolv-conf", conf, ...args]);

	test("search list, servers one after another, aliases, what is kept", async () => {
		lab.liar.forget();
		const { code, stdout, stderr } = await trace("shop");
		assert.equal(stderr, "");
		assert.equal(code, 0);
		const lines = stdout.split("\n").map((line) => line.replace(/[\d.]+ ms/g, "N ms"));
		assert.equal(lines[0], "shop: 8 questions in N ms");
		assert.match(stdout, /search svc\.shop\.test shop\.test\n/);
		assert.match(stdout, /├─ shop\.svc\.shop\.test\. \(search domain svc\.shop\.test\)\n/);
		assert.match(stdout, /A udp 127\.53\.41\.6:53: refused-connection/);
		assert.match(stdout, /A udp 127\.53\.41\.7:53: NXDOMAIN/);
		assert.match(stdout, /├─ shop\.shop\.test\. \(search domain shop\.test\)\n/);
		assert.match(stdout, /CNAME shop\.cdn\.shop\.test\.\n/);
		assert.match(stdout, /151\.101\.1\.140, TTL \d+ s\n/);
		assert.match(stdout, /asked again: [\d.]+ ms, TTL \d+ s/);
		assert.equal(lab.liar.asked.get("shop."), undefined);
	});

	test("what the search list of a Kubernetes pod costs, by each library, and what to do", async () => {
		const pod = join(lab.folder, "pod.conf");
		const search = "shop.svc.shop.test svc.shop.test shop.test";
		writeFileSync(pod, `nameserver ${ADDRESS}\nsearch ${search}\noptions ndots:5\n`);
		const costs = async (...args: readonly string[]) => {
			const { stdout } = await runPlumbline(["dns", "trace", "--resolv-conf", pod, ...args]);
			return stdout;
		};
		const tail = (await costs("www.shop.test")).split("\n").slice(-7);
		assert.deepEqual(tail, [
			"└─ what the search list costs, where nothing on the way keeps answers",
			"   ├─ glibc: 6 of 8 questions wasted",
			"   ├─ Go: 6 of 8 questions wasted",
			"   ├─ musl: 6 of 8 questions wasted",
			"   ├─ better with a dot at its end, www.shop.test.: 2 questions; not in URLs, where certificates and Host headers are compared",
			"   └─ or options ndots:1: 2 questions; names with a dot are then asked as they are first, by musl only so",
			"",
		]);
		assert.doesNotMatch(await costs("www.shop.test."), /wasted/);
		const { searchCosts } = JSON.parse(await costs("--json", "nobody.shop.test"));
		assert.deepEqual(searchCosts[0], { library: "glibc", wasted: 8, packets: 8, advice: [], questions: 8 });
	});

	test("a dot at the end leaves the search list out; a picture beside JSON", async () => {
		const picture = join(lab.folder, "path.svg");
		const { code, stdout } = await trace("--json", "--svg", picture, "www.shop.test.");
		assert.equal(code, 0);
		const { schema, steps } = JSON.parse(stdout);
		assert.equal(schema, "plumbline.dns-path/1");
		assert.deepEqual(
			steps.map(({ name }: { readonly name: string }) => name),
			["www.shop.test."],
		);
		assert.match(readFileSync(picture, "utf8"), /^<svg xmlns=.*93\.184\.216\.34/s);
	});

	test("as a Mermaid chart; a name that is not there is an answer; nobody there is none", async () => {
		const chart = await trace("--mermaid", "nobody.shop.test.");
		assert.equal(chart.code, 0);
		assert.match(chart.stdout, /^flowchart LR\n\tn0\["nobody\.shop\.test\.:/);
		const gone = await runPlumbline(["dns", "trace", "--server", "127.53.41.6", "www.shop.test."]);
		assert.equal(gone.code, 3);
		assert.match(gone.stdout, /refused-connection/);
	});

	test("a picture replaces no other file", async () => {
		const { code, stderr } = await trace("--svg", conf, "www.shop.test.");
		assert.equal(code, 2);
		assert.match(stderr, /would replace a file that is no picture/);
		assert.ok(existsSync(conf));
	});
});

test("--pid asks from the network of the process", {
	skip: !root && "not possible here: a network namespace takes root",
}, async () => {
	const child = spawn("unshare", ["--net", "sleep", "60"], { stdio: "ignore" });
	try {
		await once(child, "spawn");
		await untilElsewhere(child.pid ?? 0);
		const { code, stdout } = await runPlumbline([
			...["dns", "trace", "--pid", String(child.pid), "--server", "127.0.0.1", "www.shop.test."],
		]);
		assert.equal(code, 3);
		// Loopback is down there.
		assert.match(stdout, /ENETUNREACH/);
	} finally {
		child.kill("SIGKILL");
	}
});
