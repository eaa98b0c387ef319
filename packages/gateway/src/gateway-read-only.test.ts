/** What makes a route read-only by itself: writes that its servers fail, and nothing that the gateway or clients do. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { makeScratchFolder, removeScratchFolder } from "@plumbline/lab/tied-process";
import { buildPlugin, pluginSource } from "./testing/build-plugin.ts";
import { webServer, wholeGateway } from "./testing/whole-gateway.ts";

const ENOUGH = 7;

test("writes that a plugin turns away do not make a route read-only; writes that the server fails do", async (t) => {
	const folder = makeScratchFolder();
	t.after(() => removeScratchFolder(folder));
	const source = pluginSource(`
		const text = String.UTF8.decodeUnsafe(ptr, length);
		return text.includes("x-user") ? say("continue") : say("answer 403");
	`);
	const module = join(folder, "guard.wasm");
	writeFileSync(module, await buildPlugin(source));
	const web = await webServer(t, (_, response) => response.writeHead(500).end());
	const gateway = await wholeGateway(
		t,
		`routes: [{ path: /, to: "${web.url}", readOnly: auto, plugins: [{ module: "${module}" }] }]\n`,
	);
	const ask = async (headers: Record<string, string>) =>
		(await fetch(gateway.url, { method: "POST", headers })).status;
	for (let asked = 0; asked < ENOUGH; asked++) assert.equal(await ask({}), 403);
	assert.equal(gateway.snapshot().routes[0]?.readOnly, false);
	for (let asked = 0; asked < 5; asked++) assert.equal(await ask({ "x-user": "7" }), 500);
	assert.equal(gateway.snapshot().routes[0]?.readOnly, true);
	assert.equal(await ask({ "x-user": "7" }), 503);
});
