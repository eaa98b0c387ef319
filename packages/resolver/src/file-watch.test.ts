import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { watchFiles } from "./file-watch.ts";

function scratch(t: TestContext): string {
	const folder = mkdtempSync(join(tmpdir(), "plumbline-watch-"));
	t.after(() => rmSync(folder, { recursive: true }));
	return folder;
}

/** Resolves with each change that is told. */
function changesOf(t: TestContext, file: string): () => Promise<void> {
	let told = () => {};
	const watch = watchFiles([file], () => told());
	t.after(() => watch.close());
	return () =>
		new Promise((resolve) => {
			told = resolve;
		});
}

test("a file that is written, and one that is put in its place", async (t) => {
	const folder = scratch(t);
	const file = join(folder, "dns.yaml");
	writeFileSync(file, "a: 1");
	const nextChange = changesOf(t, file);
	const written = nextChange();
	writeFileSync(file, "a: 2");
	await written;
	const replaced = nextChange();
	writeFileSync(join(folder, "new"), "a: 3");
	renameSync(join(folder, "new"), file);
	await replaced;
});

test("the swap of ..data, as Kubernetes makes it", async (t) => {
	const folder = scratch(t);
	for (const version of ["v1", "v2"]) {
		mkdirSync(join(folder, version));
		writeFileSync(join(folder, version, "dns.yaml"), `version: ${version}`);
	}
	symlinkSync("v1", join(folder, "..data"));
	symlinkSync("..data/dns.yaml", join(folder, "dns.yaml"));
	const changed = changesOf(t, join(folder, "dns.yaml"))();
	symlinkSync("v2", join(folder, "..data_tmp"));
	renameSync(join(folder, "..data_tmp"), join(folder, "..data"));
	await changed;
});

test("a write that changes nothing is not told; a folder that is not there is told as blind", (t) => {
	const folder = scratch(t);
	const file = join(folder, "dns.yaml");
	writeFileSync(file, "a: 1");
	let told = 0;
	const watch = watchFiles([file], () => told++);
	t.after(() => watch.close());
	writeFileSync(file, "a: 1");
	assert.equal(watch.look(), false);
	writeFileSync(file, "a: 2");
	assert.equal(watch.look(), true);
	assert.equal(told, 1);
	const blind: string[] = [];
	watchFiles(
		[join(folder, "none", "x")],
		() => {},
		(at) => blind.push(at),
	).close();
	assert.deepEqual(blind, [join(folder, "none")]);
});
