/** docs/gateway.md: its configurations can be served, its numbers are the defaults, its processes end in time. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { makeScratchFolder, removeScratchFolder } from "@plumbline/lab/tied-process";
import { parse } from "yaml";
import { readGatewayConfig } from "./config.ts";
import { durationText } from "./config-units.ts";
import type { GatewaySettings } from "./settings.ts";
import { settingsOf } from "./testing/whole-gateway.ts";

const RUN_MS_MAX = 30_000;
const house = join(import.meta.dirname, "../../..");
const page = readFileSync(join(house, "docs/gateway.md"), "utf8");
const fences = [...page.matchAll(/^```(\w+)\n(.*?)^```/gms)].map(([, kind = "", text = ""]) => ({
	kind,
	text,
}));
const yaml = fences.filter(({ kind }) => kind === "yaml").map(({ text }) => text);
const samples = yaml.filter((text) => text.startsWith("listen:"));
const defaults = settingsOf(
	"routes: [{ to: u }]\nupstreams: { u: { servers: 'a:1' } }\ntcp: [{ at: ':2', to: u }]",
);

test("the page has its samples", () => assert.deepEqual([samples.length, yaml.length], [4, 5]));

for (const [index, text] of samples.entries()) {
	test(`sample ${index + 1} can be served, and check says so without a warning`, async (t) => {
		const read = readGatewayConfig({ name: "sample", text }, { environment: {}, wallMs: 0 });
		assert.equal(read.kind, "config", JSON.stringify(read));
		const folder = makeScratchFolder();
		t.after(() => removeScratchFolder(folder));
		const file = join(folder, "gateway.yaml");
		writeFileSync(file, text);
		const program = join(house, "packages/cli/bin/plumbline");
		const { stdout, stderr } = await promisify(execFile)(program, ["gateway", "check", "-c", file], {
			timeout: RUN_MS_MAX,
		});
		assert.match(stdout, /^LISTENERS\n/);
		assert.equal(stderr, "");
	});
}

test("the time limits of the table are the defaults", () => {
	const { timeouts: client, routes, upstreams, tcp, drainMs } = defaults;
	const [{ timeouts }] = routes as [GatewaySettings["routes"][number]];
	const [{ pool }] = upstreams as [GatewaySettings["upstreams"][number]];
	const told = {
		"timeouts.head": durationText(client.headMs),
		"timeouts.idle": durationText(client.idleMs),
		"timeouts.bodyRate": `${client.bodyBytesPerSecondMin}B/s after ${durationText(client.bodyRateAfterMs)}`,
		"timeouts.write": durationText(client.writeMs),
		"upstreams.NAME.pool.queueTime": durationText(pool.queueMs),
		"upstreams.NAME.pool.connect": durationText(pool.connectMs),
		"routes[].timeouts.head": durationText(timeouts.headMs),
		"routes[].timeouts.idle": durationText(timeouts.idleMs),
		"routes[].timeouts.total": durationText(timeouts.totalMs),
		"tcp[].idle": durationText(tcp[0]?.idleMs ?? 0),
		drain: durationText(drainMs),
	};
	for (const [key, value] of Object.entries(told)) {
		const row = page.split("\n").find((line) => line.startsWith(`| \`${key}\` |`));
		assert.equal(row?.split("|")[2]?.trim(), value, key);
	}
});

test("the numbers of a pool are the defaults", () => {
	const { pool } = parse(readDefaults()) as { pool: Record<string, unknown> };
	const rows = [...page.matchAll(/^\| ((?:`\w+: [^`]+`(?:, )?)+) \|/gm)].map(([, cell = ""]) => cell);
	const numbers = rows.flatMap((cell) => [...cell.matchAll(/`(\w+): ([^`]+)`/g)]);
	assert.equal(numbers.length, 10);
	for (const [, key = "", value] of numbers) assert.equal(String(pool[key]), value, key);
});

/** Of docs/gateway-config.md, whose table is made of the shape. */
function readDefaults(): string {
	const table = readFileSync(join(house, "docs/gateway-config.md"), "utf8");
	const rows = [...table.matchAll(/^\| `upstreams\.NAME\.pool\.(\w+)` \| `([^`]+)`/gm)];
	return ["pool:", ...rows.map(([, key, value]) => `  ${key}: ${value}`)].join("\n");
}

test("what stops a gateway from outside waits for longer than its drain", () => {
	const drainS = defaults.drainMs / 1000;
	const [, stopS] = /^TimeoutStopSec=(\d+)$/m.exec(page) ?? [];
	assert.ok(Number(stopS) > drainS);
	const pod = parse(yaml.find((text) => text.includes("preStop")) ?? "");
	const sleepS = pod.containers[0].lifecycle.preStop.sleep.seconds;
	assert.ok(pod.terminationGracePeriodSeconds > sleepS + drainS);
});
