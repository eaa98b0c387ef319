import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { authorityOf, dialTarget, poolKey, readTlsTexts } from "./endpoint-target.ts";
import { groupStage, server, upstream } from "./testing/group-stage.ts";

const responses = { headBytesMax: 1, fieldsMax: 1 };
const place = { host: "orders.test", address: "192.0.2.1", port: 443 };
const plainTls = upstream([]).tls;

test("TLS names the server as the configuration does, unless it says otherwise; in the clear there is none", () => {
	const secure = upstream([], { protocol: "https" });
	const named = { ...secure, tls: { ...plainTls, serverName: "api.test", verify: false } };
	const of = (settings: typeof secure) => dialTarget(settings, readTlsTexts(settings), responses, place).tls;
	assert.equal(of(secure)?.serverName, "orders.test");
	assert.deepEqual([of(named)?.serverName, of(named)?.verify], ["api.test", false]);
	assert.equal(of({ ...named, protocol: "http" }), undefined);
	const keys = [secure, named, upstream([], { protocol: "h2" }), upstream([])].map((settings) =>
		poolKey(dialTarget(settings, readTlsTexts(settings), responses, place)),
	);
	assert.equal(new Set(keys).size, keys.length);
});

test("a certificate file that was replaced gives new connections at a reload; one that is gone changes nothing", (t) => {
	const folder = mkdtempSync(join(tmpdir(), "target-"));
	t.after(() => rmSync(folder, { recursive: true }));
	const authority = join(folder, "authority.pem");
	writeFileSync(authority, "one");
	const settings = upstream([server("192.0.2.1")], { protocol: "https", tls: { ...plainTls, authority } });
	const { group, endpoint } = groupStage(settings);
	const before = endpoint("192.0.2.1:80");
	group.update(settings);
	assert.equal(endpoint("192.0.2.1:80"), before);
	writeFileSync(authority, "two");
	group.update(settings);
	const after = endpoint("192.0.2.1:80");
	assert.notEqual(after, before);
	rmSync(authority);
	assert.throws(() => group.update({ ...settings, servers: [] }), /ENOENT/);
	assert.equal(endpoint("192.0.2.1:80"), after);
});

test("authority: the port only where it is not the usual one", () => {
	const of = (host: string, port: number, protocol: "http" | "h2") =>
		authorityOf(server(host, { port }), protocol);
	assert.deepEqual(
		[
			of("a.test", 80, "http"),
			of("a.test", 443, "http"),
			of("a.test", 443, "h2"),
			of("::1", 80, "http"),
			of("::1", 81, "http"),
		],
		["a.test", "a.test:443", "a.test", "[::1]", "[::1]:81"],
	);
});
