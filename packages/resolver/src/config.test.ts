import assert from "node:assert/strict";
import { test } from "node:test";
import { readServeConfig } from "./config.ts";

function faults(text: string, flags = {}): readonly string[] {
	const read = readServeConfig({ name: "dns.yaml", text }, flags);
	assert.equal(read.kind, "refused", text);
	return read.kind === "refused" ? read.faults : [];
}

test("flags alone: loopback, a limit, and nothing else but the servers", () => {
	const read = readServeConfig(undefined, { upstreams: ["192.0.2.1"] });
	assert.ok(read.kind === "config");
	const { config } = read;
	assert.deepEqual(config.listen, [{ address: "127.0.0.1", port: 5353 }]);
	assert.deepEqual(config.allow, ["127.0.0.0/8", "::1/128"]);
	assert.deepEqual(config.rate, { perSecond: 10_000, burst: 20_000, clientsMax: 100_000 });
	assert.deepEqual([config.dot, config.doh, config.tlsFiles, config.health], [[], [], undefined, undefined]);
	assert.equal(config.fixed.staleMode, "after-client-timer");
});

test("a whole file, and a flag above it", () => {
	const text = [
		'listen: ["127.0.0.1:53", "[::1]:53"]',
		"upstreams:",
		"  - https://1.1.1.1/dns-query#cloudflare-dns.com",
		"  - tls://9.9.9.9#dns.quad9.net",
		'allow: ["10.0.0.0/8"]',
		'dot: ["10.0.0.1:853"]',
		"certificate: /a.pem",
		"key: /a.key",
		"health: 127.0.0.1:8053",
		"stale: immediate",
		"rate: false",
		"ttl: { minS: 10 }",
	].join("\n");
	const read = readServeConfig({ name: "dns.yaml", text }, { listen: ["127.0.0.1:5300"] });
	assert.ok(read.kind === "config", JSON.stringify(read));
	const { config } = read;
	assert.deepEqual(config.listen, [{ address: "127.0.0.1", port: 5300 }]);
	assert.deepEqual(config.dot, [{ address: "10.0.0.1", port: 853 }]);
	assert.deepEqual(config.tlsFiles, { certificate: "/a.pem", key: "/a.key" });
	assert.deepEqual(config.health?.place, { address: "127.0.0.1", port: 8053 });
	assert.equal(config.rate, undefined);
	assert.equal(config.fixed.staleMode, "immediate");
	assert.deepEqual(config.fixed.ttl, { minS: 10 });
});

test("what is wrong is told with its line", () => {
	const good = "upstreams: [192.0.2.1]\n";
	assert.deepEqual(faults(`${good}\nlisen: ["127.0.0.1:53"]`), [
		"dns.yaml line 3: lisen: not a key that is known",
	]);
	assert.match(
		faults(`${good}rate:\n  perSecond: many`)[0] ?? "",
		/^dns\.yaml line 3: rate\.perSecond: .*number/,
	);
	assert.match(faults(`${good}listen: 53`)[0] ?? "", /^dns\.yaml line 2: listen: .*array/);
	assert.match(
		faults(`${good}listen: ["localhost:53"]`)[0] ?? "",
		/^dns\.yaml line 2: listen: not an address and port/,
	);
	assert.match(
		faults(`${good}allow: ["10.0.0.1/8"]`)[0] ?? "",
		/line 2: allow: .*bits are set behind the prefix/,
	);
	assert.match(faults(`${good}upstreams: []`)[0] ?? "", /^dns\.yaml line 2: .*unique/);
	assert.match(faults("a: [")[0] ?? "", /^dns\.yaml line 1: /);
	assert.match(faults("- 1")[0] ?? "", /line 1: keys and values are expected/);
	assert.match(faults(`${good}stale: never`)[0] ?? "", /line 2: stale: .*after.*immediate/);
	assert.match(faults("stale: after")[0] ?? "", /upstreams: at least one server/);
	assert.match(faults(`upstreams:\n  - tls://192.0.2.1`)[0] ?? "", /line 2: upstreams: .*DoT needs the name/);
	const bomb = [
		"a: &a [x,x,x,x,x,x,x,x]",
		...["b", "c", "d", "e", "f"].map((key, at) => `${key}: &${key} [${`*${"abcde"[at]},`.repeat(8)}]`),
	];
	assert.match(faults(bomb.join("\n"))[0] ?? "", /alias/i);
});

test("what does not go together", () => {
	const upstreams = ["192.0.2.1"];
	const refused = (flags: object) => faults("", { upstreams, ...flags })[0] ?? "";
	for (const place of ["0.0.0.0:53", "[::]:53", "192.0.2.7:53"]) {
		assert.match(refused({ listen: [place] }), /can be reached from other hosts: name the networks/);
		const read = readServeConfig(undefined, { upstreams, listen: [place], allow: ["192.0.2.0/24"] });
		assert.equal(read.kind, "config");
	}
	assert.match(refused({ doh: ["127.0.0.1:8443"] }), /need a certificate and a key/);
	assert.match(refused({ dot: ["127.0.0.1:853"], certificate: "/a.pem" }), /need a certificate and a key/);
	assert.match(
		refused({ listen: ["127.0.0.1:5300"], upstreams: ["udp://127.0.0.1:5300"] }),
		/would ask itself for ever/,
	);
	assert.equal(
		faults("", { upstreams: ["udp://a.b"], listen: ["x"] }).length,
		2,
		"all of it is told at once",
	);
});
