/** Endpoints found from a pid: this process is the target, and children in other places. */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer as createHttp, type RequestListener } from "node:http";
import { createServer as createHttps } from "node:https";
import { type AddressInfo, createServer as createTcp, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { findMetrics, findPprof } from "./listeners.ts";
import { getStart } from "./listeners-get.ts";

const OPENSSL = "openssl";
const PPROF_PAGE = "<html>\n<head>\n<title>/debug/pprof/</title>\n";
const METRICS_PAGE =
	"# HELP go_goroutines Number of goroutines.\n# TYPE go_goroutines gauge\ngo_goroutines 7\n";

const answer: RequestListener = (request, response) => {
	if (request.url === "/debug/pprof/") response.end(PPROF_PAGE);
	else if (request.url === "/metrics") response.end(METRICS_PAGE);
	else response.writeHead(404).end("404 page not found\n");
};

async function listen(t: TestContext, server: Server, host = "127.0.0.1"): Promise<number> {
	const sockets = new Set<{ destroy: () => void }>();
	server.on("connection", (socket) => sockets.add(socket.on("error", () => {})));
	server.listen(0, host);
	await once(server, "listening");
	t.after(() => {
		for (const socket of sockets) socket.destroy();
		server.close();
	});
	return (server.address() as AddressInfo).port;
}

const pid = process.pid;

test("pprof and metrics among listeners that are something else", async (t) => {
	const other = await listen(
		t,
		createHttp((_, response) => response.writeHead(404).end()),
	);
	const greeting = await listen(
		t,
		createTcp((socket) => socket.end("SSH-2.0-OpenSSH_9.2\r\n")),
	);
	const wanted = await listen(t, createHttp(answer), "0.0.0.0");
	const pprof = await findPprof({ pid });
	assert.deepEqual(pprof.found, {
		url: `http://127.0.0.1:${wanted}/debug/pprof/`,
		reach: { selfSigned: true },
	});
	assert.equal((await findMetrics({ pid })).found?.url, `http://127.0.0.1:${wanted}/metrics`);

	const without = await findPprof({ pid, exclude: [wanted] });
	assert.equal(without.found, undefined);
	const whyOf = (port: number) =>
		without.tried.find(({ url }) => url.startsWith(`http://127.0.0.1:${port}/`))?.why;
	assert.equal(whyOf(wanted), "excluded");
	assert.equal(whyOf(other), "answered status 404");
	assert.equal(whyOf(greeting), "speaks no HTTP");
	assert.doesNotMatch(without.why ?? "", /E[A-Z]{4,}|error:|Parse Error/, "no words of the TLS library");
	assert.match(without.why ?? "", new RegExp(`^no listener of process ${pid} is a pprof endpoint \\(`));
});

test("a listener on :: is asked by IPv4 first, one on ::1 by IPv6", async (t) => {
	const all = await listen(t, createHttp(answer), "::");
	assert.equal((await findPprof({ pid })).found?.url, `http://127.0.0.1:${all}/debug/pprof/`);
	const six = await listen(t, createHttp(answer), "::1");
	assert.equal((await findPprof({ pid, exclude: [all] })).found?.url, `http://[::1]:${six}/debug/pprof/`);
});

test("a page that only looks alike is refused", async (t) => {
	const port = await listen(
		t,
		createHttp((_, response) => response.end("<title>Orders</title> # TYPE")),
	);
	const pprof = await findPprof({ pid });
	assert.deepEqual(pprof.tried, [
		{ url: `http://127.0.0.1:${port}/debug/pprof/`, why: "answered 200 with another page" },
	]);
	assert.equal((await findMetrics({ pid })).found, undefined);
});

test("a silent listener neither hides nor holds up another one, and is named when there is none", async (t) => {
	const silent = await listen(t, createTcp());
	const alone = await findPprof({ pid });
	assert.equal(alone.tried[0]?.why, "no answer within 700 ms");
	const wanted = await listen(t, createHttp(answer));
	assert.equal((await findPprof({ pid })).found?.url, `http://127.0.0.1:${wanted}/debug/pprof/`);
	assert.notEqual(silent, wanted);
});

test("an endless page is read to its bound only", async (t) => {
	const port = await listen(
		t,
		createHttp((_, response) => {
			response.write("# TYPE x gauge\n");
			const more = () => {
				while (!response.destroyed && response.write("x 1\n".repeat(4096)));
				response.once("drain", more);
			};
			more();
		}),
	);
	assert.equal((await findMetrics({ pid })).found?.url, `http://127.0.0.1:${port}/metrics`);
	const start = await getStart(new URL(`http://127.0.0.1:${port}/metrics`), {});
	assert.ok(start.kind === "answer");
	assert.equal(start.text.length, 65536);
});

test("https with a self-signed certificate, on loopback only", async (t) => {
	const folder = mkdtempSync(join(tmpdir(), "plumbline-"));
	t.after(() => rmSync(folder, { recursive: true }));
	const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")];
	const request = "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=test -keyout".split(" ");
	if (spawnSync(OPENSSL, [...request, key, "-out", cert]).error !== undefined) {
		assert.notEqual(process.env.CI, "true", "missing tool: openssl");
		t.skip("missing tool: openssl");
		return;
	}
	const port = await listen(t, createHttps({ key: readFileSync(key), cert: readFileSync(cert) }, answer));
	const { found, tried } = await findPprof({ pid });
	assert.equal(found?.url, `https://127.0.0.1:${port}/debug/pprof/`);
	assert.equal(tried.length, 1);
	const strict = await getStart(new URL(`https://127.0.0.1:${port}/debug/pprof/`), { selfSigned: false });
	assert.ok(strict.kind === "none");
	assert.match(strict.why, /self-signed|self signed/);
});

test("a process in another network namespace is asked from inside", async (t) => {
	if (process.geteuid?.() !== 0) {
		t.skip("not possible here: not root, so no network namespace of its own");
		return;
	}
	const program = `require("node:http").createServer((request, response) => {
		response.statusCode = request.url === "/debug/pprof/" ? 200 : 404;
		response.end(${JSON.stringify(PPROF_PAGE)});
	}).listen(6060, "127.0.0.1", () => console.log("ready"))`;
	const inside = [
		"--net",
		"sh",
		"-c",
		'ip link set lo up && exec "$@"',
		"sh",
		process.execPath,
		"-e",
		program,
	];
	const child = spawn("unshare", inside, { stdio: ["ignore", "pipe", "inherit"] });
	t.after(() => child.kill());
	await once(child.stdout, "data");
	const target = child.pid ?? 0;
	const pprof = await findPprof({ pid: target });
	assert.deepEqual(pprof.found, {
		url: "http://127.0.0.1:6060/debug/pprof/",
		reach: { selfSigned: true, namespaceOf: target },
	});
	const metrics = await findMetrics({ pid: target });
	assert.deepEqual(metrics.tried, [{ url: "http://127.0.0.1:6060/metrics", why: "answered status 404" }]);
	const closed = await getStart(new URL("http://127.0.0.1:6061/"), { namespaceOf: target });
	assert.ok(closed.kind === "none");
	assert.match(closed.why, /inside the network namespace of process \d+: connect ECONNREFUSED/);
	const path = process.env.PATH;
	process.env.PATH = "/nowhere";
	const bare = await findPprof({ pid: target });
	process.env.PATH = path;
	assert.match(bare.why ?? "", /nsenter could not be run/);
});

test("no listener, no process, no right: one sentence each", async (t) => {
	const child = spawn("cat", { stdio: ["pipe", "ignore", "inherit"] });
	t.after(() => child.kill());
	await once(child, "spawn");
	const target = child.pid ?? 0;
	assert.deepEqual(await findPprof({ pid: target }), {
		tried: [],
		why: `process ${target} listens on no TCP port, so it has no /debug/pprof/`,
	});
	assert.equal((await findPprof({ pid: 2 ** 22 + 1 })).why, "no process 4194305 on this host");
	if (process.geteuid?.() !== 0) return;
	process.seteuid?.(65534);
	const denied = await findPprof({ pid: target }).finally(() => process.seteuid?.(0));
	assert.match(
		denied.why ?? "",
		/^the ports of process \d+ cannot be told: no right to read .*CAP_SYS_PTRACE/,
	);
});

test("an abort is passed on", async () => {
	await assert.rejects(findPprof({ pid, signal: AbortSignal.abort() }), { name: "AbortError" });
});
