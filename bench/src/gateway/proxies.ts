/**
 * Proxies, each told to stand before the same upstream with one worker: what the configuration of each has to say for
 * that. Those that can have a log of requests, a limit of their rate that no run reaches, and time limits (their defaults).
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { LabCertificate } from "@plumbline/lab/dns-servers-certificate";

/** What is spoken to it and by it. */
export type Kind = "http" | "tls" | "h2" | "grpc";

export interface Place {
	readonly kind: Kind;
	readonly port: number;
	readonly upstream: number;
	readonly folder: string;
	readonly certificate: LabCertificate;
}

interface Plan {
	readonly program: string;
	readonly args: readonly string[];
	readonly environment?: Readonly<Record<string, string>>;
}

export interface Contender {
	readonly name: string;
	/** Once its files are written; undefined: it does not speak that. */
	plan(place: Place): Plan | undefined;
}

const RATE = 1_000_000;
/** To the upstream, kept. */
const KEPT_MAX = 128;
const HERE = import.meta.dirname;
const REPOSITORY = join(HERE, "..", "..", "..");

/** Another checkout of this repository may be measured beside this one. */
export function ours(name: string, repository = REPOSITORY): Contender {
	return {
		name,
		plan({ kind, port, upstream, folder, certificate }) {
			const { certificateFile, keyFile } = certificate;
			const tls = kind === "tls" ? `, tls: { certificate: ${certificateFile}, key: ${keyFile} }` : "";
			const file = written(
				folder,
				"gateway.yaml",
				`listen: { at: "127.0.0.1:${port}"${tls}, connectionsPerClient: 100000 }
upstreams:
  up: { servers: "${kind === "grpc" ? "h2c" : "http"}://127.0.0.1:${upstream}", pool: { maxIdle: ${KEPT_MAX} } }
routes: [{ path: /, to: up, limits: { rate: ${RATE}/s, burst: ${RATE} } }]
telemetry: { accessLog: ${join(folder, "access.log")} }
workers: 1
`,
			);
			return {
				program: join(repository, "packages", "cli", "bin", "plumbline"),
				args: ["gateway", "-c", file],
			};
		},
	};
}

const nginx: Contender = {
	name: "nginx",
	plan({ kind, port, upstream, folder, certificate }) {
		const tls = kind === "tls" ? " ssl" : "";
		const h2 = kind === "h2" || kind === "grpc" ? " http2" : "";
		const pass =
			kind === "grpc"
				? "grpc_pass grpc://u;"
				: `proxy_pass http://u; proxy_http_version 1.1; proxy_set_header Connection "";
			proxy_set_header Host $host; proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;`;
		const file = written(
			folder,
			"nginx.conf",
			`worker_processes 1; daemon off; pid ${join(folder, "pid")}; error_log ${join(folder, "err")} error;
events { worker_connections 20000; }
http {
	access_log ${join(folder, "access.log")} combined buffer=64k;
	keepalive_requests 1000000000; keepalive_timeout 600;
	ssl_certificate ${certificate.certificateFile}; ssl_certificate_key ${certificate.keyFile};
	limit_req_zone $binary_remote_addr zone=one:10m rate=${RATE}r/s;
	upstream u { server 127.0.0.1:${upstream}; keepalive ${KEPT_MAX}; keepalive_requests 1000000000; }
	server {
		listen 127.0.0.1:${port} backlog=4096${tls}${h2}; http2_max_concurrent_streams 1000;
		location / { limit_req zone=one burst=${RATE} nodelay; ${pass} }
	}
}
`,
		);
		return { program: "nginx", args: ["-c", file] };
	},
};

const haproxy: Contender = {
	name: "HAProxy",
	plan({ kind, port, upstream, folder, certificate }) {
		const pem = join(folder, "both.pem");
		writeFileSync(pem, certificate.certificate + certificate.key);
		const bind = kind === "tls" ? `ssl crt ${pem}` : kind === "http" ? "" : "proto h2";
		const file = written(
			folder,
			"haproxy.cfg",
			`global
	nbthread 1
	maxconn 9900
	log ring@requests local0
ring requests
	size 1048576
	format raw
defaults
	mode http
	log global
	option httplog
	option forwardfor
	timeout connect 3s
	timeout client 600s
	timeout server 60s
	timeout http-request 10s
	timeout http-keep-alive 600s
frontend in
	bind 127.0.0.1:${port} backlog 4096 ${bind}
	stick-table type ip size 100k expire 10s store http_req_rate(1s)
	http-request track-sc0 src
	http-request deny deny_status 429 if { sc_http_req_rate(0) gt ${RATE} }
	default_backend up
backend up
	http-reuse always
	server one 127.0.0.1:${upstream} ${kind === "grpc" ? "proto h2" : ""} pool-max-conn ${KEPT_MAX}
`,
		);
		return { program: "haproxy", args: ["-db", "-f", file] };
	},
};

const caddy: Contender = {
	name: "Caddy",
	plan({ kind, port, upstream, folder, certificate }) {
		const { certificateFile, keyFile, tlsName } = certificate;
		const site = kind === "tls" ? `https://:${port}` : `http://127.0.0.1:${port}`;
		const to = kind === "grpc" ? "h2c://" : "";
		const file = written(
			folder,
			"Caddyfile",
			`{
	admin off
	auto_https off
	default_sni ${tlsName}
	servers {
		protocols h1 h2 h2c
	}
}
${site} {
	bind 127.0.0.1
	${kind === "tls" ? `tls ${certificateFile} ${keyFile}` : ""}
	log {
		output file ${join(folder, "access.log")}
	}
	reverse_proxy ${to}127.0.0.1:${upstream} {
		transport http {
			keepalive_idle_conns_per_host ${KEPT_MAX}
		}
	}
}
`,
		);
		const environment = { GOMAXPROCS: "1", HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder };
		return { program: "caddy", args: ["run", "--config", file, "--adapter", "caddyfile"], environment };
	},
};

function ofNode(name: string): Contender {
	return {
		name,
		plan: ({ kind, port, upstream }) =>
			kind === "http"
				? {
						program: process.execPath,
						args: [join(HERE, "node-proxy.ts"), name, String(port), `http://127.0.0.1:${upstream}`],
						environment: { NODE_ENV: "production" },
					}
				: undefined,
	};
}

/** The first is what the others are measured by. */
export const PROXIES: readonly Contender[] = [
	nginx,
	ours("plumbline"),
	haproxy,
	caddy,
	...["http-proxy", "httpxy", "@fastify/http-proxy"].map(ofNode),
];

function written(folder: string, name: string, text: string): string {
	mkdirSync(folder, { recursive: true });
	const file = join(folder, name);
	writeFileSync(file, text);
	return file;
}
