/** What is measured: how each part loads a proxy, and what its answers are counted in. */
import { type Answers, h2load, wrk } from "./load.ts";
import type { Kind } from "./proxies.ts";
import { BODY_BYTES } from "./upstream.ts";

export interface Part {
	readonly title: string;
	readonly kind: Kind;
	/** What CPU time is told by. */
	readonly unit: "µs a request" | "ms a GiB";
	load(at: Aim): Promise<Answers>;
}

export interface Aim {
	readonly port: number;
	readonly core: number;
	readonly seconds: number;
	/** For files. */
	readonly folder: string;
}

const CONNECTIONS = 64;
const CALM_PER_SECOND = 5000;
const BODY_CONNECTIONS = 16;

export const PARTS: Readonly<Record<string, Part>> = {
	full: {
		title: "512 bytes, 64 connections, as fast as it goes",
		kind: "http",
		unit: "µs a request",
		load: (aim) => wrk({ ...aim, url: `http://127.0.0.1:${aim.port}/api/orders`, connections: CONNECTIONS }),
	},
	calm: {
		title: `512 bytes, 50 connections, ${CALM_PER_SECOND} requests a second`,
		kind: "http",
		unit: "µs a request",
		load: (aim) =>
			h2load({
				...aim,
				url: `http://127.0.0.1:${aim.port}/api/orders`,
				connections: 50,
				protocol: "h1",
				streams: 1,
				rate: CALM_PER_SECOND,
			}),
	},
	body: {
		title: "bodies of 1 MiB, 16 connections",
		kind: "http",
		unit: "ms a GiB",
		load: (aim) => wrk({ ...aim, url: `http://127.0.0.1:${aim.port}/body`, connections: BODY_CONNECTIONS }),
	},
	tls: {
		title: "512 bytes by TLS, 64 connections that stay",
		kind: "tls",
		unit: "µs a request",
		load: (aim) => wrk({ ...aim, url: `https://127.0.0.1:${aim.port}/api/orders`, connections: CONNECTIONS }),
	},
	h2: {
		title: "512 bytes, HTTP/2 in the clear before HTTP/1.1, 8 connections of 16 streams",
		kind: "h2",
		unit: "µs a request",
		load: (aim) =>
			h2load({
				...aim,
				url: `http://127.0.0.1:${aim.port}/api/orders`,
				connections: 8,
				protocol: "h2",
				streams: 16,
			}),
	},
	grpc: {
		title: "as gRPC, HTTP/2 on both sides, 8 connections of 16 streams",
		kind: "grpc",
		unit: "µs a request",
		load: (aim) =>
			h2load({
				...aim,
				url: `http://127.0.0.1:${aim.port}/bench.Bench/Ask`,
				connections: 8,
				protocol: "h2",
				streams: 16,
				grpc: true,
			}),
	},
};

/** CPU time of one of its units. */
export function each(part: Part, cpuUs: number, answers: number): number {
	if (part.unit === "µs a request") return cpuUs / answers;
	return cpuUs / 1000 / ((answers * BODY_BYTES) / 2 ** 30);
}
