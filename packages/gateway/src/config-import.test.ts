import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { readGatewayConfig } from "./config.ts";
import { importConfig } from "./config-import.ts";

const NGINX = `
worker_processes auto;
events { worker_connections 1024; }
http {
  gzip on;
  limit_req_zone $binary_remote_addr zone=one:10m rate=10r/s;
  upstream app { server 10.0.0.1:8080 weight=3; server 10.0.0.2:8080 backup; keepalive 32; least_conn; }
  server {
    listen 80; listen [::]:80;
    server_name example.com www.example.com;
    client_max_body_size 8m;
    location / { proxy_pass http://app; proxy_set_header Host $host; limit_req zone=one burst=20 nodelay; }
    location /api/ { proxy_pass http://127.0.0.1:9000/v1/; proxy_read_timeout 120; }
    location = /health { return 200 "ok"; }
    location ~ \\.php$ { fastcgi_pass x; }
  }
}`;

const CADDY = `
{
	email a@b.c
}
http://example.com {
	encode gzip
	handle_path /api/* {
		reverse_proxy localhost:9000 localhost:9001 {
			lb_policy least_conn
			health_uri /healthz
		}
	}
	reverse_proxy /ws/* 127.0.0.1:9002
	reverse_proxy h2c://10.0.0.1:50051
}
:8080 {
	reverse_proxy {$UP}
	respond "hi {http.request.host}"
}`;

function imported(from: "nginx" | "caddy", text: string): string {
	const result = importConfig(from, "sample", text);
	assert.ok(result.kind === "yaml", JSON.stringify(result));
	return result.text;
}

/** What comes of it can be served, but for files that are not here. */
function settings(text: string) {
	const read = readGatewayConfig({ name: "imported", text }, { environment: {}, wallMs: 0 });
	assert.ok(read.kind === "config", JSON.stringify(read));
	return read.settings;
}

test("nginx: servers, locations, upstreams and limits; the rest is told with its line", () => {
	const text = imported("nginx", NGINX);
	const { routes, upstreams, listeners, limits } = settings(text);
	assert.deepEqual(
		listeners.map(({ name }) => name),
		["[::]:80"],
	);
	assert.equal(limits.bodyBytesMax, 8 * 1024 * 1024);
	assert.deepEqual(
		routes.map(({ match, targets, host, rewrite }) => [
			match.path.value,
			targets[0]?.upstream,
			host,
			rewrite?.to,
		]),
		[
			["/api/", "http://127.0.0.1:9000", "upstream", "/v1/"],
			["/", "app", "client", undefined],
		],
	);
	assert.deepEqual(routes[1]?.rateLimits[0]?.requests, 10);
	assert.equal(routes[0]?.timeouts.idleMs, 120_000);
	const app = upstreams.find(({ name }) => name === "app");
	assert.deepEqual(
		app?.servers.map(({ host, weight }) => [host, weight]),
		[["10.0.0.1", 3]],
	);
	assert.deepEqual(app?.balance, { kind: "least-requests" });
	const notes = text.split("\n").filter((line) => line.startsWith("#   "));
	assert.deepEqual(notes, [
		"#   line 5: gzip on: not taken over",
		"#   line 7: server 10.0.0.2:8080 backup: a spare server is left out",
		"#   line 14: location = /health: does not go to an upstream",
		"#   line 15: location ~ \\.php$: patterns have no like here",
	]);
});

test("nginx: one certificate on two names is one pair", () => {
	const server = (name: string) =>
		`server { listen 443 ssl; server_name ${name}; ssl_certificate /a.pem; ssl_certificate_key /a.key; location / { proxy_pass http://a; } }`;
	const text = imported("nginx", `${server("a.example")} ${server("b.example")}`);
	assert.equal(text.split("certificate: /a.pem").length, 2);
	assert.match(text, /host: b\.example/);
});

test("Caddy: sites, handle_path, matchers of paths, health", () => {
	const text = imported("caddy", CADDY);
	const { routes, upstreams, listeners } = settings(text);
	assert.deepEqual(
		listeners.map(({ port }) => port),
		[80, 8080],
	);
	assert.deepEqual(
		routes.map(({ match, rewrite }) => [match.hosts[0], match.path.value, rewrite?.to]),
		[
			["example.com", "/api", "/"],
			["example.com", "/ws", undefined],
			["example.com", "/", undefined],
		],
	);
	assert.equal(upstreams.find(({ name }) => name === "example.com/api")?.servers.length, 2);
	assert.match(text, /line 17: reverse_proxy \{\$UP\}: its upstreams are not taken over/);
	assert.match(imported("caddy", "localhost:2015\nreverse_proxy :9000"), /to: http:\/\/127\.0\.0\.1:9000/);
});

test("what is neither is refused", () => {
	assert.deepEqual(importConfig("nginx", "x", "server {"), { kind: "refused", why: "a block is not closed" });
	assert.deepEqual(importConfig("nginx", "x", "}"), {
		kind: "refused",
		why: "line 1: a } that closes nothing",
	});
	assert.equal(importConfig("caddy", "x", "{".repeat(40)).kind, "refused");
	assert.equal(importConfig("nginx", "x", "").kind, "refused");
});

test("no text makes it throw", () => {
	const piece = fc.constantFrom(
		..."server { } ; \n location / proxy_pass http://a upstream listen 80 ssl : reverse_proxy handle \" ' # * $x".split(
			" ",
		),
	);
	fc.assert(
		fc.property(fc.array(piece, { maxLength: 40 }), fc.constantFrom("nginx", "caddy"), (pieces, from) => {
			importConfig(from as "nginx" | "caddy", "x", pieces.join(" "));
		}),
	);
});
