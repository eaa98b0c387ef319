/**
 * The HTML report as a browser shows it: recorded captures, one with a line missing and a hostile one, in both
 * themes, narrow and wide, by keyboard, on paper, and with scripts forbidden.
 */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { pathToFileURL } from "node:url";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { axeIssues, findChromium, launchChromium } from "./testing/browser.ts";
import {
	recorded,
	reportOf,
	SPITE,
	withoutRuntime,
	withoutTimes,
	withSpite,
} from "./testing/report-captures.ts";

const NARROW = { width: 360, height: 740 };
const WIDE = { width: 1400, height: 900 };

const program = findChromium();
const missing = program === undefined ? "missing tool: chromium" : false;
const folder = mkdtempSync(join(tmpdir(), "plumbline-html-test-"));
const captures = {
	leak: await recorded("lock-own-tx"),
	ledger: await recorded("tx-rare-path-ledger"),
	healthy: await recorded("healthy-busy"),
	gaps: withoutRuntime(await recorded("tx-error-request")),
	timeless: withoutTimes(await recorded("pool-slow-queries")),
	hostile: withSpite(await recorded("tx-error-request")),
};
const reports = Object.fromEntries(
	Object.entries(captures).map(([name, capture]) => [name, reportOf(capture)]),
);
let browser: Browser | undefined;

before(async () => {
	for (const [name, { html }] of Object.entries(reports)) writeFileSync(join(folder, `${name}.html`), html);
	if (program !== undefined) browser = await launchChromium(program);
});
after(async () => {
	await browser?.close();
	rmSync(folder, { recursive: true });
});

/** Opens the report and gives what it asked for and complained of, besides the file itself. */
async function open(
	name: string,
	options: BrowserContextOptions = {},
): Promise<{ page: Page; noise: string[] }> {
	assert.ok(browser);
	const context = await browser.newContext({ viewport: WIDE, ...options });
	const page = await context.newPage();
	const url = pathToFileURL(join(folder, `${name}.html`)).href;
	const noise: string[] = [];
	page.on("request", (request) => {
		if (request.url() !== url) noise.push(`asked for ${request.url()}`);
	});
	page.on("console", (message) => noise.push(`${message.type()}: ${message.text()}`));
	page.on("pageerror", (error) => noise.push(`error: ${error.message}`));
	page.on("dialog", (dialog) => {
		noise.push(`dialog: ${dialog.message()}`);
		void dialog.dismiss();
	});
	await page.goto(url, { waitUntil: "load" });
	return { page, noise };
}

for (const name of Object.keys(captures)) {
	test(`${name}: accessible in either theme, fits any width, makes no noise and no request`, {
		skip: missing,
	}, async () => {
		const { page, noise } = await open(name);
		assert.deepEqual(await axeIssues(page), []);
		await page.emulateMedia({ colorScheme: "dark" });
		assert.deepEqual(await axeIssues(page, "color-contrast"), []);
		await page.setViewportSize(NARROW);
		assert.deepEqual(await axeIssues(page), [], "narrow");
		await page.evaluate("for (const folded of document.querySelectorAll('details')) folded.open = true");
		for (const viewport of [WIDE, NARROW]) {
			await page.setViewportSize(viewport);
			const width = await page.evaluate<number>("document.documentElement.scrollWidth");
			assert.ok(width <= viewport.width, `${width} pixels at ${viewport.width}`);
		}
		assert.deepEqual(noise, []);
		await page.context().close();
	});
}

test("headings go down one level at a time, and every link leads somewhere", { skip: missing }, async () => {
	for (const name of Object.keys(captures)) {
		const { page } = await open(name);
		const levels = await page.evaluate<number[]>(
			"[...document.querySelectorAll('h1, h2, h3, h4, h5, h6')].map(({ tagName }) => Number(tagName[1]))",
		);
		assert.equal(levels[0], 1);
		assert.equal(levels.filter((level) => level === 1).length, 1);
		levels.reduce((above, level) => {
			assert.ok(level <= above + 1, `${name}: ${levels.join(" ")}`);
			return level;
		});
		const lost = await page.evaluate<string[]>(
			"[...document.links].map((link) => link.getAttribute('href')).filter((href) => !document.querySelector(href))",
		);
		assert.deepEqual(lost, [], name);
		await page.context().close();
	}
});

