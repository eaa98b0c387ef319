/** The skeleton of the report of a recorded capture: what a screen reader or a reviewer would go through. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import { diagnose } from "@plumbline/diagnosis/diagnose";
import { decodeCaptureFile } from "@plumbline/signals/capture-file";
import { decodeCapture } from "@plumbline/signals/decode";
import { renderHtml } from "./html.ts";
import { assertGolden } from "./testing/golden.ts";
import { reportView } from "./view-report.ts";

const CAPTURE = join(import.meta.dirname, "../../../captures/tx-rare-path-ledger.plumb");

function page(): string {
	const file = decodeCaptureFile(gunzipSync(readFileSync(CAPTURE)));
	assert.ok(file.kind === "decoded");
	const signals = decodeCapture(file.value);
	const diagnosis = diagnose(signals);
	return renderHtml(diagnosis, reportView(diagnosis, signals, file.value));
}

/** Headings by level, pictures by what they say, tables by caption; marks, folds and commands by number. */
function skeleton(html: string): string {
	const body = html.slice(html.indexOf("<body>"));
	const pieces =
		/<h([1-4])[^>]*>(.*?)<\/h\1>|<svg[^>]*aria-label="([^"]*)"|<caption>(.*?)<\/caption>|<summary>(.*?)<\/summary>|<a class="pill" href="#([^"]*)"|<section class="raw thing" id="([^"]*)"/gs;
	const lines = [...body.matchAll(pieces)].map(([, level, heading, picture, caption, fold, pin, raw]) => {
		if (heading !== undefined) return `${"#".repeat(Number(level))} ${plain(heading)}`;
		if (picture !== undefined) return `  picture: ${plain(picture)}`;
		if (caption !== undefined) return `  table: ${plain(caption)}`;
		if (pin !== undefined) return `  pin: ${pin}`;
		return fold === undefined ? `  anchor: ${raw}` : `  fold: ${plain(fold)}`;
	});
	const count = (pattern: RegExp) => [...body.matchAll(pattern)].length;
	const sums = `evidence ${count(/id="evidence-\d/g)}, commands ${count(/class="command"/g)}, links ${count(/<a /g)}, scripts ${count(/<script/g)}`;
	return `${[...lines, sums].join("\n")}\n`;
}

function plain(text: string): string {
	return text
		.replaceAll(/<[^>]*>/g, "")
		.replaceAll(/&#(\d+);/g, (_, code) => String.fromCharCode(Number(code)))
		.replaceAll(/\s+/g, " ")
		.trim();
}

test("the skeleton of a recorded capture's report", () => {
	assertGolden("report-skeleton.txt", skeleton(page()));
});

test("the same capture gives the same page, byte for byte", () => {
	assert.equal(page(), page());
});
