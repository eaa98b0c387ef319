import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { gzipSync } from "node:zlib";
import { CAPTURES_FOLDER } from "./captures-folder.ts";
import { runPlumbline, STACK_TRACE } from "./testing/run-plumbline.ts";

const folder = mkdtempSync(join(tmpdir(), "plumbline-goroutines-"));
after(() => rmSync(folder, { recursive: true, force: true }));

function file(name: string, content: string | Uint8Array): string {
	writeFileSync(join(folder, name), content);
	return name;
}

const goroutine = (id: number, line: number) =>
	`goroutine ${id} [chan send, 7 minutes]:\nmain.leak(0xc000${id})\n\t/srv/main.go:${line} +0x1d\ncreated by main.main in goroutine 1\n\t/srv/main.go:9 +0x2f\n`;
const dumpOf = (count: number, line = 31) =>
	Array.from({ length: count }, (_, i) => goroutine(i + 2, line)).join("\n");
const profileOf = (count: number) =>
	`goroutine profile: total ${count}\n${count} @ 0x1 0x2\n#\t0x1\tmain.leak+0x1d\t/srv/main.go:31\n\n`;

const DUMP = file("dump.txt", dumpOf(12));
const PROFILE = file("profile.txt", profileOf(40));

async function run(...args: readonly string[]) {
	const ended = await runPlumbline(["goroutines", ...args], { cwd: folder });
	assert.doesNotMatch(ended.stderr, STACK_TRACE);
	return ended;
}

test("a dump: what they do, where, who created them, how old they are taken to be", async () => {
	const { code, stdout, stderr } = await run(DUMP);
	assert.equal(code, 0, stderr);
	assert.equal(
		stdout,
		[
			"dump.txt: 12 goroutines in 1 group, 1 cluster (full dump)",
			"",
			"12 channel send: main.leak",
			"  state     chan send",
			"  where     main.leak",
			"            /srv/main.go:31",
			"  creator   main.main /srv/main.go:9",
			"  age hint  7 minutes",
			"",
			"Ages are a hint of the runtime, not the time waited: it counts from a garbage",
			"collection and tells nothing below a minute.",
			"",
		].join("\n"),
	);
});

test("a profile, gzip'd, and a dump out of a log, one below the other", async () => {
	const log = dumpOf(3)
		.split("\n")
		.map((line) => `Nov 22 10:00:00 host orders[4711]: ${line.replace("\t", "#011")}\n`)
		.join("");
	const { code, stdout } = await run(file("profile.gz", gzipSync(profileOf(40))), file("orders.log", log));
	assert.equal(code, 0);
	assert.match(stdout, /^profile\.gz: 40 goroutines in 1 group, 1 cluster \(grouped profile\)$/m);
	assert.match(stdout, /^orders\.log: 3 goroutines in 1 group, 1 cluster \(full dump\)$/m);
	assert.match(stdout, /log prefixes taken off/);
});

test("--diff: another build, whose lines moved; a dump beside a profile; a capture by itself", async () => {
	const grown = await run("--diff", DUMP, file("later.txt", dumpOf(1000, 78)));
	assert.equal(grown.code, 0);
	assert.match(grown.stdout, /^\+988 goroutines: 12 before, 1000 after$/m);
	assert.match(grown.stdout, /^ {2}\+988 \(12 to 1000\) channel send: main\.leak$/m);
	assert.match(grown.stdout, /^Unchanged: 0 goroutines in 0 groups\.$/m);

	const mixed = await run("--diff", DUMP, PROFILE);
	assert.match(mixed.stdout, /^\+28 goroutines/);
	assert.match(mixed.stdout, /a full dump beside a grouped profile/);

	const capture = await run("--diff", join(CAPTURES_FOLDER, "http-body-leak.plumb"));
	assert.equal(capture.code, 0);
	assert.match(capture.stdout, /^\+10 goroutines: 130 before, 140 after$/m);
});

