/** The real command, `plumbline gateway -c`, with its workers, before a server; what it holds while it is attacked. */
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import type { WorkerSnapshot } from "@plumbline/gateway/admin-view";
import type { HostileTarget } from "@plumbline/gateway/testing/hostile-attack";
import { makeLabCertificate } from "@plumbline/lab/dns-servers-certificate";
import { startTied, type TiedProcess } from "@plumbline/lab/tied-process";
import type { NeighbourReport } from "./hostile-neighbour.ts";

const PLUMBLINE = fileURLToPath(new URL("../../../packages/cli/bin/plumbline", import.meta.url));
const START_MS_MAX = 20_000;
const LOOK_MS = 100;
const KEPT_BY_NEIGHBOUR = 2;

export interface HostileStage {
	readonly target: HostileTarget;
	/** Since it was last asked; resolves when all that was asked has come to an end. */
	neighbour(): Promise<NeighbourReport>;
	/** Of all its processes. */
	residentBytes(): number;
	connections(): Promise<number>;
	/** Until nobody's connections are left but the neighbour's; false: they are not gone after so long. */
	untilAlone(msMax: number): Promise<boolean>;
	stop(): Promise<void>;
}

/** `descriptors`: that each of its processes may have open; undefined: as many as this one. */
export async function hostileStage(workers: number, descriptors: number | undefined): Promise<HostileStage> {
	const folder = mkdtempSync(join(tmpdir(), "hostile-"));
	const [ours, theirs] = [await upstream(), await upstream()];
	const [port, tlsPort] = [await freePort(), await freePort()];
	const { certificateFile, keyFile } = await makeLabCertificate(folder, "gateway.test");
	const admin = join(folder, "admin.sock");
	const config = join(folder, "gateway.yaml");
	writeFileSync(
		config,
		`listen:
  - 127.0.0.1:${port}
  - { at: "127.0.0.1:${tlsPort}", tls: { certificate: ${certificateFile}, key: ${keyFile} } }
routes:
  - { path: /neighbour, to: "http://127.0.0.1:${ours.port}" }
  - { path: /, to: "http://127.0.0.1:${theirs.port}" }
workers: ${workers}
admin: unix:${admin}
timeouts: { head: 3s, idle: 5s, bodyRateAfter: 3s, write: 4s }
telemetry: { accessLog: ${join(folder, "access.log")} }
`,
	);
	const command = ["gateway", "-c", config];
	const gateway =
		descriptors === undefined
			? await startTied(PLUMBLINE, command)
			: await startTied("prlimit", [`--nofile=${descriptors}:${descriptors}`, PLUMBLINE, ...command]);
	const pids = await whenServing(gateway, admin, workers);
	const neighbour = new Worker(new URL("./hostile-neighbour.ts", import.meta.url), { workerData: { port } });
	const connections = async () =>
		(await snapshots(admin))
			.flatMap(({ listeners }) => listeners)
			.reduce((sum, each) => sum + each.connections, 0);
	return {
		target: { port, tlsPort, paths: { large: "/large", endless: "/endless" } },
		async neighbour() {
			const told = once(neighbour, "message");
			neighbour.postMessage("report");
			return ((await told) as [NeighbourReport])[0];
		},
		residentBytes: () => pids.reduce((sum, pid) => sum + residentBytes(pid), 0),
		connections,
		async untilAlone(msMax) {
			for (const until = performance.now() + msMax; performance.now() < until; await wait(LOOK_MS))
				if ((await connections()) <= KEPT_BY_NEIGHBOUR) return true;
			return false;
		},
		async stop() {
			await Promise.all([neighbour.terminate(), ours.stop(), theirs.stop(), gateway.stop()]);
			rmSync(folder, { recursive: true, force: true });
		},
	};
}

/** In a thread of its own. */
async function upstream(): Promise<{ readonly port: number; stop(): Promise<unknown> }> {
	const worker = new Worker(new URL("./hostile-upstream.ts", import.meta.url));
	const [port] = (await once(worker, "message")) as [number];
	return { port, stop: () => worker.terminate() };
}

async function whenServing(gateway: TiedProcess, admin: string, workers: number): Promise<number[]> {
	for (const until = performance.now() + START_MS_MAX; performance.now() < until; await wait(LOOK_MS)) {
		const now = await snapshots(admin).catch(() => []);
		if (now.filter(({ state }) => state === "serving").length === workers)
			return [...new Set([gateway.pid, ...now.map(({ pid }) => pid)])];
	}
	await gateway.stop();
	throw new Error(`the gateway does not serve:\n${gateway.tail()}`);
}

function snapshots(admin: string): Promise<readonly Pick<WorkerSnapshot, "pid" | "state" | "listeners">[]> {
	return new Promise((resolve, reject) => {
		const asking = request({ socketPath: admin, path: "/api/processes" }, (response) => {
			let text = "";
			response.on("data", (bytes) => {
				text += String(bytes);
			});
			response.on("end", () => resolve(JSON.parse(text)));
		});
		asking.on("error", reject);
		asking.end();
	});
}

function residentBytes(pid: number): number {
	const [, kilobytes = "0"] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
	return Number(kilobytes) * 1024;
}

async function freePort(): Promise<number> {
	const server = createServer().listen(0, "127.0.0.1");
	await once(server, "listening");
	const address = server.address();
	server.close();
	if (address === null || typeof address === "string") throw new Error("no port is free");
	return address.port;
}
