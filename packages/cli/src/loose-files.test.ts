/** `plumbline diagnose FILE...` as a user meets it: what is read, what is refused and how, what is hidden. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { after, test } from "node:test";
import { gzipSync } from "node:zlib";
import { readCapture } from "@plumbline/capture/file";
import { CAPTURES_FOLDER } from "./captures-folder.ts";
import { readLoose } from "./loose-read.ts";
import { runPlumbline, STACK_TRACE } from "./testing/run-plumbline.ts";

const folder = mkdtempSync(join(tmpdir(), "plumbline-loose-test-"));
after(() => rmSync(folder, { recursive: true }));

const leak = join(CAPTURES_FOLDER, "rare-leak.plumb");
const { parts } = await readCapture(leak);
const bytesOf = (name: RegExp): Uint8Array => {
	const part = parts.findLast((known) => name.test(known.name));
	assert.ok(part, String(name));
	return part.bytes;
};
const file = (name: string, content: string | Uint8Array): string => {
	const path = join(folder, name);
	writeFileSync(path, content);
	return path;
};

const first = file("first.txt", bytesOf(/^goroutines\.0\.debug2/u));
const last = file("last.txt", bytesOf(/^goroutines\.[1-9]\d*\.debug2/u));
const page = file("page.txt", bytesOf(/^metrics\.[1-9]/u));

test("two dumps and a page, in any order, named or not: the leak, and a window that is unknown", async () => {
	const runs = [
		[first, last, page],
		[page, last, first],
		["--goroutines", first, "--goroutines", last, "--metrics", page],
	];
	for (const args of runs) {
		const { code, stdout } = await runPlumbline(["diagnose", ...args, "--json"]);
		const report = JSON.parse(stdout);
		assert.equal(code, 1);
		assert.equal(report.findings[0].id, "tx-open");
		assert.equal(report.findings[0].holder, undefined);
		assert.match(report.findings[0].candidates[0].func, /Reserve$/u);
		assert.equal(report.window.known, false);
		const unexamined = report.gaps.filter((gap: { weight: string }) => gap.weight === "loss");
		assert.deepEqual(
			unexamined.map(({ line, what }: { line: string; what: string }) => [line, what]),
			[["sockets", "sockets"]],
		);
	}
	const { stdout } = await runPlumbline(["diagnose", first, last]);
	assert.match(stdout, /window {4}unknown: files do not say when they were taken/u);
	assert.match(stdout, /unexamined: metrics \(not given/u);
	assert.doesNotMatch(stdout, /\+0\.0 s/u);
});

test("dumps given in the wrong order, twice, or of another process: told, and not taken for time", async () => {
	const gaps = async (...files: string[]) => {
		const { stdout } = await runPlumbline(["diagnose", ...files, "--json"]);
		return JSON.stringify(JSON.parse(stdout).gaps);
	};
	assert.match(await gaps(last, first), /another order than they were taken in/u);
	assert.match(await gaps(first, first), /show the same moment as another/u);
	const other = await readCapture(join(CAPTURES_FOLDER, "pool-deadlock.plumb"));
	const strange = other.parts.find(({ format }) => format === "go-debug2");
	const stranger = file("stranger.txt", strange?.bytes ?? "");
	assert.match(await gaps(first, stranger), /stranger\.txt holds a dump of another process/u);
});

test("from a pipe, compressed, and as the capture that it is", async () => {
	const launcher = join(import.meta.dirname, "..", "bin", "plumbline");
	const piped = `sed 's/^/app-1  | /' '${last}' | '${launcher}' diagnose - ; test $? = 1`;
	const text = execFileSync("bash", ["-c", piped], { encoding: "utf8" });
	assert.match(text, /tx-open/u);
	assert.match(text, /mended: log prefixes taken off/u);
	const zipped = file("last.txt.gz", gzipSync(readFileSync(last)));
	assert.match((await runPlumbline(["diagnose", zipped])).stdout, /tx-open/u);
	const named = await runPlumbline(["diagnose", leak]);
	assert.equal(named.stdout, (await runPlumbline(["diagnose", "--from", leak])).stdout);
});

test("what cannot be read or is nothing known: one clear line, exit 3; beside good files a gap", async () => {
	const empty = file("empty.txt", "");
	const picture = file("picture.png", new Uint8Array([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10, 0, 0]));
	const prose = file("prose.txt", "it hangs, token=ghp_abcdefghijklmnop1234 please help\n");
	const cases: readonly (readonly [string, RegExp])[] = [
		[join(folder, "none.txt"), /none\.txt: cannot be read: no such file/u],
		[folder, /cannot be read: it is a folder/u],
		["/dev/zero", /cannot be read: it is a device/u],
		[empty, /empty\.txt: it is empty$/mu],
		[picture, /holds a picture/u],
		[prose, /holds "it hangs, token=\*\*\* please help", which is none of goroutine dumps/u],
	];
	for (const [path, expected] of cases) {
		const { code, stdout, stderr } = await runPlumbline(["diagnose", path]);
		assert.equal(code, 3, path);
		assert.equal(stdout, "");
		assert.match(stderr, expected);
		assert.doesNotMatch(stderr, STACK_TRACE);
	}
	const healthy = await readCapture(join(CAPTURES_FOLDER, "healthy-idle.plumb"));
	const good = file("healthy.txt", healthy.parts.find(({ format }) => format === "go-debug2")?.bytes ?? "");
	assert.equal((await runPlumbline(["diagnose", good])).code, 0);
	const mixed = await runPlumbline(["diagnose", good, prose]);
	assert.equal(mixed.code, 3);
	assert.match(mixed.stdout, /unexamined: file .*prose\.txt/u);
	const wrong = await runPlumbline(["diagnose", "--sockets", good, "--json"]);
	assert.match(wrong.stdout, /given as --sockets, but it holds go-debug2/u);
	assert.equal(wrong.code, 3, "sockets were asked for, and none were read");
	const bomb = file("bomb.gz", gzipSync(new Uint8Array(300 << 20)));
	assert.match(
		(await runPlumbline(["diagnose", bomb])).stderr,
		/holds \d+ zero bytes \(inflating was stopped/u,
	);
});

test("a capture is diagnosed alone", async () => {
	const { code, stderr } = await runPlumbline(["diagnose", leak, first]);
	assert.equal(code, 2);
	assert.match(stderr, /is a capture: it is diagnosed alone/u);
});

test("secrets go before anything is shown or saved", async () => {
	const dump = readFileSync(last, "utf8").replace(
		/^goroutine (\d+) \[(.*)\]:$/mu,
		'goroutine $1 [$2 labels:{"token": "hunter2", "dsn": "postgres://a:hunter2@h/d"}]:',
	);
	const panic = `panic: dial postgres://app:hunter2@db/orders\n\n${dump}`;
	const saved = join(folder, "saved.plumb");
	const metrics = file("secret-page.txt", `${readFileSync(page, "utf8")}x{password="hunter2"} 1\n`);
	for (const text of [panic, panic.replace(/^/gmu, "> ")]) {
		const path = file("secret.txt", text);
		for (const form of ["--json", "--markdown"]) {
			const { stdout } = await runPlumbline(["diagnose", path, metrics, form, "--save", saved]);
			assert.doesNotMatch(stdout, /hunter2/u);
		}
		const kept = await readCapture(saved);
		for (const part of kept.parts) assert.ok(!Buffer.from(part.bytes).includes("hunter2"), part.name);
		assert.doesNotMatch(JSON.stringify(kept.gaps), /hunter2/u);
		const again = await runPlumbline(["diagnose", saved]);
		assert.match(again.stdout, /window {4}unknown/u);
	}
});

test("what has no end is read so far, and not into memory", async () => {
	const endless = Readable.from(
		(function* () {
			for (;;) yield new Uint8Array(65_536);
		})(),
	);
	const { bytes, cut } = await readLoose("-", endless, new AbortController().signal, 1_000_000);
	assert.equal(bytes.length, 1_000_000);
	assert.match(cut ?? "", /reading stopped at 1000000 bytes/u);
	const stop = new AbortController();
	const waiting = readLoose("-", new Readable({ read() {} }), stop.signal);
	stop.abort();
	await assert.rejects(waiting, { name: "AbortError" });
});
