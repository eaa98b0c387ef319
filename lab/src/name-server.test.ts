import assert from "node:assert/strict";
import { Resolver } from "node:dns/promises";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { NoNameServerError, startNameServer } from "./name-server.ts";

const root = process.getuid?.() === 0;
const needsRoot = !root && "not possible here: a name server of the lab's own takes root";
const naming = { search: ["svc.lab", "lab"], ndots: 5 };

for (const delayMs of [0, 20]) {
	test(`it knows one name and denies what the search list makes of it (delay ${delayMs} ms)`, {
		skip: needsRoot,
	}, async (t) => {
		const server = await startNameServer({ ...naming, delayMs });
		t.after(() => server.stop());
		const conf = readFileSync(server.resolvConf, "utf8");
		assert.match(conf, /^search svc\.lab lab\nnameserver 127\.53\.\d+\.\d+\noptions ndots:5\n$/);
		const resolver = new Resolver({ timeout: 5_000, tries: 1 });
		resolver.setServers([/nameserver (\S+)/.exec(conf)?.[1] ?? ""]);
		assert.deepEqual(await resolver.resolve4("carrier"), ["127.0.0.1"]);
		await assert.rejects(resolver.resolve4("carrier.svc.lab"), { code: "ENOTFOUND" });
		await server.stop();
		assert.equal(existsSync(server.resolvConf), false);
	});
}

test("before it stands a liar; beside it a second server and trusted ones, which know the truth", {
	skip: needsRoot,
}, async (t) => {
	const lie = {
		told: { kind: "endless-cname", zone: "tracker.example." },
		about: ["www.shop.example."],
	} as const;
	const truth = { "www.shop.example": "127.70.1.10", "cdn.shop.example": "www.shop.example" };
	const compare = { names: ["www.shop.example"], verdicts: ["hijacked" as const], trusted: [truth, {}] };
	const server = await startNameServer({ ...naming, knows: truth, second: true, lie, compare });
	t.after(() => server.stop());
	const [first = "", second = ""] = readFileSync(server.resolvConf, "utf8").match(/127\.53\.\d+\.\d+/g) ?? [];
	const at = (address: string) => {
		const resolver = new Resolver({ timeout: 5_000, tries: 1 });
		resolver.setServers([address]);
		return resolver;
	};
	assert.equal(server.address, first);
	const [forged = ""] = await at(first).resolveCname("www.shop.example");
	assert.match(forged, /^n\d+\.tracker\.example$/);
	assert.notDeepEqual(await at(first).resolveCname(forged), [forged]);
	assert.deepEqual(await at(first).resolve4("carrier"), ["127.0.0.1"]);
	assert.deepEqual(await at(second).resolve4("cdn.shop.example"), ["127.70.1.10"]);
	const [knowing = "", ignorant = ""] = server.trusted.map((url) => url.replace("udp://", ""));
	assert.deepEqual(await at(knowing).resolve4("www.shop.example"), ["127.70.1.10"]);
	await assert.rejects(at(ignorant).resolve4("www.shop.example"), { code: "ENOTFOUND" });
});

test("an ordinary user is told what it takes", { skip: root && "not possible here: root may" }, async () => {
	await assert.rejects(startNameServer(naming), NoNameServerError);
});
