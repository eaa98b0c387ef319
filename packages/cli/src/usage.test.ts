import assert from "node:assert/strict";
import { execFile, execFileSync, spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { runPlumbline, STACK_TRACE } from "./testing/run-plumbline.ts";

const folder = mkdtempSync(join(tmpdir(), "plumbline-usage-test-"));
after(() => rmSync(folder, { recursive: true }));
const launcher = join(import.meta.dirname, "..", "bin", "plumbline");

test("every command has help with an example", async () => {
	const commands = [
		[],
		["diagnose"],
		["capture"],
		["ledger"],
		["demo"],
		["lab"],
		["lab", "list"],
		["lab", "run"],
		["goroutines"],
	];
	const aid = [
		["dns"],
		["dns", "check"],
		["dns", "trace"],
		["gateway"],
		["gateway", "run"],
		["gateway", "check"],
		["gateway", "import"],
		["doctor"],
		["reclaim"],
		["reclaim", "time-wait"],
	];
	for (const command of [...commands, ...aid, ["completion"], ["version"]]) {
		const { code, stdout, stderr } = await runPlumbline([...command, "--help"]);
		assert.equal(code, 0, command.join(" "));
		assert.equal(stderr, "");
		assert.match(stdout, /USAGE\n {2}plumbline/);
		if (command[0] !== "reclaim") assert.match(stdout, /\n {4}\S|EXAMPLES\n/, command.join(" "));
	}
	const { stdout } = await runPlumbline(["diagnose", "--help"]);
	assert.match(stdout, /plumbline diagnose --pid 4711\n/);
	assert.match(stdout, /EXIT STATUS/);
});

test("wrong usage: one clear line, the closest flag, exit 2", async () => {
	const cases: [string[], RegExp][] = [
		[["diagnose", "--pidd", "7"], /No flag registered for --pidd, did you mean --pid\?/],
		[["diagnos"], /No command registered for `diagnos`, did you mean `diagnose`\?/],
		[["diagnose"], /say what to diagnose: --pid N, --pprof URL, or --from FILE\.plumb/],
		[["diagnose", "--pid", "zero"], /wants a process id such as 4711, not "zero"/],
		[["diagnose", "--pid"], /Expected input for flag --pid/],
		[["diagnose", "--pid", "1", "--window", "1h"], /wants a time from 1s to 10m such as 10s, not "1h"/],
		[["diagnose", "--pprof", "ftp://x"], /wants an http or https address such as 127\.0\.0\.1:6060/],
		[["diagnose", "--pid", "1", "--json", "--markdown"], /--json and --markdown exclude each other/],
		[["diagnose", "--from", "x", "--pid", "1"], /it goes with no live flag/],
		[
			["diagnose", "--pid", "1", "--db", "oracle://me:hunter2@h/db"],
			/"oracle:\/\/me:\*\*\*@h\/db" is no database URL/,
		],
		[["diagnose", "--from", ""], /--from wants the name of a file/],
		[["diagnose", "--pid", "1", "--save", ""], /--save wants the name of a file/],
		[["capture", "--pid", "1", "-o", ""], /--output wants the name of a file/],
		[["diagnose", "4711"], /no file "4711", did you mean --pid 4711\?/],
		[["diagnose", "https://x/dump"], /FILE wants the name of a file, not "https:\/\/x\/dump"/],
		[["diagnose", "--metrics", "./no-such-page.txt"], /--metrics: no file "\.\/no-such-page\.txt"/],
		[["diagnose", "--metrics", "no-such-page.txt"], /--metrics: no file "no-such-page\.txt"/],
		[["diagnose", launcher, "--leak-profile"], /they go with no flag for a running service/],
		[["diagnose", "--from", "x", "--profile-seconds", "3"], /it goes with no live flag/],
		[["diagnose", "--from", "x", "--no-ledger"], /it goes with no live flag/],
		[
			["diagnose", "--pid", "1", "--profile-seconds", "0"],
			/wants a whole number of seconds such as 5, not "0"/,
		],
		[
			["diagnose", "--pid", "1", "--trace-seconds", "-1"],
			/wants a whole number of seconds such as 3, not "-1"/,
		],
		[["goroutines", "4711"], /no file "4711", did you mean --pid 4711\?/],
		[["goroutines", "-", "-"], /standard input \(-\) can be read once/],
		[["diagnose", "--pid", "1", launcher], /they go with no flag for a running service/],
		[["diagnose", "--from", "x", launcher], /it goes with no other file/],
		[["diagnose", "-", "-"], /standard input \(-\) can be read once/],
		[["capture", "--pid", "1"], /Expected input for flag --output/],
		[["lab", "run"], /name programs, or say --all/],
		[["lab", "run", "no-such-program"], /no scenario no-such-program/],
		[["completion", "tcsh"], /wants one of bash, zsh, fish, not "tcsh"/],
	];
	for (const [args, expected] of cases) {
		const { code, stdout, stderr } = await runPlumbline(args);
		const called = args.join(" ");
		assert.equal(code, 2, called);
		assert.equal(stdout, "", called);
		assert.match(stderr, expected, called);
		assert.ok(stderr.trimEnd().split("\n").length <= 2, `${called}: ${stderr}`);
		assert.doesNotMatch(stderr, STACK_TRACE, called);
	}
});

test("a password on the command line is not repeated in an error", async () => {
	const db = "oracle://me:hunter2@h/db";
	const { stderr } = await runPlumbline(["diagnose", "--pid", "1", "--db", db]);
	assert.doesNotMatch(stderr, /hunter2/);
	const env = { PLUMBLINE_DB: db };
	const fromEnv = await runPlumbline(["diagnose", "--pid", "1"], { env });
	assert.equal(fromEnv.code, 2);
	assert.match(fromEnv.stderr, /PLUMBLINE_DB: "oracle.* is no database URL/);
	assert.doesNotMatch(fromEnv.stderr, /hunter2/);
});

test("nor in any other complaint about the command line", async () => {
	const url = "postgres://me:hunter2@h/db";
	const cases = [
		[url],
		["diagnose", url],
		["diagnose", "--db", url, "--db", url],
		["diagnose", `--json=${url}`],
		["diagnose", "--db", "me:hunter2@h:5432/db"],
		["diagnose", "--db", "host=h user=me password=hunter2"],
		["diagnose", "--db", "me:hunter2@tcp(h:3306)/db"],
		["diagnose", "--db", "postgres://me:hun hunter2@h:port/db"],
		["diagnose", "--pprof", "http://me:hunter2@h:99999999"],
		["diagnose", "--metrics", "me:hunter2@h:port/metrics"],
		["diagnose", "--pprof", "http://h:1:1/?token=hunter2"],
		["completion", url],
	];
	for (const args of cases) {
		const { code, stderr } = await runPlumbline(args);
		assert.equal(code, 2, args.join(" "));
		assert.notEqual(stderr, "");
		assert.doesNotMatch(stderr, /hunter2/, args.join(" "));
	}
});

test("the version is that of the package, by command and by flag", async () => {
	for (const args of [["version"], ["--version"], ["-v"]]) {
		const { code, stdout } = await runPlumbline(args);
		assert.equal(code, 0);
		assert.match(stdout, /^plumbline \d+\.\d+\.\d+ \(node 2[4-9]\.\d+\.\d+\)\n$/);
	}
});

test("the launcher works through symlinks and from any folder", () => {
	const link = join(folder, "by-link");
	symlinkSync(launcher, link);
	symlinkSync("by-link", join(folder, "by-second-link"));
	const run = (command: string) => execFileSync(command, ["version"], { cwd: folder, encoding: "utf8" });
	assert.match(run("./by-second-link"), /^plumbline /);
	assert.match(execFileSync("sh", [launcher, "version"], { cwd: "/", encoding: "utf8" }), /^plumbline /);
});

test("without a Node new enough the launcher says so in one line", async () => {
	copyFileSync(launcher, join(folder, "plumbline"));
	writeFileSync(join(folder, "node"), "#!/bin/sh\necho v20.20.2\n", { mode: 0o755 });
	const env = { PATH: `${folder}:/usr/bin:/bin` };
	const error = await new Promise<{ code?: unknown; stderr?: string }>((resolve) =>
		execFile(join(folder, "plumbline"), ["version"], { env }, (failed, _, stderr) =>
			resolve({ code: failed?.code, stderr }),
		),
	);
	assert.equal(error.code, 3);
	assert.match(error.stderr ?? "", /^plumbline: no Node 24 or newer found; run 'npm ci'[^\n]*\n$/);
});

test("completion: each shell's script, and what it asks for", async () => {
	for (const shell of ["bash", "zsh", "fish"]) {
		const { code, stdout } = await runPlumbline(["completion", shell]);
		assert.equal(code, 0);
		assert.match(stdout, /plumbline __complete/);
	}
	const propose = async (...words: string[]) => {
		const { stdout } = await runPlumbline(["__complete", ...words]);
		return stdout.split("\n").flatMap((line) => line.split("\t", 1)[0] || []);
	};
	assert.deepEqual(await propose("dia"), ["diagnose"]);
	assert.deepEqual((await propose("diagnose", "--p")).slice(0, 2), ["--pid", "--pprof"]);
	assert.deepEqual(await propose("completion", ""), ["bash", "zsh", "fish"]);
	assert.deepEqual(await propose("gateway", ""), ["run", "check", "import", "-c", "--config"]);
	assert.deepEqual(await propose("gateway", "ch"), ["check"]);
	assert.ok((await propose("gateway", "check", "--")).includes("--json"));
	assert.ok((await propose("lab", "run", "tx")).includes("tx-error-background"));
});

test("bash completes with the script", async (t) => {
	const { stdout: script } = await runPlumbline(["completion", "bash"]);
	const path = join(folder, "completion.bash");
	writeFileSync(path, script);
	const drive = `. ${path}; COMP_WORDS=(plumbline diagnose --goroutines-); COMP_CWORD=2; _plumbline 2>/dev/null; echo "\${COMPREPLY[*]}"`;
	symlinkSync(launcher, join(folder, "bin-plumbline"));
	const withCommand = `plumbline() { '${launcher}' "$@"; }; ${drive}`;
	try {
		assert.equal(execFileSync("bash", ["-c", withCommand], { encoding: "utf8" }), "--goroutines-max\n");
	} catch (error) {
		if (error instanceof Error && "code" in error && error.code === "ENOENT") t.skip("missing tool: bash");
		else throw error;
	}
});

test("a reader that goes away is no error", () => {
	const text = execFileSync(
		"sh",
		["-c", `'${launcher}' diagnose --help | head -1; '${launcher}' lab list | true`],
		{
			encoding: "utf8",
			stdio: ["ignore", "pipe", "pipe"],
		},
	);
	assert.equal(text, "USAGE\n");
});

test("a result that cannot be written is no success, and said in one line", (t) => {
	if (!existsSync("/dev/full")) return t.skip("not possible here: no /dev/full");
	const { status, stderr } = spawnSync("sh", ["-c", `'${launcher}' version > /dev/full`], {
		encoding: "utf8",
	});
	assert.equal(status, 3);
	assert.match(stderr, /^plumbline: the result cannot be written: .*ENOSPC.*\n$/);
});
