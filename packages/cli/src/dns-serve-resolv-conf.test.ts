import assert from "node:assert/strict";
import { mkdirSync, renameSync, symlinkSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, type TestContext, test } from "node:test";
import { startDnsAuthority } from "@plumbline/lab/dns-servers-authority";
import { missingDnsProgram } from "@plumbline/lab/dns-servers-program";
import { makeScratchFolder, removeScratchFolder } from "@plumbline/lab/tied-process";
import { type Serving, serving } from "./testing/dns-serving.ts";
import { runPlumbline } from "./testing/run-plumbline.ts";

describe("plumbline dns serve --watch-resolv-conf", { skip: missingDnsProgram("knotd") }, () => {
	let authority: Awaited<ReturnType<typeof startDnsAuthority>>;
	before(async () => {
		authority = await startDnsAuthority([{ origin: "shop.test", records: "www 300 A 192.0.2.1" }]);
	});
	after(() => authority?.stop());
	const usual = () => [
		...["--listen", "127.0.0.1:0", "--upstream", `udp://${authority.address}:${authority.ports.udp}`],
		...["--health", "127.0.0.1:0", "--health-name", "www.shop.test"],
	];

	test("a stranger at the start, changes by writing and by a rename, a gap; health is not ours to fail", async (t) => {
		const place = scratch(t);
		const path = join(place, "resolv.conf");
		writeFileSync(path, "nameserver 10.96.0.10\nnameserver 203.0.113.66\n");
		const server = await serving(
			t,
			...[...usual(), "--watch-resolv-conf", path],
			...["--trust", "10.96.0.0/12", "--trust", "192.0.2.0/24"],
		);
		const first = await saidOnce(server, /resolv\.conf/);
		assert.equal(first, `plumbline dns: ${path} names strangers: 203.0.113.66`);
		assert.deepEqual(await healthOf(server), {
			path,
			servers: ["10.96.0.10", "203.0.113.66"],
			strangers: ["203.0.113.66"],
		});

		writeFileSync(path, "nameserver 10.96.0.10\nsearch shop.test\n");
		assert.match(await server.said(/has changed/), /: 203\.0\.113\.66 removed$/);
		writeFileSync(path, "nameserver 10.96.0.10\noptions ndots:5\n");
		assert.match(await server.said(/has changed/), /has changed: the same servers$/);
		writeFileSync(join(place, "new"), "nameserver 192.0.2.7\nnameserver 198.51.100.9\n");
		renameSync(join(place, "new"), path);
		assert.match(
			await server.said(/has changed/),
			/: 192\.0\.2\.7, 198\.51\.100\.9 added, 10\.96\.0\.10 removed; strangers: 198\.51\.100\.9$/,
		);
		assert.match(await metricsOf(server), /^plumbline_dns_resolv_conf_strangers 1$/m);

		unlinkSync(path);
		assert.match(await server.said(/not watched/), /resolv\.conf is not watched: ENOENT/);
		const { why, strangers } = await healthOf(server);
		assert.match(String(why), /ENOENT/);
		assert.equal(strangers, undefined);
		writeFileSync(path, "nameserver 192.0.2.7\nnameserver 198.51.100.9\n");
		assert.match(
			await server.said(/watched again/),
			/: 192\.0\.2\.7, 198\.51\.100\.9; strangers: 198\.51\.100\.9$/,
		);
	});

	test("by the configuration; the ..data of a Kubernetes volume swapped; loopback is no stranger", async (t) => {
		const place = scratch(t);
		const path = join(place, "resolv.conf");
		const version = (name: string, text: string) => {
			mkdirSync(join(place, name));
			writeFileSync(join(place, name, "resolv.conf"), text);
			symlinkSync(name, join(place, "..data_tmp"));
			renameSync(join(place, "..data_tmp"), join(place, "..data"));
		};
		version("..1", "nameserver 127.0.0.53\n");
		symlinkSync("..data/resolv.conf", path);
		const config = join(scratch(t), "dns.yaml");
		const write = (...trusted: string[]) =>
			writeFileSync(config, `resolvConf: { path: "${path}", trusted: ${JSON.stringify(trusted)} }\n`);
		write("10.96.0.0/12");
		const server = await serving(t, ...usual(), "--config", config);
		let told = await healthOf(server);
		while (told.why === "not read yet") told = await healthOf(server);
		assert.deepEqual(told, { path, servers: ["127.0.0.53"], strangers: [] });
		version("..2", "nameserver 203.0.113.66\n");
		assert.equal(
			await server.said(/has changed/),
			`plumbline dns: ${path} has changed: 203.0.113.66 added, 127.0.0.53 removed; strangers: 203.0.113.66`,
		);
		version("..3", "nameserver 10.96.0.10\n");
		assert.match(await server.said(/has changed/), /: 10\.96\.0\.10 added, 203\.0\.113\.66 removed$/);
		assert.equal(server.lines.filter((line) => line.includes(path)).length, 2);
		write("0.0.0.0/0");
		assert.match(await server.said(/new start/), /to take effect: resolvConf$/);
	});
});

test("networks that are none, and networks for nothing", async () => {
	const start = (...args: string[]) =>
		runPlumbline(["dns", "serve", "--listen", "127.0.0.1:0", "--upstream", "192.0.2.1", ...args]);
	const bad = await start("--watch-resolv-conf", "--trust", "home");
	assert.equal(bad.code, 2);
	assert.match(bad.stderr, /resolvConf: trusted: "home" is neither an IP address nor a network/);
	const alone = await start("--trust", "10.0.0.0/8");
	assert.equal(alone.code, 2);
	assert.match(alone.stderr, /--trust is for --watch-resolv-conf/);
});

function scratch(t: TestContext): string {
	const folder = makeScratchFolder();
	t.after(() => removeScratchFolder(folder));
	return folder;
}

/** It may have come before the line that says where it listens. */
async function saidOnce(server: Serving, what: RegExp): Promise<string> {
	return server.lines.find((line) => what.test(line)) ?? (await server.said(what));
}

function urlOf({ lines }: Serving): string {
	return lines.flatMap((line) => /health at (\S+)/.exec(line)?.[1] ?? [])[0] ?? "";
}

/** What health tells of the file; the servers themselves answer. */
async function healthOf(server: Serving): Promise<Readonly<Record<string, unknown>>> {
	const response = await fetch(urlOf(server));
	assert.equal(response.status, 200);
	const { status, resolvConf } = Object(await response.json());
	assert.equal(status, "ok");
	return resolvConf;
}

async function metricsOf(server: Serving): Promise<string> {
	return await (await fetch(urlOf(server).replace("health", "metrics"))).text();
}
