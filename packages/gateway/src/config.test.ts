import assert from "node:assert/strict";
import { test } from "node:test";
import { readGatewayConfig } from "./config.ts";
import type { GatewaySettings } from "./settings.ts";

const WORLD = { environment: { TOKEN: "s3cret", PW: "a/b" }, wallMs: Date.UTC(2026, 0, 1) };

function settings(text: string): GatewaySettings {
	const read = readGatewayConfig({ name: "gateway.yaml", text }, WORLD);
	assert.ok(read.kind === "config", JSON.stringify(read));
	return read.settings;
}

function refused(...lines: string[]): readonly string[] {
	const read = readGatewayConfig({ name: "gateway.yaml", text: lines.join("\n") }, WORLD);
	assert.ok(read.kind === "refused", lines.join("\n"));
	return read.faults;
}

const LISTEN = "listen: 127.0.0.1:8080";

test("HTTP, gRPC and WebSocket in five lines", () => {
	const made = settings(
		[
			LISTEN,
			"routes:",
			'  - { path: /chat, to: "http://127.0.0.1:9001" }',
			'  - { path: /helloworld.Greeter, to: "grpc://127.0.0.1:50051" }',
			'  - { path: /, to: "http://127.0.0.1:9000" }',
		].join("\n"),
	);
	assert.deepEqual(
		made.routes.map(({ name, targets }) => [name, targets[0]?.upstream]),
		[
			["/helloworld.Greeter", "h2c://127.0.0.1:50051"],
			["/chat", "http://127.0.0.1:9001"],
			["/", "http://127.0.0.1:9000"],
		],
	);
	assert.deepEqual(
		made.upstreams.map(({ protocol, servers }) => [protocol, servers[0]?.host, servers[0]?.port]),
		[
			["http", "127.0.0.1", 9001],
			["h2c", "127.0.0.1", 50051],
			["http", "127.0.0.1", 9000],
		],
	);
	const [upstream] = made.upstreams;
	assert.ok((upstream?.pool.idleMs ?? Infinity) < 5000, "below the 5 s of Node's servers");
	assert.deepEqual(upstream?.retryBudget, { share: 0.2, least: 3 });
	assert.equal(made.drainMs, 30_000);
});

test("a URL that stands twice is one upstream, and the same in another writing too", () => {
	const made = settings(
		`${LISTEN}\nroutes:\n  - { path: /a, to: "http://Example.com" }\n  - { path: /b, to: ["ws://example.com:80"] }`,
	);
	assert.deepEqual(
		made.upstreams.map(({ name }) => name),
		["http://example.com:80"],
	);
});

test("a pool is made small by one word", () => {
	const { upstreams } = settings(`${LISTEN}\nupstreams: { u: { servers: "a:1", pool: { max: 7 } } }`);
	assert.equal(upstreams[0]?.pool.maxIdle, 7);
});

test("an unknown key is told where it stands, not where its value does", () => {
	assert.deepEqual(refused("listen: 127.0.0.1:8080", "routs:", "  - { path: /, to: orders }"), [
		"gateway.yaml line 2: routs: not a key that is known; did you mean routes?",
	]);
});

test("what is wrong is told with its line, all of it, in the order of the file", () => {
	assert.deepEqual(
		refused(
			"lisen: 127.0.0.1:8080",
			"routes:",
			"  - path: /chat",
			"    to: orders",
			"    tmeouts: { total: 5s }",
			"    limits: 5 per s",
			"  - { path: chat, to: [] }",
		).map((fault) => fault.replace(/ is expected;.*/, " …")),
		[
			"gateway.yaml line 1: lisen: not a key that is known; did you mean listen?",
			"gateway.yaml line 5: routes.0.tmeouts: not a key that is known; did you mean timeouts?",
			"gateway.yaml line 6: routes.0.limits: a rate such as 100/s, 5/min or 20/10s …",
			"gateway.yaml line 7: routes.1.path: a path begins with / and has no blanks, ? or #",
			"gateway.yaml line 7: routes.1.to: an empty list",
		],
	);
});

