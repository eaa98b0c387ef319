import assert from "node:assert/strict";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { after, test } from "node:test";
import { makeScratchFolder, removeScratchFolder, startTied } from "@plumbline/lab/tied-process";
import { runPlumbline } from "./testing/run-plumbline.ts";

const folder = makeScratchFolder();
after(() => removeScratchFolder(folder));

function file(name: string, ...lines: string[]): string {
	const path = join(folder, name);
	writeFileSync(path, `${lines.join("\n")}\n`);
	return path;
}

test("gateway check says what it means, without secrets", async () => {
	const path = file(
		"good.yaml",
		"listen: 127.0.0.1:8080",
		"admin: { at: '127.0.0.1:9901', token: hunter2 }",
		"routes:",
		"  - path: /api",
		'    to: "http://127.0.0.1:9000"',
		'    limits: { rate: 5/s, redis: "redis://:hunter2@h/0" }',
		'    request: { set: { authorization: "Bearer hunter2" } }',
	);
	const table = await runPlumbline(["gateway", "check", "-c", path]);
	assert.equal(table.code, 0, table.stderr);
	assert.match(
		table.stdout,
		/^ROUTES, the first that matches\n {2}route +to .*\n {2}\/api +http:\/\/127\.0\.0\.1:9000 +30s/m,
	);
	assert.match(table.stdout, /5\/1s a client \(redis\)/);
	assert.match(table.stderr, /^warning: .*line 2: admin\.token: stands in the file for all to read/);
	const json = await runPlumbline(["gateway", "check", "--config", path, "--json"]);
	const settings = JSON.parse(json.stdout) as { routes: { timeouts: { totalMs: unknown } }[] };
	assert.equal(settings.routes[0]?.timeouts.totalMs, "none");
	for (const text of [table.stdout, table.stderr, json.stdout]) assert.doesNotMatch(text, /hunter2/);
});

test("a plugin that would not start is a fault of check, too", async () => {
	const path = file(
		"plugin.yaml",
		"listen: 127.0.0.1:8080",
		`routes: [{ to: "http://127.0.0.1:9000", plugins: [{ module: "${file("junk.wasm", "junk")}" }] }]`,
	);
	const { code, stderr } = await runPlumbline(["gateway", "check", "-c", path]);
	assert.equal(code, 2);
	assert.match(stderr, /route \/: plugin junk: this is no valid WebAssembly module/);
});

test("faults end check and run with 2, each with its line", async () => {
	const path = file("bad.yaml", "lisen: 127.0.0.1:8080", "routes: [{ to: nobody }]");
	for (const args of [
		["check", "-c", path],
		["run", "-c", path],
		["-c", path],
	]) {
		const { code, stderr } = await runPlumbline(["gateway", ...args]);
		assert.equal(code, 2, args.join(" "));
		assert.match(stderr, /bad\.yaml line 1: lisen: not a key that is known; did you mean listen\?/);
	}
	const none = await runPlumbline(["gateway", "check", "-c", join(folder, "none")]);
	assert.equal(none.code, 2);
	assert.match(none.stderr, /none cannot be read: ENOENT/);
});

test("import prints what check takes", async () => {
	const nginx = file(
		"nginx.conf",
		"http { server { listen 8080; location / { proxy_pass http://10.0.0.1:80; gzip on; } } }",
	);
	const { code, stdout } = await runPlumbline(["gateway", "import", nginx]);
	assert.equal(code, 0);
	assert.match(stdout, /line 1: gzip on: not taken over/);
	const checked = await runPlumbline(["gateway", "check", "-c", file("imported.yaml", stdout)]);
	assert.equal(checked.code, 0, checked.stderr);
	const other = await runPlumbline(["gateway", "import", file("Caddyfile", "{")]);
	assert.equal(other.code, 2);
	assert.match(other.stderr, /a block is not closed/);
});

for (const workers of [1, 2]) {
	test(`it serves with ${workers} workers, takes a new configuration, and ends with 0`, async (t) => {
		const upstream = createServer((request, response) => response.end(`served ${request.url}`)).listen(
			0,
			"127.0.0.1",
		);
		await once(upstream, "listening");
		t.after(() => upstream.close());
		const to = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`;
		const configured = (path: string) =>
			file(
				`run-${workers}.yaml`,
				"listen: 127.0.0.1:0",
				`workers: ${workers}`,
				`routes: [{ path: ${path}, to: "${to}" }]`,
			);
		const path = configured("/a");
		const lines: string[] = [];
		let told = () => {};
		const main = join(import.meta.dirname, "main.ts");
		const gateway = await startTied(process.execPath, [main, "gateway", "-c", path], {
			onLine: (line) => {
				lines.push(line);
				told();
			},
		});
		t.after(() => gateway.stop());
		const said = async (pattern: RegExp): Promise<string> => {
			for (;;) {
				const line = lines.find((each) => pattern.test(each));
				if (line !== undefined) return line;
				await new Promise<void>((resolve) => {
					told = resolve;
				});
			}
		};
		const first = await said(/^plumbline gateway: listening on/);
		const [, port] = /127\.0\.0\.1:(\d+)/.exec(first) ?? [];
		const ask = async (at: string) => await (await fetch(`http://127.0.0.1:${port}${at}`)).text();
		assert.equal(await ask("/a"), "served /a");
		configured("/b");
		await said(/read again: route \/b added, route \/a removed/);
		assert.equal(await ask("/b"), "served /b");
		process.kill(gateway.pid, "SIGTERM");
		assert.deepEqual(await gateway.ended, { code: 0, signal: null });
	});
}
