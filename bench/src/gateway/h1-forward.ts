/**
 * What forwarding a request costs with nothing around it: the HTTP/1 connections of the gateway, without routes, pools,
 * limits and logs, beside nginx and beside bytes that are only passed on (what Node's sockets cost by themselves).
 *
 *   node bench/src/gateway/h1-forward.ts [ROUNDS]
 */
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { h1Dialler } from "@plumbline/gateway/h1-client";
import { serveH1 } from "@plumbline/gateway/h1-server";
import { H1WorkPool } from "@plumbline/gateway/h1-work";
import { openListener } from "@plumbline/gateway/listener";
import { StraightForwarder } from "@plumbline/gateway/testing/forward-straight";
import { STAGE_LIMITS, STAGE_TIMEOUTS } from "@plumbline/gateway/testing/h1-stage";
import { TimerWheel } from "@plumbline/gateway/timer-wheel";
import { Scratch } from "@plumbline/gateway/transport-scratch";
import { freePort, type Started, start } from "./started.ts";
import { startUpstream } from "./upstream.ts";

const run = promisify(execFile);
const PROXY_CORE = 0;
const LOAD_CORE = 1;
const SECONDS = 4;
const HOLD_BYTES = 256 * 1024;
const FIELDS = ["User-Agent: bench", "Accept: */*", "Accept-Language: en", "X-A: 1", "X-B: 2"];

const [what, portText, upstreamText] = process.argv.slice(2);
if (what === "forward") await forward(Number(portText), Number(upstreamText));
else if (what === "bytes") passOn(Number(portText), Number(upstreamText));
else await compare(Number(what ?? 3));

async function forward(port: number, upstream: number): Promise<void> {
	const wheel = new TimerWheel();
	const scratch = new Scratch();
	const { onRequest } = new StraightForwarder(h1Dialler({ now: () => performance.now(), wheel, scratch }), {
		address: "127.0.0.1",
		port: upstream,
		protocol: "http",
		tls: undefined,
		connectMs: 3000,
		headBytesMax: STAGE_LIMITS.headBytesMax,
		fieldsMax: STAGE_LIMITS.fieldsMax,
	});
	const options = {
		limits: STAGE_LIMITS,
		timeouts: STAGE_TIMEOUTS,
		onRequest,
		wheel,
		scratch,
		work: new H1WorkPool(),
	};
	await openListener(
		{
			name: "bench",
			host: "127.0.0.1",
			port,
			path: undefined,
			tls: undefined,
			protocols: ["h1"],
			connectionsMax: 50_000,
			connectionsMaxPerClient: 50_000,
		},
		{
			wheel,
			serveH1: (socket, first, client) => serveH1(socket, first, client, options),
			serveH2: () => {
				throw new Error("only HTTP/1 is spoken here");
			},
			timeouts: () => STAGE_TIMEOUTS,
		},
	);
	process.on("SIGTERM", () => process.exit(0));
}

function passOn(port: number, upstream: number): void {
	const options = { noDelay: true, highWaterMark: HOLD_BYTES };
	createServer(options, (client) => {
		const server = connect({ port: upstream, host: "127.0.0.1", ...options });
		client.on("data", (bytes) => server.write(bytes));
		server.on("data", (bytes) => client.write(bytes));
		for (const [one, other] of [
			[client, server],
			[server, client],
		] as const) {
			one.on("error", () => undefined);
			one.on("close", () => other.destroy());
		}
	}).listen(port, "127.0.0.1");
}

async function compare(rounds: number): Promise<void> {
	const folder = mkdtempSync(join(tmpdir(), "h1-forward-"));
	const started: Started[] = [];
	try {
		const upstream = await startUpstream(folder, LOAD_CORE);
		started.push(upstream.program);
		const subjects = new Map<string, Started>();
		for (const name of ["nginx", "forward", "bytes"]) {
			const program = await startSubject(name, folder, upstream.port);
			subjects.set(name, program);
			started.push(program);
		}
		// Code that has not run yet is slow in its own way.
		for (const { port } of subjects.values()) await load(port, "/", 2);
		for (let round = 1; round <= rounds; round++)
			for (const path of ["/", "/body"])
				for (const [name, program] of subjects) {
					const before = program.cpu();
					const requests = await load(program.port, path, SECONDS);
					const after = program.cpu();
					const userUs = (after.userUs - before.userUs) / requests;
					const systemUs = (after.systemUs - before.systemUs) / requests;
					const total = (userUs + systemUs).toFixed(1);
					const each = `${total} us a request (user ${userUs.toFixed(1)}, system ${systemUs.toFixed(1)})`;
					const memory = `${(program.residentBytes() / 2 ** 20).toFixed(0)} MiB`;
					console.log(
						`round ${round} ${path.padEnd(5)} ${name.padEnd(8)} ${each}, ${requests} requests, ${memory}`,
					);
				}
	} finally {
		for (const program of started) await program.stop();
		rmSync(folder, { recursive: true, force: true });
	}
}

async function startSubject(name: string, folder: string, upstream: number): Promise<Started> {
	const port = await freePort();
	const common = { core: PROXY_CORE, port, output: join(folder, `${name}.out`) };
	if (name !== "nginx") {
		const args = [fileURLToPath(import.meta.url), name, String(port), String(upstream)];
		return start({ program: process.execPath, args, ...common });
	}
	const file = join(folder, "nginx.conf");
	writeFileSync(
		file,
		`worker_processes 1; daemon off; pid ${join(folder, "nginx.pid")}; error_log ${join(folder, "nginx.err")};
events { worker_connections 16384; }
http {
	access_log off; keepalive_requests 1000000000;
	upstream up { server 127.0.0.1:${upstream}; keepalive 128; keepalive_requests 1000000000; }
	server { listen 127.0.0.1:${port};
		location / { proxy_pass http://up; proxy_http_version 1.1; proxy_set_header Connection ""; }
	}
}`,
	);
	return start({ program: "nginx", args: ["-c", file], ...common });
}

/** Requests that were answered. */
async function load(port: number, path: string, seconds: number): Promise<number> {
	const fields = FIELDS.flatMap((field) => ["-H", field]);
	const args = ["-c", String(LOAD_CORE), "wrk", "-t1", "-c64", `-d${seconds}`, ...fields];
	const { stdout } = await run("taskset", [...args, `http://127.0.0.1:${port}${path}`]);
	if (/Socket errors|Non-2xx/.test(stdout)) throw new Error(stdout);
	return Number(/(\d+) requests in/.exec(stdout)?.[1]);
}
