import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { ListResponseHead } from "./message.ts";
import type { GatewayEvent } from "./observer.ts";
import { openPlugins } from "./plugin-route.ts";
import type { PluginSettings } from "./settings.ts";
import { buildPlugin, pluginSource } from "./testing/build-plugin.ts";
import { testHead } from "./testing/test-requests.ts";

const DOCS = new URL("../../../docs/gateway-plugins.md", import.meta.url);
const folder = mkdtempSync(join(tmpdir(), "plumbline-plugins-"));
after(() => rmSync(folder, { recursive: true }));
let files = 0;

function settingsFor(module: Uint8Array, more: Partial<PluginSettings> = {}): PluginSettings {
	const path = join(folder, `${files++}.wasm`);
	writeFileSync(path, module);
	return {
		name: "plans",
		module: path,
		config: "",
		memoryBytesMax: 16 * 65_536,
		cpuMsMax: 10,
		onFailure: "refuse",
		...more,
	};
}

async function opened(...settings: PluginSettings[]) {
	const events: GatewayEvent[] = [];
	const lines: string[] = [];
	const { plugins, faults } = await openPlugins(settings, {
		observe: (event) => events.push(event),
		log: (plugin, line) => lines.push(`${plugin}: ${line}`),
	});
	const faultsSeen = () => events.map((event) => event.kind === "plugin" && event.fault);
	return { plugins, faults, lines, faultsSeen };
}

async function running(onRequest: string, more?: string, settings?: Partial<PluginSettings>) {
	return opened(settingsFor(await buildPlugin(pluginSource(onRequest, more)), settings));
}

test("the example of the docs does what it says", async () => {
	const source = /```ts\n(\/\/ plans[\s\S]*?)```/.exec(readFileSync(DOCS, "utf8"))?.[1] ?? "";
	const { plugins, faults } = await opened(settingsFor(await buildPlugin(source), { config: "gold" }));
	assert.deepEqual(faults, []);
	for (let asked = 0; asked < 1000; asked++) {
		assert.deepEqual(plugins.onRequest(testHead("GET", "/orders", ["x-debug", "1"]), "192.0.2.7"), {
			kind: "continue",
			edits: { remove: ["x-debug"], set: ["x-plan", "gold"], path: undefined, status: undefined },
		});
	}
	const answer = plugins.onRequest(testHead("GET", "/internal/keys"), "192.0.2.7");
	assert.ok(answer.kind === "answer");
	assert.equal(answer.status, 403);
	assert.deepEqual(answer.fields, ["content-type", "text/plain"]);
	assert.equal(Buffer.from(answer.body).toString(), "Not for you.\n");
	const gone = plugins.onResponse(new ListResponseHead(404, [], 0));
	assert.equal(gone.kind === "continue" && gone.edits?.status, 410);
	assert.deepEqual(plugins.onResponse(new ListResponseHead(200, [], 0)), {
		kind: "continue",
		edits: undefined,
	});
	assert.deepEqual(plugins.counts, [
		{ plugin: "plans", calls: 1003, faults: 0, stopped: 0, logLinesDropped: 0 },
	]);
});

test("it sees the request as text, and what it logs is bounded and of one line", async () => {
	const { plugins, lines } = await running(
		"for (let i = 0; i < 10; i++) log(ptr, length); return 0;",
		'@external("plumbline", "log") declare function log(ptr: usize, length: i32): void;',
	);
	plugins.onRequest(testHead("POST", "/a?b", ["x-one", "1", "x-two", "ü"]), "192.0.2.7");
	assert.equal(lines.length, 8);
	assert.equal(lines[0], "plans: POST /a?b�http service.test 192.0.2.7�x-one: 1�x-two: ü");
	assert.equal(plugins.counts[0]?.logLinesDropped, 2);
});

