import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { diagnose } from "@plumbline/diagnosis/diagnose";
import type { Diagnosis } from "@plumbline/diagnosis/finding";
import { decodeCapture } from "@plumbline/signals/decode";
import fc from "fast-check";
import { renderHtml } from "./html.ts";
import { html, prose } from "./html-escape.ts";
import { SCRIPT, SCRIPT_HASH } from "./html-script.ts";
import { capture, part } from "./testing/captures.ts";
import { diagnoses } from "./testing/diagnoses.ts";
import { SAMPLES } from "./testing/samples.ts";
import { reportView } from "./view-report.ts";

/** What a report of 100,000 goroutines may take; see the size test. */
const BYTES_MAX = 1_500_000;

const EMPTY = capture([]);
const SIGNALS = decodeCapture(EMPTY);

function rendered(diagnosis: Diagnosis): string {
	return renderHtml(diagnosis, reportView(diagnosis, SIGNALS, EMPTY));
}

/** Every tag that a page may have; anything else came from outside. */
const TAGS =
	/^<(?:\/?(?:html|head|title|style|body|a|div|header|strong|span|nav|ul|ol|li|main|section|article|h[1-4]|p|dl|dt|dd|b|code|pre|button|figure|figcaption|svg|path|rect|g|i|details|summary|table|caption|thead|tbody|tr|th|td|bdi|br|footer|script)|meta|!doctype)(?: [^<>]*)?>$/;

test("a hole takes text as text, in an element and in an attribute", () => {
	const name = `"><script>alert('x')</script>\u202e&amp;\x1b[1m`;
	assert.equal(html`<p title="${name}">${name}</p>`.markup, `<p title="${ESCAPED}">${ESCAPED}</p>`);
	assert.equal(html`${undefined}${["a", 1, html`<b>${"<"}</b>`]}`.markup, "a1<b>&#60;</b>");
});

const ESCAPED = "&#34;&#62;&#60;script&#62;alert(&#39;x&#39;)&#60;/script&#62;\\u202e&#38;amp;\\x1b[1m";

test("backticks in pairs are code, a lone one is itself", () => {
	assert.equal(prose("run `a <b>` now").markup, "run <code>a &#60;b&#62;</code> now");
	assert.equal(prose("a ` b").markup, "a &#96; b");
	assert.equal(prose("`a` `").markup, "<code>a</code> &#96;");
});

test("the script that is in the page is the one its policy allows", () => {
	assert.equal(SCRIPT_HASH, `sha256-${createHash("sha256").update(SCRIPT).digest("base64")}`);
	assert.ok(rendered(SAMPLES.leak ?? assert.fail()).includes(`<script>${SCRIPT}</script>`));
});

test("whatever a diagnosis says, the page has no tag, no address and no mark that is not ours", () => {
	fc.assert(
		fc.property(diagnoses, (diagnosis) => {
			const page = rendered(diagnosis)
				.replace(SCRIPT, "")
				.replace(/<style>[^<]*<\/style>/, "");
			for (const [tag] of page.matchAll(/<[^>]*>?/g)) assert.match(tag, TAGS);
			for (const [, href] of page.matchAll(/ (?:href|src|action|srcset)="([^"]*)"/g))
				assert.match(href ?? "", /^#/);
			assert.doesNotMatch(page, /(?!\n)\p{Cc}|[\p{Cs}\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]/u);
		}),
	);
});

test("nothing found is not called health, and what was not read is told", () => {
	for (const diagnosis of Object.values(SAMPLES)) {
		const text = rendered(diagnosis).replaceAll(/<[^>]*>/g, "");
		assert.doesNotMatch(text, /\bhealthy\b|all good|no problem/i);
		for (const gap of diagnosis.gaps) assert.ok(text.includes(html`${gap.what}`.markup), gap.what);
	}
});

test("a thousand calls with endless names stay a page", () => {
	const name = (i: number) => `main.F${i}[${"<go.shape.struct{}>".repeat(500)}]`;
	const goroutine = (i: number) => `goroutine ${i + 1} [select]:\n${name(i)}(0x1)\n\t/srv/main.go:7 +0x1d\n`;
	const text = Array.from({ length: 1_000 }, (_, i) => goroutine(i % 400)).join("\n");
	const taken = capture([part("goroutines.0.debug2.txt", "go-debug2", 0, 0, text)]);
	const signals = decodeCapture(taken);
	const diagnosis = diagnose(signals);
	const page = renderHtml(diagnosis, reportView(diagnosis, signals, taken));
	assert.ok(page.length < BYTES_MAX, `${page.length}`);
	assert.match(page, /1000 goroutines in/);
});

test("however much there is to say, it stays a page", () => {
	const leak = SAMPLES.leak ?? assert.fail();
	const long = "<x> ".repeat(300_000);
	const [finding] = leak.findings;
	assert.ok(finding);
	const [evidence] = finding.evidence;
	assert.ok(evidence);
	const huge = {
		...finding,
		causes: [],
		title: long,
		story: long,
		stop: Array.from({ length: 100 }, () => `\`${long}\``),
		otherwise: Array.from({ length: 100 }, () => long),
		evidence: Array.from({ length: 200 }, () => ({ ...evidence, says: long, quote: `${long}\n`.repeat(30) })),
	};
	const page = rendered({
		...leak,
		gaps: Array.from({ length: 5_000 }, (_, at) => ({
			line: "runtime" as const,
			weight: "loss" as const,
			what: `${at}`,
			why: long,
		})),
		findings: Array.from({ length: 300 }, () => huge),
	});
	assert.ok(page.length < BYTES_MAX, `${page.length}`);
	assert.match(page, /more findings: see --json/);
});
