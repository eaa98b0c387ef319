import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { test } from "node:test";
import { parseMax, parseOlderThan, parsePeer, parsePort, parseRate } from "./reclaim-flags.ts";
import { runPlumbline, STACK_TRACE } from "./testing/run-plumbline.ts";

test("a peer is one private address, written as the socket table writes it", () => {
	const peers: [string, string][] = [
		["10.0.0.7", "10.0.0.7"],
		["127.0.0.1", "127.0.0.1"],
		["::ffff:192.168.0.1", "192.168.0.1"],
		["FD00:0:0::7", "fd00::7"],
		["0:0:0:0:0:0:0:1", "::1"],
	];
	for (const [text, peer] of peers) assert.equal(parsePeer(text), peer, text);
	const refused: [string, RegExp][] = [
		["", /wants an IP address/],
		["*", /wants an IP address/],
		["db.internal", /wants an IP address/],
		["10.0.0.0/8", /wants an IP address/],
		["10.1", /wants an IP address/],
		["0.0.0.0", /stands for any/],
		["::", /stands for any/],
		["8.8.8.8", /no private address/],
		["::ffff:8.8.8.8", /no private address/],
		["169.254.169.254", /no private address/],
		["fe80::1%eth0", /no private address/],
		["2001:db8::1", /no private address/],
	];
	for (const [text, why] of refused) {
		assert.throws(() => parsePeer(text), { name: "RangeError", message: why }, text);
	}
});

test("port, age, bound and rate are within what is safe", () => {
	assert.equal(parsePort("5432"), 5432);
	for (const text of ["", "0", "65536", "-1", "*", "5432-5440", "0x10"]) {
		assert.throws(() => parsePort(text), RangeError, text);
	}
	assert.deepEqual(
		["5s", "5", "7.5s", "5000ms", "59s"].map(parseOlderThan),
		[5000, 5000, 7500, 5000, 59_000],
	);
	for (const text of ["", "4.9s", "4999ms", "0", "60s", "1m", "-5s"]) {
		assert.throws(() => parseOlderThan(text), RangeError, text);
	}
	assert.deepEqual(["1", "10_000"].map(parseMax), [1, 10_000]);
	for (const text of ["", "0", "_", "100001", "all"]) assert.throws(() => parseMax(text), RangeError, text);
	assert.deepEqual(["1", "500/s", "20000/s"].map(parseRate), [1, 500, 20_000]);
	for (const text of ["", "0/s", "20001", "5/m", "fast"])
		assert.throws(() => parseRate(text), RangeError, text);
});

test("neither peer nor port has a default, and what is unsafe is wrong usage", async () => {
	const cases: [string[], RegExp][] = [
		[["--port", "5432"], /Expected input for flag --peer/],
		[["--peer", "10.0.0.7"], /Expected input for flag --port/],
		[["--peer", "", "--port", "5432"], /wants an IP address/],
		[["--peer", "8.8.8.8", "--port", "443", "--yes"], /no private address/],
		[["--peer", "10.0.0.7", "--port", "0"], /wants the peer's port/],
		[["--peer", "10.0.0.7", "--port", "1", "--older-than", "1s"], /from 5s to 59s/],
		[["--peer", "10.0.0.7", "--port", "1", "--log", ""], /--log wants the name of a file/],
	];
	for (const [args, expected] of cases) {
		const { code, stdout, stderr } = await runPlumbline(["reclaim", "time-wait", ...args]);
		assert.equal(code, 2, args.join(" "));
		assert.equal(stdout, "");
		assert.match(stderr, expected);
		assert.doesNotMatch(stderr, STACK_TRACE);
	}
});

test("a dry run needs no right, prints the cure first and does nothing", async () => {
	const { code, stdout } = await runPlumbline([
		"reclaim",
		"time-wait",
		"--peer",
		"10.255.255.1",
		"--port",
		"1",
	]);
	assert.equal(code, 0);
	assert.match(stdout, /^The cure\n/);
	assert.match(stdout, /tcp_tw_reuse/);
	assert.match(stdout, /Never lower net\.ipv4\.tcp_max_tw_buckets/);
	assert.match(stdout, /would go +0\n[\s\S]*Nothing to do\.\n$/);
});

test("a log that cannot be opened or written is told in one line", async (t) => {
	if (!existsSync("/dev/full")) return t.skip("not possible here: no /dev/full");
	for (const file of ["/dev/full", "/no/such/folder/log"]) {
		const target = ["--peer", "10.255.255.1", "--port", "1", "--log", file];
		const { code, stderr } = await runPlumbline(["reclaim", "time-wait", ...target]);
		assert.equal(code, 3, file);
		assert.match(stderr, /^plumbline: .*(ENOSPC|ENOENT)[^\n]*\n$/);
	}
});
