import assert from "node:assert/strict";
import { test } from "node:test";
import { Forwarding } from "./forwarded.ts";
import { eachPair, type FieldPairs, firstValue, type RequestHead } from "./message.ts";
import type { ClientFacts } from "./stream.ts";

function headOf(fields: FieldPairs): RequestHead {
	return {
		version: "1.1",
		method: "GET",
		scheme: "http",
		authority: "shop.example",
		path: "/",
		upgrade: undefined,
		expectsContinue: false,
		acceptsTrailers: false,
		bodyLength: 0,
		value: (name) => firstValue(fields, name),
		each: (visit) => eachPair(fields, visit),
	};
}

function clientOf(address: string): ClientFacts {
	return { address, port: 5000, listener: "main", tls: undefined, requests: 1 };
}

function through(trusted: readonly string[], from: string, fields: FieldPairs) {
	const forwarding = new Forwarding(trusted);
	const head = headOf(fields);
	const client = clientOf(from);
	const read = forwarding.read(head, client);
	const written: string[] = [];
	forwarding.write(written, head, client, read);
	return { client: read.clientAddress, written };
}

const OURS = ["x-forwarded-proto", "http", "x-forwarded-host", "shop.example"];

test("words of a stranger are not believed and not passed on", () => {
	const lie = ["x-forwarded-for", "127.0.0.1"];
	for (const trusted of [[], ["10.0.0.0/8"]]) {
		assert.deepEqual(through(trusted, "203.0.113.7", lie), {
			client: "203.0.113.7",
			written: ["x-forwarded-for", "203.0.113.7", ...OURS],
		});
	}
});

test("behind trusted proxies the client is the last address that is none of them", () => {
	const cases: readonly [chain: string, client: string][] = [
		["203.0.113.7", "203.0.113.7"],
		["127.0.0.1, 203.0.113.7, 10.1.1.1", "203.0.113.7"],
		["[2001:db8::7]:4711", "2001:db8::7"],
		["198.51.100.4:8080, 10.3.3.3", "198.51.100.4"],
		["10.1.1.1, 10.2.2.2", "10.1.1.1"],
		["203.0.113.7, nonsense", "10.0.0.9"],
		["203.0.113.7, nonsense, 10.4.4.4", "10.4.4.4"],
		["", "10.0.0.9"],
	];
	for (const [chain, client] of cases) {
		const came = through(["10.0.0.0/8"], "10.0.0.9", chain === "" ? [] : ["x-forwarded-for", chain]);
		assert.equal(came.client, client, chain);
		assert.deepEqual(came.written, [
			"x-forwarded-for",
			chain === "" ? "10.0.0.9" : `${chain}, 10.0.0.9`,
			...OURS,
		]);
	}
});

test("a chain in several fields is one chain", () => {
	const fields = ["x-forwarded-for", "203.0.113.7", "accept", "*/*", "x-forwarded-for", "10.1.1.1"];
	assert.deepEqual(through(["10.0.0.0/8"], "10.0.0.9", fields), {
		client: "203.0.113.7",
		written: ["x-forwarded-for", "203.0.113.7, 10.1.1.1, 10.0.0.9", ...OURS],
	});
});

test("what a trusted proxy says of the scheme and the host stands", () => {
	const fields = ["x-forwarded-proto", "https", "x-forwarded-host", "www.example"];
	assert.deepEqual(through(["10.0.0.0/8"], "10.0.0.9", fields).written, ["x-forwarded-for", "10.0.0.9"]);
});

test("what is no network is refused by name", () => {
	assert.throws(() => new Forwarding(["10.0.0.0/99"]), /10\.0\.0\.0\/99/);
});
