import assert from "node:assert/strict";
import { test } from "node:test";
import { anchorsOf, docFaults, type World } from "./check-links.ts";

const WORLD: World = {
	exists: (path) => ["README.md", "docs", "docs/a.md", "packages/a/src/a.ts"].includes(path),
	read: () => "# One thing\n## A `code` heading, here\n## One thing\n",
	npmScripts: ["check"],
	help: (command) =>
		({ "": "commands: lab", lab: "run list", "lab run": "--all --[no-]json", diagnose: "--pid --db" })[
			command
		],
};

const faults = (path: string, text: string) => docFaults([{ path, text }], WORLD);

test("anchors follow GitHub's rule", () => {
	assert.deepEqual(
		[...anchorsOf("# One thing\n## A `code` heading, here\n## One thing\n```\n# none\n```\n")],
		["one-thing", "a-code-heading-here", "one-thing-1"],
	);
});

test("relative links and anchors that lead somewhere", () => {
	const text = "[a](docs/a.md) [b](docs/a.md#one-thing-1) [c](https://x.example/) [d]: x\n\n[e]: docs/a.md\n";
	assert.deepEqual(faults("README.md", text), []);
	assert.deepEqual(faults("docs/a.md", "[up](../README.md) [self](#one-thing)"), []);
});

test("relative links and anchors that lead nowhere", () => {
	assert.deepEqual(faults("README.md", "[a](docs/gone.md) [b](docs/a.md#gone) `[no](x.md)`"), [
		"README.md: no such file: docs/gone.md",
		"README.md: no such heading: docs/a.md#gone",
	]);
	assert.deepEqual(faults("README.md", "[out](../other/a.md)"), ["README.md: no such file: ../other/a.md"]);
});

test("files, scripts, commands and flags named as code", () => {
	const right = [
		"`packages/a/src/a.ts` and `npm run check`",
		"```sh\nnpx plumbline diagnose --pid 1 --db URL # --not-a-flag\nplumbline lab run NAME --no-json\n```",
	];
	assert.deepEqual(faults("README.md", right.join("\n")), []);
	const wrong = "`packages/gone.ts` `npm run gone` `plumbline gone` `plumbline diagnose --gone --pid 1`";
	assert.deepEqual(faults("README.md", wrong), [
		"README.md: no such file: `packages/gone.ts`",
		"README.md: no such script: npm run gone",
		"README.md: no such command: plumbline gone",
		"README.md: no such flag: plumbline diagnose --gone",
	]);
});
