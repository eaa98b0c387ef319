import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { GatewayEvent } from "./observer.ts";
import { localPorts, PoolPorts } from "./pool-ports.ts";

test("the range as Linux writes it; its default where there is none", (t) => {
	const folder = mkdtempSync(join(tmpdir(), "ports-"));
	t.after(() => rmSync(folder, { recursive: true }));
	const path = join(folder, "ip_local_port_range");
	const read = (text: string) => {
		writeFileSync(path, text);
		return localPorts(path);
	};
	assert.equal(read("32768\t60999\n"), 28_232);
	assert.equal(read("1024 65535\n"), 64_512);
	for (const text of ["", "60999 32768", "0 5", "1024 70000", "a b", "1 2 3"])
		assert.equal(read(text), 28_232);
	assert.equal(localPorts(join(folder, "none")), 28_232);
});

test("each peer has the whole range; it is told once above 70 %, again after it was quiet", () => {
	const told: GatewayEvent[] = [];
	const ports = new PoolPorts(10, (event) => told.push(event));
	const take = (count: number) => {
		for (let times = 0; times < count; times++) assert.equal(ports.take("a:1"), undefined);
	};
	take(7);
	assert.equal(ports.take("b:1"), undefined);
	assert.deepEqual(told, []);
	take(1);
	assert.deepEqual(told, [{ kind: "ports", peer: "a:1", inUse: 8, range: 10 }]);
	ports.give("a:1");
	take(2);
	assert.equal(told.length, 1, "it was not quiet");
	assert.match(ports.take("a:1") ?? "", /9 of 10 local ports are in use towards a:1/);
	assert.equal(ports.inUse("a:1"), 9);
	for (let times = 0; times < 4; times++) ports.give("a:1");
	take(3);
	assert.equal(told.length, 2);
	for (let times = 0; times < 20; times++) ports.give("a:1");
	assert.deepEqual([ports.inUse("a:1"), ports.inUse("b:1")], [0, 1]);
});
