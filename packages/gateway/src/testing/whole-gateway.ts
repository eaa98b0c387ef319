/** A gateway as its users have it: made of the text of a configuration, with listeners, pools and servers that are real. */
import assert from "node:assert/strict";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { WorkerSnapshot } from "../admin-view.ts";
import { readGatewayConfig } from "../config.ts";
import { openGateway } from "../open-gateway.ts";
import type { GatewaySettings } from "../settings.ts";
import type { RunningGateway } from "../worker-contract.ts";

export interface WholeGateway {
	readonly running: RunningGateway;
	readonly settings: GatewaySettings;
	/** Of the first listener. */
	readonly port: number;
	readonly url: string;
	/** What it says on stderr. */
	readonly said: readonly string[];
	snapshot(): WorkerSnapshot;
	/** Of its first listener. */
	connections(): number;
	/** Monotonic: until `holds`, asked again at every turn of the event loop; the test's own time limit ends it. */
	until(holds: (snapshot: WorkerSnapshot) => boolean): Promise<void>;
}

/** A test, or a file of them. */
interface Scope {
	after(close: () => unknown): void;
}

/** `text`: without `listen`, it listens on a port of 127.0.0.1. Closed after the test. */
export async function wholeGateway(t: Scope, text: string): Promise<WholeGateway> {
	const settings = settingsOf(/^listen:/m.test(text) ? text : `listen: 127.0.0.1:0\n${text}`);
	const said: string[] = [];
	const running = await openGateway(settings, new Map(), {
		slot: 0,
		workers: 1,
		say: (line) => said.push(line),
		publish: () => undefined,
		collect: async (kind) => [{ slot: 0, pid: process.pid, value: running.answer(kind) }],
	});
	t.after(() => running.close());
	const place = running.listening[0]?.place ?? "";
	const snapshot = () => running.answer("snapshot") as WorkerSnapshot;
	return {
		running,
		settings,
		port: Number(place.slice(place.lastIndexOf(":") + 1)),
		url: `http://${place}`,
		said,
		snapshot,
		connections: () => snapshot().listeners[0]?.connections ?? 0,
		async until(holds) {
			while (!holds(snapshot())) await new Promise((resolve) => setImmediate(resolve));
		},
	};
}

export function settingsOf(text: string): GatewaySettings {
	const read = readGatewayConfig({ name: "test.yaml", text }, { environment: {}, wallMs: Date.now() });
	assert.equal(read.kind, "config", read.kind === "refused" ? read.faults.join("\n") : "");
	return (read as Extract<typeof read, { kind: "config" }>).settings;
}

export interface WebServer {
	readonly server: Server;
	readonly port: number;
	readonly url: string;
}

/** A server of Node; closed after the test, with whatever is on it. */
export async function webServer(t: Scope, handler: RequestListener): Promise<WebServer> {
	const server = createServer(handler);
	await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
	t.after(() => {
		server.closeAllConnections();
		server.close();
	});
	const { port } = server.address() as AddressInfo;
	return { server, port, url: `http://127.0.0.1:${port}` };
}
