import assert from "node:assert/strict";
import { test } from "node:test";
import { readGatewayConfig } from "./config.ts";
import { changesInWords, isUnchanged, settingsChanges } from "./reload-difference.ts";

function settings(...lines: string[]) {
	const text = ["listen: 127.0.0.1:0", "workers: 2", ...lines].join("\n");
	const read = readGatewayConfig({ name: "x", text }, { environment: {}, wallMs: 0 });
	assert.ok(read.kind === "config", JSON.stringify(read));
	return read.settings;
}

const A = '  - { path: /a, to: "http://a" }';
const B = '  - { path: /b, to: "http://b", timeouts: { head: 60s } }';

test("the same in another order and another writing is the same", () => {
	const changes = settingsChanges(
		settings("routes:", A, B),
		settings("routes:", B.replace("60s", "1m"), A, "drain: 30s"),
	);
	assert.deepEqual(changes.routes.same.toSorted(), ["/a", "/b"]);
	assert.deepEqual([changes.routes.changed, changes.rest], [[], []]);
	const again = settingsChanges(settings("routes:", A, B), settings("routes:", A, B));
	assert.ok(isUnchanged(again));
});

test("what came, went and changed is told by name", () => {
	const changes = settingsChanges(
		settings("routes:", A, B),
		settings("routes:", A.replace("http://a", "http://c"), '  - { path: /d, to: "http://b" }', "drain: 5s"),
	);
	assert.deepEqual(changesInWords(changes), [
		"route /d added",
		"route /b removed",
		"route /a changed",
		"upstream http://c:80 added",
		"upstream http://a:80 removed",
		"drainMs changed",
		"order of routes",
	]);
});

test("a file that was replaced changes whoever names it", () => {
	const both = settings("upstreams: { u: { servers: a:1 } }", "routes: []");
	const named = {
		...both,
		listeners: both.listeners.map((each) => ({
			...each,
			tls: { pairs: [{ certificate: "/c", key: "/k" }], clientAuthority: undefined },
		})),
	};
	const files = (digest: string) =>
		new Map([
			["/c", digest],
			["/k", "same"],
		]);
	const changes = settingsChanges(named, named, files("1"), files("2"));
	assert.deepEqual(changes.listeners.changed, ["127.0.0.1:0"]);
	assert.deepEqual(changes.upstreams.changed, []);
	assert.ok(isUnchanged(settingsChanges(named, named, files("1"), files("1"))));
});