test("the tab key reaches every link, button and fold in the order of the page", {
	skip: missing,
}, async () => {
	const { page } = await open("leak");
	const expected = await page.evaluate<number>(`
		const all = [...document.querySelectorAll("a[href], button, summary, [tabindex='0']")];
		const shown = all.filter((each) => each.checkVisibility());
		shown.forEach((each, at) => { each.dataset.stop = String(at); });
		shown.length`);
	assert.ok(expected > 20, `${expected}`);
	const reached: string[] = [];
	for (let at = 0; at < expected; at++) {
		await page.keyboard.press("Tab");
		reached.push(await page.evaluate<string>("document.activeElement.dataset.stop ?? 'nothing'"));
	}
	assert.deepEqual(
		reached,
		Array.from({ length: expected }, (_, at) => String(at)),
	);
	await page.context().close();
});

test("evidence leads to its raw text and back", { skip: missing }, async () => {
	const { page } = await open("leak");
	await page.click("#evidence-1 .from a");
	assert.match(await page.innerText(":target .q"), /^\d+\s*goroutine 9 \[chan receive\]:/);
	await page.click(":target .small a");
	assert.equal(await page.getAttribute(":target", "id"), "evidence-1");
	assert.ok(await page.locator("#evidence-5").isHidden(), "folded with its consequence");
	await page.click(".pill[href='#evidence-5']");
	assert.ok(await page.locator("#evidence-5").isVisible());
	await page.context().close();
});

test("a narrow box of the icicle takes the whole width when followed, and gives it back", {
	skip: missing,
}, async () => {
	const { page } = await open("ledger", { javaScriptEnabled: false });
	const width = async (css: string) => (await page.locator(css).boundingBox())?.width ?? 0;
	const [whole, before] = [await width(".icicle"), await width("#calls-1")];
	assert.ok(before < whole / 2);
	await page.focus("#calls-1 > a");
	await page.keyboard.press("Enter");
	assert.ok((await width("#calls-1")) > whole - 4);
	await page.click("#goroutines p a");
	assert.equal(await width("#calls-1"), before);
	await page.context().close();
});

test("without scripts everything is there, but for the buttons", { skip: missing }, async () => {
	const { page, noise } = await open("leak", { javaScriptEnabled: false });
	assert.equal(await page.locator("button:visible").count(), 0);
	assert.match(await page.innerText("main"), /pg_terminate_backend/);
	await page.click("summary >> nth=1");
	assert.match(await page.innerText("details[open]"), /db-lock-wait/);
	assert.deepEqual(noise, []);
	await page.context().close();
});

test("a command is copied as it is", { skip: missing }, async () => {
	const { page, noise } = await open("leak", { permissions: ["clipboard-read", "clipboard-write"] });
	await page.click("button.copy >> nth=0");
	await page.getByText("Copied").waitFor();
	const copied = await page.evaluate<string>("navigator.clipboard.readText()");
	assert.ok(reports.leak?.diagnosis.findings[0]?.stop[0]?.includes(copied), copied);
	assert.deepEqual(noise, []);
	await page.context().close();
});

test("on paper what is folded is open, and what is for the hand is gone", { skip: missing }, async () => {
	const { page } = await open("leak", { javaScriptEnabled: false });
	await page.emulateMedia({ media: "print" });
	assert.equal(await page.locator("button:visible, .toc:visible").count(), 0);
	assert.ok(await page.locator(".folded .tag").isVisible());
	const paper = await page.pdf({ format: "A4" });
	assert.equal(paper.subarray(0, 5).toString(), "%PDF-");
	await page.context().close();
});

test("what an enemy wrote is text, and no mark of it reorders the line", { skip: missing }, async () => {
	const { html, diagnosis } = reports.hostile ?? assert.fail();
	assert.ok(diagnosis.findings.length > 0);
	assert.doesNotMatch(html, /[\u202a-\u202e\u2066-\u2069\u200b-\u200f]|<img|alert\(1\)<\/script>/);
	const { page, noise } = await open("hostile");
	const text = await page.innerText("body");
	assert.ok(text.includes(SPITE.slice(0, 52)), "the names are shown as they are");
	assert.ok(text.includes("\\u202e"));
	assert.equal(await page.locator("img, iframe, object, embed, link, [onerror], [onfocus]").count(), 0);
	assert.equal(await page.locator("script").count(), 1);
	assert.deepEqual(noise, []);
	await page.context().close();
});
