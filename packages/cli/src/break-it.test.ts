/** What the world does to `diagnose`: a clear line each, the right exit code, no stack trace. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type RequestListener } from "node:http";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, type TestContext, test } from "node:test";
import { gunzipSync } from "node:zlib";
import { CAPTURES_FOLDER } from "./captures-folder.ts";
import { type Run, type RunOptions, runPlumbline, STACK_TRACE } from "./testing/run-plumbline.ts";

const folder = mkdtempSync(join(tmpdir(), "plumbline-break-it-"));
after(() => rmSync(folder, { recursive: true }));

const PROFILE = "goroutine profile: total 2\n2 @ 0x1\n#\t0x1\tmain.main+0x1\t/srv/main.go:7\n\n";
const DUMP = "goroutine 1 [select]:\nmain.main()\n\t/srv/main.go:7 +0x1\n";
const HEALTHY: RequestListener = ({ url }, response) => {
	if (url?.startsWith("/debug/pprof/goroutine")) response.end(url.endsWith("debug=2") ? DUMP : PROFILE);
	else response.writeHead(404).end("404 page not found\n");
};

async function serve(t: TestContext, answer: RequestListener): Promise<string> {
	const server = createServer(answer);
	await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
	t.after(() => {
		server.closeAllConnections();
		server.close();
	});
	return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function diagnose(args: readonly string[], options?: RunOptions): Promise<Run> {
	const window = args.includes("--from") ? [] : ["--window", "1s"];
	const run = await runPlumbline(["diagnose", ...window, ...args], options);
	assert.doesNotMatch(run.stderr, STACK_TRACE);
	return run;
}

/** The text wraps at 80 columns: compared as one line. */
function said({ stdout, stderr }: Run): string {
	return `${stdout}\n${stderr}`.replace(/\s+/g, " ");
}

test("a healthy service with all that was asked: exit 0", async (t) => {
	const run = await diagnose(["--pprof", await serve(t, HEALTHY)]);
	assert.equal(run.code, 0, said(run));
	assert.equal(run.stderr, "", "nothing on stderr without a terminal");
});

test("dead pid", async () => {
	const run = await diagnose(["--pid", "4194304"]);
	assert.deepEqual([run.code, run.stdout], [3, ""]);
	assert.equal(run.stderr, "plumbline: no process with id 4194304 runs on this host\n");
});

test("wrong port", async () => {
	const run = await diagnose(["--pprof", "127.0.0.1:1"]);
	assert.equal(run.code, 3);
	assert.match(said(run), /connection refused by 127\.0\.0\.1:1/);
});

test("pprof behind 404", async (t) => {
	const run = await diagnose([
		"--pprof",
		await serve(t, (_, response) => void response.writeHead(404).end()),
	]);
	assert.equal(run.code, 3);
	assert.match(said(run), /answered 404/);
});

test("credentials in an address are used, and neither shown nor kept", async (t) => {
	const authorised = `Basic ${Buffer.from("me:hunter2").toString("base64")}`;
	const address = await serve(t, (request, response) => {
		if (request.headers.authorization === authorised) HEALTHY(request, response);
		else response.writeHead(401).end();
	});
	const save = join(folder, "credentials.plumb");
	const url = `http://me:hunter2@${address}`;
	const run = await diagnose(["--pprof", url, "--metrics", url, "--save", save]);
	assert.match(said(run), /runtime read: 2 full dumps/);
	assert.match(said(run), /me:\*\*\*@127\.0\.0\.1:\d+\/metrics answered 404/);
	assert.doesNotMatch(said(run), /hunter2/);
	assert.doesNotMatch(gunzipSync(readFileSync(save)).toString("latin1"), /hunter2/);
	const other = await serve(t, (_, response) => void response.end("no dump\n"));
	const refused = await diagnose(["--pprof", `http://me:hunter2@${other}`]);
	assert.match(said(refused), /me:\*\*\*@.* answered something else than a goroutine profile/);
	assert.doesNotMatch(said(refused), /hunter2/);
});

test("/dev/urandom as a dump", async (t) => {
	const noise = randomBytes(3 << 20);
	const address = await serve(t, (_, response) => void response.end(noise));
	const run = await diagnose(["--pprof", address]);
	assert.equal(run.code, 3);
	assert.match(said(run), /something else than a goroutine profile/);
	assert.doesNotMatch(run.stdout.replaceAll("\n", ""), /\p{Cc}/u, "no control bytes reach the terminal");
});

test("an empty dump", async (t) => {
	const run = await diagnose(["--pprof", await serve(t, (_, response) => void response.end())]);
	assert.equal(run.code, 3);
	assert.match(said(run), /answered with an empty body/);
});

test("no HTTP at all behind the port", async (t) => {
	const server = createTcpServer((socket) => socket.on("error", () => {}).end("SSH-2.0-OpenSSH_9.2\r\n"));
	await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
	t.after(() => server.close());
	const run = await diagnose(["--pprof", `127.0.0.1:${(server.address() as AddressInfo).port}`]);
	assert.equal(run.code, 3);
	assert.match(said(run), /does not speak HTTP/);
});

test("a process that exits in the middle: what was read is kept, exit 3", async (t) => {
	const child = spawn("sleep", ["600"]);
	const address = await serve(t, (request, response) => {
		if (request.url?.endsWith("debug=1")) child.kill();
		HEALTHY(request, response);
	});
	const run = await diagnose(["--pid", String(child.pid), "--pprof", address]);
	assert.equal(run.code, 3);
	assert.match(said(run), new RegExp(`process ${child.pid} ended during the window`));
});