test("JSON: everything, under a name", async () => {
	const { code, stdout } = await run(DUMP, PROFILE, "--json");
	assert.equal(code, 0);
	const told = JSON.parse(stdout);
	assert.equal(told.schema, "plumbline.goroutines/1");
	assert.deepEqual(
		told.pictures.map((picture: { total: number; source: string }) => [picture.total, picture.source]),
		[
			[12, "full dump"],
			[40, "grouped profile"],
		],
	);
	const [dump] = told.pictures;
	assert.deepEqual(dump.clusters, [{ kind: "channel send", blocking: "main.leak", count: 12, groups: [0] }]);
	const [group] = dump.groups;
	assert.deepEqual(group.creators, [{ func: "main.main", file: "/srv/main.go", line: 9, count: 12 }]);
	assert.deepEqual(group.ages, { leastMinutes: 7, medianMinutes: 7, mostMinutes: 7 });
	assert.deepEqual(group.example, { goroutine: 2, offset: 0 });
	assert.match(group.quote, /^goroutine 2 \[chan send, 7 minutes\]:\nmain\.leak\(0xc0002\)\n/);

	const diff = JSON.parse((await run("--diff", DUMP, PROFILE, "--json")).stdout);
	assert.equal(diff.schema, "plumbline.goroutines/1");
	assert.deepEqual(
		diff.diff.changes.map((c: { status: string; difference: number }) => [c.status, c.difference]),
		[["grown", 28]],
	);
});

test("a running service", async (t) => {
	const server = createServer((request, response) => {
		const debug = /^\/debug\/pprof\/goroutine\?debug=([12])/.exec(request.url ?? "")?.[1];
		if (debug === undefined) response.writeHead(404).end();
		else response.end(debug === "1" ? profileOf(12) : dumpOf(12));
	});
	await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
	t.after(() => {
		server.closeAllConnections();
		server.close();
	});
	const { code, stdout } = await run("--pprof", `127.0.0.1:${(server.address() as AddressInfo).port}`);
	assert.equal(code, 0);
	assert.match(stdout, /12 goroutines in 1 group, 1 cluster/);
	assert.match(stdout, /12 channel send: main\.leak/);
});

const WRONG: readonly (readonly [readonly string[], RegExp])[] = [
	[[], /say what to look at: FILE, --pid N or --pprof URL/],
	[["--diff"], /--diff wants two FILEs, or one capture, not 0/],
	[["--diff", "a", "b", "c"], /--diff wants two FILEs, or one capture, not 3/],
	[["--diff", "a", "--pid", "1"], /--diff compares files/],
	[["a", "--pid", "1"], /give FILEs, or --pid N or --pprof URL, not both/],
	[[DUMP, "--top", "0"], /--top wants a number/],
	[["--nonsense"], /nonsense/],
];

for (const [args, says] of WRONG) {
	test(`wrong usage: goroutines ${args.join(" ")}`, async () => {
		const { code, stdout, stderr } = await run(...args);
		assert.deepEqual([code, stdout], [2, ""]);
		assert.match(stderr, says);
	});
}

const UNREADABLE: readonly (readonly [string, readonly string[], RegExp])[] = [
	["no such file", ["nowhere"], /no such file/],
	["a folder", ["."], /folder/],
	["empty", [file("empty", "")], /empty/],
	["something else", [file("note.md", "# Notes\n\nnothing of Go\n")], /Notes/],
	["a heap page", [file("heap.txt", "heap profile: 0: 0 [0: 0] @ heap/1048576\n")], /holds no goroutines/],
	["half a capture", [file("half.plumb", new Uint8Array([0x1f, 0x8b, 8, 0, 0, 0]))], /half\.plumb/],
	["one dump for --diff", ["--diff", DUMP], /one sample of goroutines only/],
	["one of two", [DUMP, "nowhere"], /no such file/],
];

for (const [name, args, says] of UNREADABLE) {
	test(`not readable: ${name}`, async () => {
		const { code, stderr } = await run(...args);
		assert.equal(code, 3, stderr);
		assert.match(stderr, says);
	});
}

test("a dump that was cut is shown as far as it goes, and it says so", async () => {
	const { code, stdout } = await run(file("cut.txt", dumpOf(5).slice(0, -40)));
	assert.equal(code, 0);
	assert.match(stdout, /5 goroutines/);
	assert.match(stdout, /ends in the middle of the line/);
});

test("names from outside cannot steer the terminal", async () => {
	const { stdout } = await run(
		file("evil.txt", dumpOf(3).replaceAll("main.leak", "main.\u202eleak\u001b[2J")),
	);
	assert.doesNotMatch(stdout, /(?!\n)\p{Cc}|\u202e/u);
});
