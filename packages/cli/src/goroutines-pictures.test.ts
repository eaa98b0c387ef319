/**
 * What `plumbline goroutines` shows of recorded captures, byte for byte. After a wanted change:
 * UPDATE_GOLDENS=1 npm test -- packages/cli/src/goroutines-pictures.test.ts writes all of them for review.
 */
import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { readCapture } from "@plumbline/capture/file";
import { applicationTest } from "@plumbline/diagnosis/application";
import { diffGroups } from "@plumbline/diagnosis/cluster-diff";
import { type Clusters, clustersOf } from "@plumbline/diagnosis/clusters";
import { renderGoroutineDiff } from "@plumbline/report/goroutines-diff-text";
import { renderGoroutines } from "@plumbline/report/goroutines-text";
import { columnsOf } from "@plumbline/report/width";
import { staysWhole } from "@plumbline/report/wrap";
import { decodeCapture } from "@plumbline/signals/decode";
import { CAPTURES_FOLDER } from "./captures-folder.ts";
import { firstAndLast, lastMoment } from "./goroutines-moments.ts";

const FIXTURES = join(import.meta.dirname, "..", "fixtures");
const PAGE = { columns: 80, color: false };
const TOP = { top: 12 };

async function signalsOf(name: string) {
	return decodeCapture(await readCapture(join(CAPTURES_FOLDER, `${name}.plumb`)));
}

async function pictureOf(name: string): Promise<{ text: string; clusters: Clusters }> {
	const signals = await signalsOf(name);
	const isApplication = applicationTest(signals.build?.value);
	const moment = lastMoment(signals, name);
	const clusters = clustersOf(moment.groups, isApplication);
	return { clusters, text: renderGoroutines([{ ...moment, clusters, isApplication }], TOP, PAGE) };
}

async function growthText(name: string): Promise<string> {
	const signals = await signalsOf(name);
	const isApplication = applicationTest(signals.build?.value);
	const [before, after] = firstAndLast(signals, name);
	const diff = diffGroups(before.groups, after.groups, isApplication);
	return renderGoroutineDiff(
		{ before: before.name, after: after.name, diff, isApplication, notes: [] },
		TOP,
		PAGE,
	);
}

function assertGolden(name: string, text: string): void {
	const path = join(FIXTURES, name);
	if (process.env.UPDATE_GOLDENS === "1") writeFileSync(path, text);
	assert.equal(text, readFileSync(path, "utf8"));
}

for (const name of ["http-body-leak", "healthy-http", "healthy-busy", "pool-deadlock", "tx-error-request"]) {
	test(`picture of ${name}`, async () => {
		assertGolden(`goroutines-${name}.txt`, (await pictureOf(name)).text);
	});
}

for (const name of ["http-body-leak", "healthy-http"]) {
	test(`growth in ${name}`, async () => {
		assertGolden(`goroutines-diff-${name}.txt`, await growthText(name));
	});
}

test("in every capture no goroutine is lost, lines fit, and nothing is accused", async () => {
	const names = readdirSync(CAPTURES_FOLDER).flatMap((file) =>
		file.endsWith(".plumb") ? [file.slice(0, -6)] : [],
	);
	for (const name of names) {
		const { text, clusters } = await pictureOf(name);
		const counted = clusters.clusters.reduce((sum, { count }) => sum + count, clusters.others.goroutines);
		assert.equal(counted, clusters.total, name);
		for (const line of `${text}${await growthText(name)}`.split("\n")) {
			const words = line.trim().replace(/^(?:[-a-z]+ +|[+-]?\d+ |\(\d+ to \d+\) )*/, "");
			assert.ok(columnsOf(line) <= 80 || staysWhole(words), `${name}: ${JSON.stringify(line)}`);
		}
		assert.doesNotMatch(text.replaceAll(name, ""), /\bleak/i, name);
	}
});
