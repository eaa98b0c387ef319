/** A profile, trace or leak profile that was asked for and refused: told why, the rest is kept, and it is no health. */
import assert from "node:assert/strict";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";
import { runPlumbline, STACK_TRACE } from "./testing/run-plumbline.ts";

const PROFILE = "goroutine profile: total 2\n2 @ 0x1\n#\t0x1\tmain.main+0x1\t/srv/main.go:7\n\n";
const DUMP = "goroutine 1 [select]:\nmain.main()\n\t/srv/main.go:7 +0x1\n";
/** What net/http/pprof says while another profile is taken. */
const BUSY = "Could not enable CPU profiling: cpu profiling already in use\n";

const goroutinesOnly: RequestListener = ({ url }, response) => {
	if (url?.startsWith("/debug/pprof/goroutine?"))
		return void response.end(url.endsWith("debug=2") ? DUMP : PROFILE);
	response.writeHead(404).end("404 page not found\n");
};

async function serve(t: TestContext, answer: RequestListener): Promise<string> {
	const server = createServer(answer);
	await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
	t.after(() => {
		server.closeAllConnections();
		server.close();
	});
	return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function refusedRun(address: string, ...flags: readonly string[]): Promise<string> {
	const run = await runPlumbline(["diagnose", "--pprof", address, "--window", "1s", ...flags]);
	const said = run.stdout.replace(/\s+/g, " ");
	assert.equal(run.code, 3, said);
	assert.match(said, /runtime (read|partly): 2 full dumps/);
	assert.doesNotMatch(run.stderr, STACK_TRACE);
	return said;
}

test("a service that serves goroutines only", async (t) => {
	const address = await serve(t, goroutinesOnly);
	assert.match(await refusedRun(address, "--profile-seconds", "1"), /cpu profile \(\S+ answered 404/);
	assert.match(await refusedRun(address, "--trace-seconds", "1"), /execution trace \(\S+ answered 404/);
	assert.match(
		await refusedRun(address, "--leak-profile"),
		/answered 404: services built with Go 1\.27 have it/,
	);
});

test("another profile is being taken, or the connection breaks amid it", async (t) => {
	const busy = await serve(t, (request, response) => {
		if (request.url?.startsWith("/debug/pprof/profile")) response.writeHead(500).end(BUSY);
		else goroutinesOnly(request, response);
	});
	assert.match(
		await refusedRun(busy, "--profile-seconds", "1"),
		/cpu profile .*cpu profiling already in use/,
	);
	const breaking = await serve(t, (request, response) => {
		if (request.url?.startsWith("/debug/pprof/profile")) request.socket.destroy();
		else goroutinesOnly(request, response);
	});
	assert.match(await refusedRun(breaking, "--profile-seconds", "1"), /cpu profile .*closed before an answer/);
});
