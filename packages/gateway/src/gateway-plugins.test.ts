/** Plugins in a whole gateway: asked for each request of their route, heard, and swapped while it runs. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { settingsChanges } from "./reload-difference.ts";
import { buildPlugin, pluginSource } from "./testing/build-plugin.ts";
import { settingsOf, webServer, wholeGateway } from "./testing/whole-gateway.ts";

test("a plugin changes and answers requests, cannot hold the gateway, and is another after a reload", async (t) => {
	const folder = mkdtempSync(join(tmpdir(), "gateway-plugins-"));
	t.after(() => rmSync(folder, { recursive: true, force: true }));
	const file = async (name: string, onRequest: string) => {
		const path = join(folder, name);
		writeFileSync(path, await buildPlugin(pluginSource(onRequest)));
		return path;
	};
	const sets = await file("sets.wasm", 'return say("continue\\nset x-plan: gold\\npath /planned");');
	const loops = await file("loops.wasm", "while (true) {} return 0;");
	const refuses = await file("refuses.wasm", 'return say("answer 403\\n\\nNot for you.");');
	const server = await webServer(t, ({ url, headers }, response) =>
		response.end(`${url} ${headers["x-plan"] ?? "-"}`),
	);
	const text = (module: string) =>
		`routes:\n  - { path: /loops, to: "${server.url}", plugins: [{ module: ${loops}, cpu: 5ms }] }\n` +
		`  - { path: /plain, to: "${server.url}" }\n` +
		`  - { path: /, to: "${server.url}", plugins: [{ module: ${module} }] }\n`;
	const gateway = await wholeGateway(t, text(sets));
	const ask = async (path: string) => {
		const answer = await fetch(`${gateway.url}${path}`, { headers: { "x-plan": "mine" } });
		return `${answer.status} ${await answer.text()}`;
	};
	assert.equal(await ask("/a"), "200 /planned gold");
	assert.equal(await ask("/plain"), "200 /plain mine");
	assert.match(await ask("/loops"), /^503 /);
	assert.equal(await ask("/plain"), "200 /plain mine");
	const next = settingsOf(`listen: 127.0.0.1:0\n${text(refuses)}`);
	await gateway.running.apply(next, new Map(), settingsChanges(gateway.settings, next));
	assert.match(await ask("/a"), /^403 Not for you\./);
	assert.equal(await ask("/plain"), "200 /plain mine");
});
