import assert from "node:assert/strict";
import { test } from "node:test";
import { systemClock } from "./clock.ts";
import { collectDnsCheck } from "./dns-check.ts";
import { Recorder } from "./recorder.ts";

const source = "resolv.conf of process 4711";

test("what was asked is a part, with whose servers it is of", async () => {
	const recorder = new Recorder(systemClock);
	const bytes = new TextEncoder().encode("{}");
	await collectDnsCheck(recorder, { source, take: async () => bytes }, new AbortController().signal);
	const { parts, gaps } = recorder.collected();
	assert.deepEqual(
		parts.map((part) => [part.name, part.format, part.source, part.bytes]),
		[["dns-check.json", "dns-check", source, bytes]],
	);
	assert.deepEqual(gaps, []);
});

test("what could not be asked is a gap with the reason", async () => {
	const recorder = new Recorder(systemClock);
	const take = () => Promise.reject(new Error("/etc/resolv.conf of process 4711 may not be read"));
	await collectDnsCheck(recorder, { source, take }, new AbortController().signal);
	const { parts, gaps } = recorder.collected();
	assert.deepEqual(parts, []);
	assert.deepEqual(gaps, [
		{
			line: "sockets",
			what: "name servers",
			why: "/etc/resolv.conf of process 4711 may not be read",
			weight: "loss",
		},
	]);
});
