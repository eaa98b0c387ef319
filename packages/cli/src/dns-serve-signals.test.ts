/** Signals that come while the server is still starting: a supervisor may reload what it has only just started. */
import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { type TestContext, test } from "node:test";
import type { CliContext } from "./context.ts";
import { dnsServe } from "./dns-serve.ts";
import { progressOn } from "./progress.ts";

function contextHere(t: TestContext) {
	const stop = new AbortController();
	t.after(() => stop.abort());
	const stderr = new PassThrough();
	const said: string[] = [];
	stderr.on("data", (chunk) => said.push(String(chunk)));
	const context: CliContext = {
		process: { stdout: new PassThrough(), stderr, env: {} },
		signal: stop.signal,
		endsAtOnce: (work) => work(),
		progress: progressOn(stderr, "dumb"),
		page: { columns: 80, color: false },
	};
	return { context, stderr, words: () => said.join("") };
}

const flags = { listen: ["127.0.0.1:0"], upstream: ["192.0.2.1"] };

test("SIGHUP before it listens is a reload after the start, not the end", async (t) => {
	const { context, stderr, words } = contextHere(t);
	const serving = dnsServe.call(context, flags);
	assert.equal(process.emit("SIGHUP"), true, "somebody hears it");
	stderr.on("data", (line) => /read again/.test(line) && process.emit("SIGTERM"));
	await serving;
	assert.match(words(), /^plumbline dns: listening[^\n]+\nplumbline dns: configuration read again: /);
});

test("SIGTERM before it listens ends it as soon as it does", async (t) => {
	const { context, words } = contextHere(t);
	const before = process.listenerCount("SIGHUP");
	const serving = dnsServe.call(context, flags);
	assert.equal(process.emit("SIGTERM"), true, "somebody hears it");
	await serving;
	assert.match(words(), /stopping\n$/);
	assert.equal(process.listenerCount("SIGHUP"), before);
});

test("a server that cannot be started gives the signals back", async (t) => {
	const { context } = contextHere(t);
	const before = process.listenerCount("SIGHUP");
	await assert.rejects(
		dnsServe.call(context, { ...flags, listen: ["192.0.2.1:0"], allow: ["192.0.2.0/24"] }),
		/could not be started/,
	);
	assert.equal(process.listenerCount("SIGHUP"), before);
});
