/**
 * The paste test: what recorded captures hold as text, given as loose files and damaged in every way that
 * testing/paste-damage.ts knows. What loses nothing gives the same verdict; what loses something gives the same
 * or says what is missing.
 */
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { readCapture } from "@plumbline/capture/file";
import type { Part, PartFormat } from "@plumbline/signals/capture";
import { DAMAGES } from "@plumbline/signals/testing/paste-damage";
import { CAPTURES_FOLDER } from "./captures-folder.ts";
import { type LooseVerdict, looseVerdict } from "./testing/loose-verdict.ts";

const CAPTURES_MIN = 20;
/** Larger dumps show nothing more and take long in so many ways. */
const DUMP_BYTES_MAX = 150_000;
const WITH_FINDINGS_MIN = 12;

interface Texts {
	readonly name: string;
	/** First and last dump, first and last metrics page. */
	readonly dumps: readonly string[];
	readonly pages: readonly string[];
	readonly profile: string;
	readonly plain: LooseVerdict;
}

const ends = (parts: readonly Part[], format: PartFormat): string[] => {
	const alike = parts.filter((part) => part.format === format).toSorted((a, b) => a.sample - b.sample);
	const [first, last] = [alike[0], alike.at(-1)];
	return [first, last === first ? undefined : last].flatMap((part) =>
		part ? [Buffer.from(part.bytes).toString()] : [],
	);
};

const captures: Texts[] = [];
for (const file of readdirSync(CAPTURES_FOLDER)
	.filter((name) => /(?<!-ledger)\.plumb$/u.test(name))
	.sort()) {
	const { parts } = await readCapture(join(CAPTURES_FOLDER, file));
	const dumps = ends(parts, "go-debug2");
	const pages = ends(parts, "prometheus");
	const [profile = ""] = ends(parts, "go-debug1");
	if (dumps.length < 2 || pages.length < 2 || dumps.some(({ length }) => length > DUMP_BYTES_MAX)) continue;
	captures.push({ name: file, dumps, pages, profile, plain: looseVerdict([...dumps, ...pages]) });
}

const shown = ({ id, holder, count, findings }: LooseVerdict) => ({ id, holder, count, findings });
const losses = ({ gaps }: LooseVerdict) =>
	gaps.filter(({ weight, why }) => weight === "loss" && !why.startsWith("not given"));

test("the undamaged files say something", () => {
	assert.ok(captures.length >= CAPTURES_MIN, `${captures.length} captures`);
	const found = captures.filter(({ plain }) => plain.id !== "nothing");
	assert.ok(found.length >= WITH_FINDINGS_MIN, `${found.length} with findings`);
	assert.ok(captures.some(({ plain }) => plain.id === "nothing"));
	for (const { name, plain } of captures) {
		if (name.startsWith("healthy")) assert.equal(plain.id, "nothing", name);
		assert.deepEqual(losses(plain), [], name);
	}
});

for (const damage of DAMAGES) {
	test(`${damage.name}: ${damage.lossless ? "the same verdict" : "the same verdict, or why it cannot be"}`, () => {
		let toldOf = 0;
		for (const { name, dumps, pages, plain } of captures) {
			const files = [
				...dumps.map(damage.apply),
				...pages.map(damage.dumpsOnly ? (text) => text : damage.apply),
			];
			const verdict = looseVerdict(files);
			assert.equal(verdict.unread, 0, name);
			if (damage.lossless) {
				assert.deepEqual(shown(verdict), shown(plain), name);
				assert.deepEqual(losses(verdict), [], name);
			} else {
				const told = losses(verdict).length > 0;
				if (told) toldOf++;
				assert.ok(told || isDeepStrictEqual(shown(verdict), shown(plain)), `${name}: not told`);
			}
		}
		// A cut between two goroutines leaves no trace.
		assert.ok(damage.lossless || toldOf >= captures.length - 2, `told of ${toldOf}`);
	});
}

test("all in one text, damaged or not: several dumps and pages are told apart", () => {
	const fence = "```";
	for (const { name, dumps, pages, plain } of captures) {
		const plainly = looseVerdict([[...dumps, ...pages].join("\n")]);
		assert.deepEqual(shown(plainly), shown(plain), name);
		const ticket = [...dumps, ...pages]
			.map((text) => `Here:\n\n${fence}\n${text}${fence}\n`)
			.join("\nand\n\n");
		assert.deepEqual(shown(looseVerdict([ticket])), shown(plain), name);
		const logged = [...dumps, ...pages].join("").replace(/^/gmu, "Nov 22 10:00:00 host orders[7]: ");
		assert.deepEqual(shown(looseVerdict([logged])), shown(plain), name);
	}
});

test("an excerpt of a profile whose first line counts more than is there: told", () => {
	for (const { name, profile } of captures) {
		const records = profile.split("\n\n");
		const excerpt = records.slice(0, Math.ceil(records.length / 2)).join("\n\n");
		const { gaps } = looseVerdict([`> ${excerpt.replaceAll("\n", "\n> ")}\n`]);
		const told = gaps.some(
			({ weight, why }) => weight === "loss" && /expected \d+ goroutines, found records of \d+/u.test(why),
		);
		assert.ok(told, `${name}: ${JSON.stringify(gaps)}`);
	}
});

test("a dump of far fewer goroutines than the page counts: an excerpt, and told", () => {
	const dump = captures[0]?.dumps[0] ?? "";
	const page = "# TYPE go_goroutines gauge\ngo_goroutines 4120\n";
	const told = ({ gaps }: LooseVerdict) =>
		gaps.some(({ why }) => /metrics page counts 4120: it may be an excerpt/u.test(why));
	assert.ok(told(looseVerdict([dump, page])));
	assert.ok(!told(looseVerdict([dump, page.replace("4120", "30")])));
});
