import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { metricsUrl, pidBehind, pprofBase, whyNotRunning } from "./target.ts";

test("a pprof address is taken as people write it", () => {
	const base = "http://127.0.0.1:6060/debug/pprof/";
	for (const text of [
		"6060",
		":6060",
		"127.0.0.1:6060",
		"http://127.0.0.1:6060",
		"http://127.0.0.1:6060/debug/pprof",
		"http://127.0.0.1:6060/debug/pprof/goroutine?debug=2",
	]) {
		assert.equal(pprofBase(text), base, text);
	}
	assert.equal(pprofBase("https://h/internal/debug/pprof"), "https://h/internal/debug/pprof/");
	assert.equal(pprofBase("http://h:1/admin"), "http://h:1/admin/");
	assert.equal(pprofBase("orders.svc:6060"), "http://orders.svc:6060/debug/pprof/");
	assert.equal(pprofBase("[::1]:6060"), "http://[::1]:6060/debug/pprof/");
});

test("a metrics address gets its usual path only where none was given", () => {
	assert.equal(metricsUrl("9090"), "http://127.0.0.1:9090/metrics");
	assert.equal(metricsUrl("h:1/actuator/prometheus"), "http://h:1/actuator/prometheus");
});

test("what is no http address is refused with an example", () => {
	for (const text of ["", "ftp://h/", "http://", "h:99999", "postgres://h/db"]) {
		assert.throws(() => pprofBase(text), { name: "RangeError", message: /such as 127\.0\.0\.1:6060/ }, text);
	}
});

test("the owner of a loopback port is found, and another host's is not looked for", async (t) => {
	const server = createServer();
	await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
	t.after(() => server.close());
	const { port } = server.address() as AddressInfo;
	const { signal } = new AbortController();
	assert.equal(await pidBehind(`http://localhost:${port}/`, signal), process.pid);
	assert.deepEqual(await pidBehind("http://192.0.2.1:6060/", signal), {
		why: "192.0.2.1 is another host; run plumbline there with --pid",
	});
	assert.match(
		JSON.stringify(await pidBehind("http://127.0.0.1:1/", signal)),
		/nothing .* listens on port 1\b/,
	);
});

test("a running process runs, one that never was does not", () => {
	assert.equal(whyNotRunning(process.pid), undefined);
	assert.equal(whyNotRunning(1), undefined);
	assert.equal(whyNotRunning(4_194_304), "no process with id 4194304 runs on this host");
});
