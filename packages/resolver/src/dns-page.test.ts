/** docs/dns.md: its samples are one program. It runs as it stands there, but for the places of servers and ports. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { startDnsAuthority } from "@plumbline/lab/dns-servers-authority";
import { missingDnsProgram } from "@plumbline/lab/dns-servers-program";
import { startUnbound } from "@plumbline/lab/dns-servers-unbound";
import { startPostgres } from "@plumbline/lab/postgres-server";
import { samplesOf } from "@plumbline/lab/testing/page-samples";
import { makeScratchFolder, removeScratchFolder } from "@plumbline/lab/tied-process";
import { resolverMetrics } from "./metrics.ts";

const RUN_MS_MAX = 60_000;
const room = join(import.meta.dirname, "..");
const page = readFileSync(join(room, "../../docs/dns.md"), "utf8");
const records = "shop 60 A 127.0.0.1\nshop 60 AAAA ::1\ndb 60 A 127.0.0.1";

test("every metric is on the page", () => {
	const { registry } = resolverMetrics({ cache: () => ({ entries: 0, bytes: 0 }) });
	const names = registry.getMetricsAsArray().map(({ name }) => name);
	assert.ok(names.length > 7, `${names.length} metrics`);
	assert.deepEqual(
		names.filter((name) => !page.includes(`\`${name}\``)),
		[],
	);
});

test("the page's program runs and prints what the page says", {
	skip: missingDnsProgram("knotd", "unbound"),
}, async () => {
	const samples = samplesOf(page);
	assert.equal(samples.length, 5);
	await using lab = new AsyncDisposableStack();
	const authority = lab.adopt(await startDnsAuthority([{ origin: "example.com", records }]), (it) =>
		it.stop(),
	);
	const unbound = lab.adopt(await startUnbound({ forwardTo: authority }), (it) => it.stop());
	const postgres = lab.adopt(await startPostgres(), (it) => it.stop());
	const folder = lab.adopt(makeScratchFolder(), removeScratchFolder);
	const shop = lab.adopt(
		createServer((_, response) => response.end("goods")),
		(it) => void it.close(),
	);
	await once(shop.listen(0, "127.0.0.1"), "listening");
	const { address, ports, tlsName, certificateAuthority } = unbound;
	const places = [
		["https://1.1.1.1#cloudflare-dns.com", `https://${address}:${ports.doh}#${tlsName}`],
		["tls://9.9.9.9#dns.quad9.net", `tls://${address}:${ports.dot}#${tlsName}`],
		["8080", String((shop.address() as AddressInfo).port)],
	] as const;
	let program = samples.map(({ code }) => code).join("\n");
	for (const [there, here] of places) {
		assert.ok(program.includes(there), there);
		program = program.replaceAll(there, here);
	}
	const authorityFile = join(folder, "ca.pem");
	writeFileSync(authorityFile, certificateAuthority);
	const url = new URL(postgres.url());
	const { stdout } = await promisify(execFile)(
		process.execPath,
		["--input-type=module-typescript", "-e", program],
		{
			cwd: room,
			timeout: RUN_MS_MAX,
			env: {
				...process.env,
				NODE_EXTRA_CA_CERTS: authorityFile,
				PGPORT: String(postgres.port),
				PGUSER: decodeURIComponent(url.username),
				PGPASSWORD: decodeURIComponent(url.password),
				PGDATABASE: "postgres",
			},
		},
	);
	assert.deepEqual(
		stdout.trimEnd().split("\n"),
		samples.flatMap(({ prints }) => prints),
	);
});