test("metrics with garbage", async (t) => {
	const pprof = await serve(t, HEALTHY);
	const metrics = await serve(t, (_, response) => void response.end(randomBytes(4096)));
	const run = await diagnose(["--pprof", pprof, "--metrics", metrics]);
	assert.equal(run.code, 3, said(run));
	assert.match(said(run), /metrics/);
	assert.match(said(run), /runtime read: 2 full dumps/, "the other lines are kept");
});

test("database down, or not a database", async (t) => {
	const pprof = await serve(t, HEALTHY);
	const down = await diagnose(["--pprof", pprof], {
		env: { PLUMBLINE_DB: "postgres://app:hunter2@127.0.0.1:1/o" },
	});
	assert.equal(down.code, 3);
	assert.match(said(down), /connection refused by 127\.0\.0\.1:1/);
	assert.doesNotMatch(said(down), /hunter2/);
	for (const scheme of ["postgres", "mysql"]) {
		const run = await diagnose(["--pprof", pprof, "--db", `${scheme}://app:hunter2@${pprof}/o`]);
		assert.equal(run.code, 3, scheme);
		assert.match(said(run), /database sessions/);
		assert.doesNotMatch(said(run), /hunter2/);
	}
});

test("a file that is not there, or is no capture", async () => {
	const absent = await diagnose(["--from", join(folder, "absent.plumb")]);
	assert.deepEqual([absent.code, absent.stdout], [3, ""]);
	assert.match(absent.stderr, /^plumbline: cannot read .*: no such file or folder\n$/);

	const steering = await diagnose(["--from", "\x1b[2J.plumb"]);
	assert.equal(steering.stderr, "plumbline: cannot read \\x1b[2J.plumb: no such file or folder\n");

	const text = join(folder, "text.plumb");
	writeFileSync(text, "goroutine 1 [running]:\n");
	const foreign = await diagnose(["--from", text]);
	assert.equal(foreign.code, 3);
	assert.match(foreign.stderr, /^plumbline: .* is no capture: .*\n$/);
});

test("a capture that cannot be saved does not cost the verdict", async (t) => {
	const save = join(folder, "no", "where.plumb");
	const run = await diagnose(["--pprof", await serve(t, HEALTHY), "--save", save]);
	assert.equal(run.code, 3);
	assert.match(run.stdout, /nothing found/);
	assert.match(run.stderr, /^plumbline: cannot write .*: no such file or folder\n$/);
});

test("capture tells what it could not read as diagnose does, and does not call notes lost", async (t) => {
	const path = join(folder, "taken.plumb");
	const target = ["--pprof", await serve(t, HEALTHY), "--metrics", "127.0.0.1:1"];
	const run = await runPlumbline(["capture", ...target, "--window", "1s", "-o", path]);
	assert.equal(run.code, 0);
	assert.match(run.stderr, /^unexamined: metrics \(connection refused by 127\.0\.0\.1:1/m);
	assert.match(run.stderr, /^note: database sessions \(no database was given/m);
});

test("half of each recorded capture is still diagnosed, with what it lacks", async () => {
	const recorded = readdirSync(CAPTURES_FOLDER).filter((name) => name.endsWith(".plumb"));
	assert.ok(recorded.length > 0, "captures are recorded");
	const whole = readFileSync(join(CAPTURES_FOLDER, recorded[0] ?? ""));
	const half = join(folder, "half.plumb");
	writeFileSync(half, whole.subarray(0, whole.length / 2));
	const run = await diagnose(["--from", half]);
	assert.ok(run.code === 0 || run.code === 1 || run.code === 3);
	assert.match(said(run), /it ends in the middle/);
});

test("Ctrl-C while it watches: exit 130, nothing on stdout, no file left", async (t) => {
	const { promise: watching, resolve } = Promise.withResolvers<void>();
	let profiles = 0;
	const address = await serve(t, (request, response) => {
		if (request.url?.endsWith("debug=1") && ++profiles === 2) resolve();
		HEALTHY(request, response);
	});
	const cwd = mkdtempSync(join(folder, "cwd-"));
	const args = ["--pprof", address, "--window", "60s", "--save", "x.plumb"];
	const run = await runPlumbline(["diagnose", ...args], { interrupt: watching, cwd });
	assert.equal(run.code, 130);
	assert.equal(run.stdout, "");
	assert.doesNotMatch(run.stderr, STACK_TRACE);
	assert.deepEqual(readdirSync(cwd), []);
});

test("an unexpected error is one line that asks for a report; details on demand", async () => {
	// A folder in place of the file descriptor of a capture is expected; a broken environment is not.
	const env = { NODE_OPTIONS: `--import data:text/javascript,${encodeURIComponent(BROKEN)}` };
	const run = await runPlumbline(["diagnose", "--pid", String(process.pid)], { env });
	assert.equal(run.code, 3);
	assert.match(
		run.stderr,
		/^plumbline: .*broken for a test\nThis is a bug; run again with PLUMBLINE_DEBUG=1/,
	);
	assert.ok(run.stderr.trimEnd().split("\n").length === 2, run.stderr);
	const debug = await runPlumbline(["diagnose", "--pid", String(process.pid)], {
		env: { ...env, PLUMBLINE_DEBUG: "1" },
	});
	assert.match(debug.stderr, /^\s+at /m);
});

const BROKEN = `performance.now = () => { throw new TypeError("broken for a test") };`;
