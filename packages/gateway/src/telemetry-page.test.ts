/** docs/gateway-telemetry.md and docs/gateway-admin.md against the code: nothing is missing, nothing is made up. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { LineBytes } from "./access-log-bytes.ts";
import { AccessLines } from "./access-log-lines.ts";
import { METRIC_FAMILIES, type MetricFamily } from "./metrics-families.ts";
import { SpanMaker } from "./telemetry-exchange-spans.ts";
import { exchangeRecord, requestHead } from "./testing/exchange-records.ts";

const docs = join(import.meta.dirname, "../../../docs");
const page = readFileSync(join(docs, "gateway-telemetry.md"), "utf8");
const read = (name: string) => readFileSync(join(import.meta.dirname, name), "utf8");

/** Words in code marks of the first column of the table below a heading. */
function firstColumn(heading: string): string[] {
	const section = page.split(/^## /m).find((text) => text.startsWith(heading)) ?? "";
	const rows = section.split("\n").filter((line) => line.startsWith("| `"));
	return rows.flatMap((row) =>
		[...(row.split("|")[1] ?? "").matchAll(/`([^`]+)`/g)].map(([, word = ""]) => word),
	);
}

const everything = exchangeRecord({
	head: { ...requestHead(), upgrade: "websocket" },
	...{ refused: "shed", failure: { kind: "timeout", timeout: "head", detail: "" }, failedSide: "upstream" },
	...{ grpcStatus: 0, dialled: { beganMs: 1000, connectedMs: 1000, securedMs: 1000 } },
});

test("every metric has its row, word for word", () => {
	const families: Readonly<Record<string, MetricFamily>> = METRIC_FAMILIES;
	for (const [name, { type, labels, help, merge }] of Object.entries(families)) {
		const cells = [
			`\`${name}\``,
			merge === "max" ? `${type}, max` : type,
			labels.map((label) => `\`${label}\``).join(" "),
			help,
		];
		assert.ok(page.includes(`| ${cells.join(" | ")} |\n`), `missing: | ${cells.join(" | ")} |`);
	}
	assert.deepEqual(firstColumn("Metrics"), Object.keys(families));
});

test("every field of the log has its row", () => {
	const to = new LineBytes(128 * 1024);
	new AccessLines(
		() => 0,
		() => 0,
	).json(everything, to);
	const fields = Object.keys(JSON.parse(to.bytes.toString("latin1", 0, to.at)));
	assert.deepEqual(firstColumn("Access log").toSorted(), fields.toSorted());
});

test("every span has its row", () => {
	const maker = new SpanMaker(resourceFromAttributes({}), () => 0);
	const answer = { kind: "none", detail: "" } as const;
	const event = { kind: "resolved", upstream: "orders", name: "a", tookMs: 1, answer } as const;
	const circuit = { kind: "circuit", resource: "a", from: "closed", to: "open" } as const;
	const spans = [
		...maker.ofExchange(everything, { resolved: { event, atMs: 1000 }, circuits: [] }),
		maker.ofCircuit(circuit, 0),
	];
	assert.deepEqual(firstColumn("Traces").toSorted(), spans.map(({ name }) => name).toSorted());
});

test("every channel is named", () => {
	const names = [...read("telemetry-channels.ts").matchAll(/\$\{PREFIX\}([\w.-]+)/g)].map(([, name]) => name);
	assert.ok(names.length > 10);
	for (const name of names) assert.ok(page.includes(`\`plumbline.gateway.${name}\``), name);
});

test("every path of the admin server has its row", () => {
	const admin = readFileSync(join(docs, "gateway-admin.md"), "utf8");
	const paths = [...admin.matchAll(/^\| `((?:GET|POST) [^`]+)`/gm)].map(([, path = ""]) => path);
	const source = read("admin-server.ts") + read("admin-commands.ts");
	for (const path of paths) {
		const [, , first = "", second = ""] = /^(\w+) \/([\w-]*)\/?([\w-]*)/.exec(path) ?? [];
		const word = second === "" ? first : second;
		assert.ok(word === "" || source.includes(word), path);
	}
	assert.equal(paths.length, 17);
});