const FAULTS = [
	{ name: "an endless loop", source: "while (true) {} return 0;", fault: /^it took too long$/, stopped: 1 },
	{
		name: "a loop that calls",
		source: "let n: u64 = 0; do { n += spin(n); } while (n != 1); return n;",
		more: "function spin(n: u64): u64 { return n % 7 + 2; }",
		fault: /^it took too long$/,
		stopped: 1,
	},
	{
		name: "a memory that is filled again and again",
		source: "memory.grow(10); for (;;) memory.fill(65536, 1, 500000); return 0;",
		fault: /^it took too long$/,
		stopped: 1,
	},
	{
		name: "recursion without end",
		source: "return deep(1);",
		more: "function deep(n: u64): u64 { return n == 0 ? 0 : deep(n + 1) + 1; }",
		fault: /^it took too long$|RangeError/,
		stopped: undefined,
	},
	{
		name: "a memory bomb",
		source: "const held = new Array<ArrayBuffer>(); for (;;) held.push(new ArrayBuffer(65536)); return 0;",
		fault: /RuntimeError/,
		stopped: 0,
	},
	{ name: "a trap", source: "unreachable(); return 0;", fault: /RuntimeError: unreachable/, stopped: 0 },
	{
		name: "a verdict outside of its memory",
		source: "return 0xfffffff000000010;",
		fault: /not in its memory/,
		stopped: 0,
	},
	{
		name: "a verdict without end",
		source: "return 0x7fffffff;",
		fault: /more than 262144 bytes/,
		stopped: 0,
	},
	{
		name: "a field of the framing",
		source: 'return say("continue\\nset content-length: 5");',
		fault: /content-length is not a plugin's/,
		stopped: 0,
	},
	{
		name: "a field that would make two",
		source: 'return say("continue\\nset x: a\\rset-cookie: b");',
		fault: /no verdict/,
		stopped: 0,
	},
] as const;

for (const { name, source, fault, stopped, ...more } of FAULTS) {
	test(`${name} is a fault: the request is refused or goes on, as the route says`, async () => {
		const module = await buildPlugin(pluginSource(source, "more" in more ? more.more : ""));
		const { plugins, faultsSeen } = await opened(settingsFor(module));
		for (let asked = 0; asked < 3; asked++) {
			assert.deepEqual(plugins.onRequest(testHead(), "192.0.2.7"), { kind: "failed", plugin: "plans" });
		}
		for (const seen of faultsSeen()) assert.match(String(seen), fault);
		if (stopped !== undefined) assert.equal(plugins.counts[0]?.stopped, 3 * stopped);
		const passing = await opened(settingsFor(module, { onFailure: "pass" }));
		assert.deepEqual(passing.plugins.onRequest(testHead(), ""), { kind: "continue", edits: undefined });
	});
}

test("after a fault it begins anew, and what it kept is gone", async () => {
	const { plugins } = await running(
		'if (++calls == 2) unreachable(); return say("continue\\nset x-calls: " + calls.toString());',
		"let calls = 0;",
	);
	const told = () => {
		const verdict = plugins.onRequest(testHead(), "");
		return verdict.kind === "continue" ? verdict.edits?.set[1] : verdict.kind;
	};
	assert.deepEqual([told(), told(), told(), told()], ["1", "failed", "1", "failed"]);
});

test("of several the later word on a field stands, and an answer ends it", async () => {
	const build = async (verdict: string) =>
		settingsFor(await buildPlugin(pluginSource(`return say("${verdict}");`)));
	const one = await build("continue\\nset a: 1\\nset b: 1\\npath /one");
	const two = await build("continue\\nset b: 2\\nremove c");
	const three = await build("answer 204");
	const { plugins } = await opened(one, two);
	const verdict = plugins.onRequest(testHead(), "");
	assert.deepEqual(verdict.kind === "continue" && verdict.edits, {
		remove: ["c"],
		set: ["a", "1", "b", "2"],
		path: "/one",
		status: undefined,
	});
	const ended = (await opened(three, one)).plugins;
	assert.equal(ended.onRequest(testHead(), "").kind, "answer");
	assert.equal(ended.counts[1]?.calls, 0);
});

test("one that cannot be loaded is told, and holds as its route says", async () => {
	const missing = { ...settingsFor(new Uint8Array(0)), module: join(folder, "missing.wasm") };
	const { plugins, faults } = await opened(missing, settingsFor(Buffer.from("no module"), { name: "text" }));
	assert.equal(faults.length, 2);
	assert.match(faults[0] ?? "", /^plugin plans: ENOENT/);
	assert.match(faults[1] ?? "", /^plugin text: this is no valid WebAssembly module$/);
	assert.equal(plugins.onRequest(testHead(), "").kind, "failed");
});
