/** Each arrow of the house is broken once, in a small house of the same shape, and must be found by name. */
import assert from "node:assert/strict";
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { test } from "node:test";
import { runCommand } from "./command.ts";

const ROOT = resolve(import.meta.dirname, "..");
const ROOMS = ["signals", "diagnosis", "report", "kernel", "capture", "gateway", "cli"];

type Files = Readonly<Record<string, string>>;

const IN_ORDER: Files = {
	...Object.fromEntries(ROOMS.map((room) => [`packages/${room}/src/thing.ts`, "export const thing = 1;\n"])),
	"lab/src/server.ts": "export const server = 1;\n",
	"packages/capture/src/thing.test.ts": 'import "../../../lab/src/server.ts";\n',
	"packages/signals/src/thing.test.ts": 'import "node:assert";\nimport "fast-check";\nimport "./thing.ts";\n',
	"packages/cli/src/main.ts": ROOMS.slice(0, -1)
		.map((room) => `import "@plumbline/${room}/thing";\n`)
		.join("")
		.concat('import "./thing.ts";\nimport "../../../lab/src/server.ts";\n'),
	"packages/gateway/src/h2-wire.ts": 'import "node:http2";\n',
	"packages/gateway/src/wire.test.ts": 'import "node:http2";\nimport "./h2-wire.ts";\n',
	"packages/gateway/src/worker-main.ts": 'import "./h2-wire.ts";\n',
	"lab/package.json": '{ "name": "@plumbline/lab", "type": "module" }',
	"scripts/one.ts": "export const one = 1;\n",
};

/** One broken arrow a file. */
const PLANTED: readonly { readonly rule: string; readonly path: string; readonly text: string }[] = [
	{ rule: "arrow-signals", path: "packages/signals/src/up.ts", text: 'import "@plumbline/diagnosis/thing";' },
	{
		rule: "arrow-diagnosis",
		path: "packages/diagnosis/src/types-only.ts",
		text: 'import type { X } from "@plumbline/capture/thing";\nexport type Y = X;',
	},
	{ rule: "arrow-report", path: "packages/report/src/up.ts", text: 'import "@plumbline/capture/thing";' },
	{ rule: "arrow-kernel", path: "packages/kernel/src/up.ts", text: 'import "../../capture/src/thing.ts";' },
	{ rule: "arrow-capture", path: "packages/capture/src/up.ts", text: 'import "@plumbline/report/thing";' },
	{
		rule: "arrow-capture",
		path: "packages/capture/src/on-lab.ts",
		text: 'import "../../../lab/src/server.ts";',
	},
	{
		rule: "arrow-diagnosis",
		path: "packages/diagnosis/src/up.test.ts",
		text: 'import "@plumbline/capture/thing";',
	},
	{ rule: "arrow-lab", path: "lab/src/up.ts", text: 'import "@plumbline/kernel/thing";' },
	{ rule: "arrow-scripts", path: "scripts/two.ts", text: 'import "@plumbline/signals/thing";' },
	{ rule: "arrow-back", path: "packages/cli/src/back.ts", text: 'import "../../../scripts/one.ts";' },
	{ rule: "pure-core", path: "packages/diagnosis/src/core.ts", text: 'import "node:fs";' },
	{ rule: "pure-npm", path: "packages/report/src/npm.ts", text: 'import "fast-check";' },
	{
		rule: "no-test-import",
		path: "packages/cli/src/on-test.ts",
		text: 'import "../../signals/src/thing.test.ts";',
	},
	{ rule: "h2-behind-streams", path: "packages/gateway/src/exchange.ts", text: 'import "node:http2";' },
	{
		rule: "h2-behind-streams",
		path: "packages/gateway/src/live-site.ts",
		text: 'import type { Http2Stream } from "node:http2";\nexport type X = Http2Stream;',
	},
	{ rule: "no-cycle", path: "packages/cli/src/and-round.ts", text: 'import "./round.ts";' },
	{ rule: "unresolved", path: "packages/cli/src/nowhere.ts", text: 'import "./gone.ts";' },
	{ rule: "undeclared", path: "packages/kernel/src/foreign.ts", text: 'import "pg";' },
	{ rule: "dead-file", path: "packages/report/src/forgotten.ts", text: "export const forgotten = 1;" },
];

function buildHouse(files: Files): string {
	const house = mkdtempSync(join(tmpdir(), "plumbline-arrows-"));
	for (const name of [".dependency-cruiser.mjs", "tsconfig.json", "tsconfig.base.json", "package.json"])
		cpSync(join(ROOT, name), join(house, name));
	mkdirSync(join(house, "node_modules/@plumbline"), { recursive: true });
	for (const room of ROOMS) {
		cpSync(join(ROOT, `packages/${room}/package.json`), join(house, `packages/${room}/package.json`));
		symlinkSync(join(house, `packages/${room}`), join(house, `node_modules/@plumbline/${room}`));
	}
	for (const name of ["pg", "typescript", "fast-check"])
		symlinkSync(join(ROOT, "node_modules", name), join(house, "node_modules", name));
	for (const [path, text] of Object.entries(files)) {
		mkdirSync(dirname(join(house, path)), { recursive: true });
		writeFileSync(join(house, path), `${text}\n`);
	}
	return house;
}

/** Every violation as `rule: file`. */
async function violations(files: Files): Promise<readonly string[]> {
	const house = buildHouse(files);
	try {
		const end = await runCommand({
			program: join(ROOT, "node_modules/.bin/depcruise"),
			args: ["--config", ".dependency-cruiser.mjs", "--output-type", "json", "packages", "lab", "scripts"],
			cwd: house,
			timeMsMax: 60_000,
		});
		const report = JSON.parse(end.output) as {
			summary: { violations: { rule: { name: string }; from: string; to: string }[] };
		};
		return report.summary.violations.map(({ rule, from, to }) =>
			rule.name === "dead-file" ? `${rule.name}: ${to}` : `${rule.name}: ${from}`,
		);
	} finally {
		rmSync(house, { recursive: true, force: true });
	}
}

test("a house in order breaks nothing, and tests of pure rooms may use the core and npm", async () => {
	assert.deepEqual(await violations(IN_ORDER), []);
});

test("every planted violation is found", async (t) => {
	const planted = Object.fromEntries(PLANTED.map(({ path, text }) => [path, text]));
	// The other half of the cycle; it is reported once, by the name of its first file.
	const round = { "packages/cli/src/round.ts": 'import "./and-round.ts";' };
	const found = await violations({ ...IN_ORDER, ...planted, ...round });
	for (const { rule, path } of PLANTED)
		await t.test(`${rule} in ${path}`, () => assert.ok(found.includes(`${rule}: ${path}`), found.join("\n")));
});