const WRONG: readonly [string, RegExp][] = [
	["listen: 8080", /line 1: listen: an address and port are expected/],
	["listen: localhost:80", /line 1: listen: an address and port/],
	[
		'listen: ["127.0.0.1:80", "127.0.0.1:80"]\nroutes: [{ to: "http://a" }]',
		/listen\.1: the name 127.0.0.1:80 is taken/,
	],
	['listen: [":80", "127.0.0.1:80"]', /listen\.1: 127\.0\.0\.1:80 is taken by \[::\]:80/],
	['listen: { at: ":80", name: admin }', /listen: the name admin is the admin server's/],
	['listen: ["0.0.0.0:80", "127.0.0.1:80"]', /listen\.1: 127\.0\.0\.1:80 is taken by/],
	['routes: [{ to: "http://a" }]', /listen: a place to listen at is needed/],
	[
		`${LISTEN}\nroutes: [{ to: ordrs }]\nupstreams: { orders: { servers: "a:1" } }`,
		/line 2: .*did you mean orders/,
	],
	[
		`${LISTEN}\nroutes: [{ to: "http://user:hunter2@a/" }]`,
		/line 2: routes\.0\.to: http:\/\/HOST:PORT is expected/,
	],
	[`${LISTEN}\nroutes: [{ to: "http://a/base" }]`, /say it by rewrite/],
	[`${LISTEN}\nupstreams: { u: { servers: ["http://a", "https://b"] } }`, /one protocol, not http and https/],
	[`${LISTEN}\nupstreams: { u: { servers: ["a:1", "a:1"] } }`, /a:1 stands there twice/],
	[`${LISTEN}\nupstreams: { u: { servers: "a" } }`, /a port is expected: a:80/],
	[`${LISTEN}\nupstreams: { u: { servers: "a:1", pool: { max: 1, warm: 2 } } }`, /warm cannot be above max/],
	[`${LISTEN}\nupstreams: { u: { servers: "a:1", pool: { idle: 5 } } }`, /pool\.idle: a time such as/],
	[
		`${LISTEN}\nupstreams: { u: { servers: "a:1", health: { path: /h, tcp: true } } }`,
		/one of path, tcp and grpc/,
	],
	[`${LISTEN}\nroutes: [{ to: "http://a" }, { path: /x, to: "http://a", name: / }]`, /the name \/ is taken/],
	[
		`${LISTEN}\nroutes: [{ path: /a, to: "http://a" }, { path: /a, to: "http://b" }]`,
		/routes\.1: never reached/,
	],
	[`${LISTEN}\nroutes: [{ to: "http://a", canary: { to: "http://b" } }]`, /share, header or cookie/],
	[
		`${LISTEN}\nroutes: [{ to: "http://a", limits: { rate: 1/s, redis: "http://x" } }]`,
		/redis:\/\/HOST:PORT/,
	],
	[
		`${LISTEN}\nroutes: [{ to: "http://a", limits: { rate: 1/s, redis: "redis://:\${NO}@x" } }]`,
		/\{NO\} is not set/,
	],
	[`${LISTEN}\nroutes: [{ to: "http://a", concurrency: { min: 5, max: 2 } }]`, /min and max above it/],
	[`${LISTEN}\nroutes: [{ to: "http://a", request: { set: { x: "a\\nb" } } }]`, /no line breaks/],
	[`${LISTEN}\nroutes: [{ path: /a/../b, to: "http://a" }]`, /routes\.0.*: no request has this path/],
	[`${LISTEN}\nlimits: { head: 16kb }`, /line 2: limits\.head: a size such as 64KiB/],
	[`${LISTEN}\nlimits: { head: 1GiB }`, /from 1KiB to 1MiB, not 1GiB/],
	[`${LISTEN}\nadmin: 127.0.0.1:9901`, /on a port a token is wanted/],
	[`${LISTEN}\nadmin: { at: "127.0.0.1:9901", token: "\${NONE}" }`, /\{NONE\} is not set/],
	[`${LISTEN}\ntrusted: [10.0.0.1/8]`, /line 2: trusted\.0: .*bits are set/],
	[`${LISTEN}\nresolver: { servers: [tls://192.0.2.1] }`, /DoT needs the name/],
	[
		"listen: { at: '127.0.0.1:1', tls: { certificate: /none } }",
		/listen\.tls: a certificate and its key are expected/,
	],
	[
		"listen: { at: '127.0.0.1:1', tls: { certificate: /none, key: /none.key } }",
		/\/none cannot be read: it is not there/,
	],
];

for (const [text, fault] of WRONG) {
	test(`refused: ${text.split("\n").at(-1)}`, () => {
		const faults = refused(text);
		assert.match(faults.join("\n"), fault);
		assert.doesNotMatch(faults.join("\n"), /hunter2/);
	});
}

test("secrets come from the environment; in URLs as URLs want them", () => {
	const made = settings(
		[
			LISTEN,
			`admin: { at: "127.0.0.1:9901", token: "\${TOKEN}" }`,
			`routes: [{ to: "http://a", limits: { rate: 5/min, redis: "redis://:\${PW}@h/0" } }]`,
		].join("\n"),
	);
	assert.equal(made.admin?.token, "s3cret");
	assert.deepEqual(made.routes[0]?.rateLimits[0]?.shared, { redis: "redis://:a%2Fb@h/0", timeoutMs: 50 });
	assert.equal(made.routes[0]?.rateLimits[0]?.perMs, 60_000);
});

test("a host comes before a path, an exact path before a prefix, a long prefix before a short one", () => {
	const made = settings(
		[
			LISTEN,
			"routes:",
			'  - { to: "http://a" }',
			'  - { path: /long/prefix, to: "http://a" }',
			'  - { path: /x, exact: true, to: "http://a" }',
			'  - { host: "*.example.com", to: "http://a" }',
			'  - { host: a.example.com, to: "http://a" }',
			'  - { path: /x, exact: true, methods: POST, headers: { x-a: "1", x-b: true }, to: "http://a" }',
		].join("\n"),
	);
	assert.deepEqual(
		made.routes.map(({ name }) => name),
		["a.example.com/", "*.example.com/", "/x$[POST&x-a=1&x-b]", "/x$", "/long/prefix", "/"],
	);
});

test("warnings do not refuse", () => {
	const text = [
		LISTEN,
		"upstreams:",
		"  slow: { servers: a:1, pool: { idle: 2m } }",
		'  lax: { servers: "https://a", tls: { verify: false } }',
	].join("\n");
	const read = readGatewayConfig({ name: "gateway.yaml", text }, WORLD);
	assert.ok(read.kind === "config");
	const told = read.warnings.map(
		(each) => /(line \d+: )?[^ ]+(?=: )/.exec(each.slice("gateway.yaml ".length))?.[0],
	);
	assert.deepEqual(told.toSorted(), [
		"line 3: upstreams.slow",
		"line 3: upstreams.slow.pool.idle",
		"line 4: upstreams.lax",
		"line 4: upstreams.lax.tls.verify",
		"routes",
	]);
});
