import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { renderMarkdown } from "./markdown.ts";
import { codeBlock, codeCell, codeSpan, proseCell, proseSpan } from "./markdown-escape.ts";
import { diagnoses } from "./testing/diagnoses.ts";
import { assertGolden } from "./testing/golden.ts";
import { SAMPLES } from "./testing/samples.ts";

for (const [name, diagnosis] of Object.entries(SAMPLES))
	test(`Markdown of ${name}`, () => {
		assertGolden(`${name}.md`, renderMarkdown(diagnosis));
	});

test("prose starts no markup; pairs of backticks stay code", () => {
	assert.equal(proseSpan("a | b <b> (*Tx).do_it _x_"), "a &#124; b &lt;b&gt; (\\*Tx).do_it \\_x\\_");
	assert.equal(proseSpan("run `a | b` now"), "run `a | b` now");
	assert.equal(proseSpan("a lone ` tick"), "a lone \\` tick");
	assert.equal(proseSpan("1. no list"), "1\\. no list");
	assert.equal(proseSpan("- no list\n# no heading"), "\\- no list \\# no heading");
	assert.equal(proseSpan("@everyone"), "&#64;everyone");
});

test("code holds any ticks", () => {
	assert.equal(codeSpan("a`b``c"), "```a`b``c```");
	assert.equal(codeSpan("`x`"), "`` `x` ``");
	assert.equal(codeCell("a`b"), "``a`b``");
	assert.equal(codeCell("a|`*"), "<code>a&#124;&#96;&#42;</code>");
	assert.equal(proseCell("a `b|c`"), "a \\`b&#124;c\\`");
	assert.deepEqual(codeBlock(["```"]), ["````text", "```", "````"]);
});

test("rows of tables keep their cells, fences close, whatever the text", () => {
	fc.assert(
		fc.property(diagnoses, (diagnosis) => {
			let fence = "";
			let cells = 0;
			for (const line of renderMarkdown(diagnosis).split("\n")) {
				const ticks = /^`{3,}/.exec(line)?.[0] ?? "";
				if (fence === "" && ticks !== "" && line === `${ticks}text`) fence = ticks;
				else if (fence !== "" && line === fence) fence = "";
				if (fence !== "" || !line.startsWith("|")) {
					cells = 0;
					continue;
				}
				const here = line.split("|").length;
				if (cells > 0) assert.equal(here, cells, line);
				cells = here;
			}
			assert.equal(fence, "");
		}),
	);
});
