import assert from "node:assert/strict";
import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { openHostsFile, parseHosts } from "./hosts-file.ts";

const folder = mkdtempSync(join(tmpdir(), "plumbline-hosts-"));
after(() => rmSync(folder, { recursive: true, force: true }));

test("lines, aliases, comments, several addresses of a name", () => {
	const known = parseHosts(
		[
			"# static",
			"127.0.0.1\tlocalhost",
			"10.1.2.3   Orders.Internal. orders # the old one",
			"10.1.2.4 orders",
			"10.1.2.4 orders",
			"::1 localhost ip6-localhost",
			"fe80::1%lo0 link",
			"not-an-address name",
			"10.9.9.9",
			"",
		].join("\n"),
	);
	assert.deepEqual(Object.fromEntries(known), {
		localhost: ["127.0.0.1", "::1"],
		"orders.internal": ["10.1.2.3"],
		orders: ["10.1.2.3", "10.1.2.4"],
		"ip6-localhost": ["::1"],
	});
});

test("a file that changes, by a write or by a rename, is read again after a second", () => {
	const path = join(folder, "hosts");
	const hosts = openHostsFile(path);
	assert.deepEqual(hosts.addressesOf("a", 0), []);
	writeFileSync(path, "10.0.0.1 a\n");
	assert.deepEqual(hosts.addressesOf("a", 999), []);
	assert.deepEqual(hosts.addressesOf("a", 1_000), ["10.0.0.1"]);
	writeFileSync(path, "10.0.0.22 a\n");
	assert.deepEqual(hosts.addressesOf("a", 2_000), ["10.0.0.22"]);
	writeFileSync(`${path}.new`, "10.0.0.33 a\n");
	renameSync(`${path}.new`, path);
	assert.deepEqual(hosts.addressesOf("a", 3_000), ["10.0.0.33"]);
	rmSync(path);
	assert.deepEqual(hosts.addressesOf("a", 4_000), []);
});

test("a folder in its place knows no names", () => {
	assert.deepEqual(openHostsFile(folder).addressesOf("localhost", 0), []);
});
