import assert from "node:assert/strict";
import { test } from "node:test";
import { parseResolvConf } from "./resolv-conf.ts";

test("servers, search list and options; later lines replace, comments do not count", () => {
	const text = [
		"# nameserver 192.0.2.1",
		"; search old",
		"domain first.example",
		"search shop.svc.cluster.local svc.cluster.local",
		"nameserver 10.96.0.10",
		"nameserver fe80::1%eth0",
		"options ndots:5 timeout:2 attempts:3 rotate edns0",
	].join("\n");
	assert.deepEqual(parseResolvConf(text), {
		nameservers: ["10.96.0.10", "fe80::1%eth0"],
		search: ["shop.svc.cluster.local", "svc.cluster.local"],
		ndots: 5,
		timeoutS: 2,
		attempts: 3,
	});
	assert.deepEqual(parseResolvConf(""), { nameservers: [], search: [], ndots: 1, timeoutS: 5, attempts: 2 });
	assert.deepEqual(parseResolvConf("options ndots:99 timeout:0 attempts:x\nnameserver").ndots, 15);
});

test("lines end as on any system, and no line makes it grow beyond its bounds", () => {
	assert.deepEqual(parseResolvConf("nameserver 192.0.2.1\r\nsearch a.example\r\n").search, ["a.example"]);
	const many = parseResolvConf(
		`${"nameserver 192.0.2.1\n".repeat(1009)}search ${"a.example ".repeat(1009)}${"x".repeat(1009)}`,
	);
	assert.equal(many.nameservers.length, 3);
	assert.equal(many.search.length, 32);
});
