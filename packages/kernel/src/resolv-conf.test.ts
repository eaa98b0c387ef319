import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import {
	existsSync,
	mkdirSync,
	mkdtempSync,
	readFileSync,
	rmSync,
	symlinkSync,
	writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { parseResolvConf } from "@plumbline/signals/resolv-conf";
import { readResolver } from "./resolv-conf.ts";
import { readTargetFile } from "./target-file.ts";
import { readUdpCounters } from "./udp-counters.ts";

test("the file that this process has is the one that is read", {
	skip: !existsSync("/etc/resolv.conf") && "not possible here: no /etc/resolv.conf",
}, () => {
	const reading = readResolver(process.pid);
	assert.ok(reading.kind === "read", reading.kind === "refused" ? reading.why : "");
	assert.deepEqual(reading.value, parseResolvConf(readFileSync("/etc/resolv.conf", "utf8")));
});

/** A procfs with one process, whose root is a folder here. */
function fakeRoot(t: TestContext): { proc: string; root: string } {
	const proc = mkdtempSync(join(tmpdir(), "plumbline-root-"));
	t.after(() => rmSync(proc, { recursive: true }));
	const root = join(proc, "7", "root");
	mkdirSync(join(root, "etc"), { recursive: true });
	mkdirSync(join(root, "run", "resolve"), { recursive: true });
	return { proc, root };
}

test("absolute links lead from the root of the process, not from ours", (t) => {
	const { proc, root } = fakeRoot(t);
	writeFileSync(join(root, "run", "resolve", "stub.conf"), "nameserver 127.0.0.53\n");
	symlinkSync("/run/resolve", join(root, "etc", "resolve"));
	symlinkSync("resolve/../resolve/stub.conf", join(root, "etc", "resolv.conf"));
	const reading = readResolver(7, proc);
	assert.deepEqual(reading.kind === "read" && reading.value.nameservers, ["127.0.0.53"]);
});

test("a link that leads out of the root, in a ring, or to no regular file is refused", (t) => {
	const { proc, root } = fakeRoot(t);
	symlinkSync("../../../../../../../../../../etc/passwd", join(root, "etc", "out"));
	symlinkSync("ring", join(root, "etc", "ring"));
	execFileSync("mkfifo", [join(root, "etc", "fifo")]);
	const why = (path: string) => {
		const reading = readTargetFile(7, path, proc);
		return reading.kind === "refused" ? reading.why : `read ${reading.value}`;
	};
	assert.match(why("/etc/out"), /does not exist$/);
	assert.match(why("/etc/ring"), /is a link to itself$/);
	assert.match(why("/etc/fifo"), /is no regular file$/);
	assert.match(why("/etc"), /is no regular file$/);
	assert.match(why("/etc/nothing"), /does not exist$/);
});

test("datagrams sent here are counted", async (t) => {
	const counters = () => {
		const reading = readUdpCounters(process.pid);
		assert.ok(reading.kind === "read", reading.kind === "refused" ? reading.why : "");
		return reading.value;
	};
	const before = counters();
	const receiver = createSocket("udp4").bind(0, "127.0.0.1");
	const sender = createSocket("udp4");
	t.after(() => {
		receiver.close();
		sender.close();
	});
	await once(receiver, "listening");
	const [message] = await Promise.all([
		once(receiver, "message"),
		...Array.from({ length: 13 }, () => sender.send("x", receiver.address().port, "127.0.0.1")),
	]);
	assert.equal(String(message[0]), "x");
	const after = counters();
	assert.ok(after.outDatagrams - before.outDatagrams >= 1);
	assert.ok(after.inDatagrams - before.inDatagrams >= 1);
	assert.equal(readUdpCounters(2 ** 22 + 1).kind, "refused");
});
