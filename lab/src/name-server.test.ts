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

test("an ordinary user is told what it takes", { skip: root && "not possible here: root may" }, async () => {
	await assert.rejects(startNameServer(naming), NoNameServerError);
});
