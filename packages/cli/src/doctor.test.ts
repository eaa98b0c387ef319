/** The doctor's word against the kernel's: as root, as nobody, with what it says granted, and within walls. */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { DoctorReport } from "./doctor-report.ts";
import { runPlumbline, STACK_TRACE } from "./testing/run-plumbline.ts";

const LAUNCHER = join(import.meta.dirname, "..", "bin", "plumbline");
const NOBODY = ["setpriv", "--reuid=65534", "--clear-groups"];

function isUnprivileged(t: TestContext): boolean {
	if (process.geteuid?.() === 0) return false;
	t.skip("not possible here: not root, so no other user to ask as");
	return true;
}

/** A process of root's, alive until the test ends. */
async function sleeper(t: TestContext): Promise<number> {
	const child = spawn(process.execPath, ["-e", "console.log(1); process.stdin.resume()"], {
		stdio: ["pipe", "pipe", "inherit"],
	});
	t.after(() => child.kill());
	await once(child.stdout, "data");
	return child.pid ?? 0;
}

function doctorAs(prefix: readonly string[], args: readonly string[]): DoctorReport {
	const [command = "", ...rest] = [...prefix, LAUNCHER, "doctor", "--json", ...args];
	const { status, stdout, stderr } = spawnSync(command, rest, { encoding: "utf8" });
	assert.equal(status, 0, stderr);
	return JSON.parse(stdout);
}

function stateOf({ abilities }: DoctorReport, wanted: string): string | undefined {
	return abilities.find(({ id }) => id === wanted)?.state;
}

test("without any right it answers, and says what it would need", async () => {
	const { code, stdout, stderr } = await runPlumbline(["doctor", "--pid", String(process.pid)]);
	assert.equal(code, 0);
	assert.equal(stderr, "");
	assert.match(stdout, /^This host and user\n/);
	assert.match(stdout, /yes +list TCP sockets/);
	assert.match(stdout, /not a Go executable/);
});

test("a process that is not there is an error in one line", async () => {
	const { code, stdout, stderr } = await runPlumbline(["doctor", "--pid", "4194304"]);
	assert.deepEqual([code, stdout], [3, ""]);
	assert.match(stderr, /^plumbline: .*4194304.*\n$/);
	assert.doesNotMatch(stderr, STACK_TRACE);
});

test("nobody, given what the doctor names, can what it could not", async (t) => {
	if (isUnprivileged(t)) return;
	const pid = ["--pid", String(await sleeper(t))];
	const before = doctorAs(NOBODY, pid);
	assert.equal(before.target?.sameUser, false);
	const wanted = ["socket-owners", "go-binary", "ledger-sockets"];
	for (const id of wanted) assert.equal(stateOf(before, id), "no", id);

	const [, , caps] =
		/--inh-caps=(\S+) --ambient-caps=(\S+) /.exec(before.grants.flatMap(({ lines }) => lines).join("\n")) ??
		[];
	const after = doctorAs([...NOBODY, `--inh-caps=${caps}`, `--ambient-caps=${caps}`], pid);
	assert.deepEqual(
		[after.target?.descriptors.ok, after.target?.executable.ok, after.target?.memory.ok],
		[true, true, true],
	);
	assert.equal(stateOf(after, "socket-owners"), "yes");
	assert.equal(stateOf(after, "ledger-sockets"), "yes");
	assert.deepEqual(after.grants, []);
});

test("BPF is judged as the kernel judges it", (t) => {
	if (isUnprivileged(t)) return;
	const asRoot = doctorAs([], []);
	if (!asRoot.host.trials.bpfProgram.ok) return t.skip("not possible here: this kernel gives root no BPF");
	assert.equal(stateOf(asRoot, "ledger"), "yes");
	const without = doctorAs(["setpriv", "--bounding-set=-bpf,-perfmon,-sys_admin"], []);
	assert.equal(without.host.trials.bpfProgram.ok, false);
	assert.equal(stateOf(without, "ledger"), "no");
	assert.equal(without.grants[0]?.by, "not here");
	const caps = "+bpf,+perfmon";
	const able = doctorAs([...NOBODY, `--inh-caps=${caps}`, `--ambient-caps=${caps}`], []);
	assert.deepEqual([stateOf(able, "ledger"), able.host.trials.tracepoint.ok], ["yes", true]);
	assert.equal(stateOf(able, "events"), able.host.settings.btf ? "yes" : "partly");
	assert.equal(doctorAs(NOBODY, []).host.trials.tracepoint.ok, false);
});

test("walls are seen: a user namespace, no_new_privs, another network namespace", async (t) => {
	if (isUnprivileged(t)) return;
	if (spawnSync("unshare", ["--user", "--map-root-user", "true"]).status !== 0) {
		return t.skip("not possible here: no right to make a user namespace");
	}
	const pid = ["--pid", String(await sleeper(t))];
	const inside = doctorAs(["unshare", "--user", "--map-root-user", "--net"], pid);
	assert.equal(inside.host.confinement.ownUserNamespace, true);
	assert.deepEqual([stateOf(inside, "ledger-sockets"), stateOf(inside, "reclaim")], ["no", "partly"]);
	const bound = doctorAs([...NOBODY, "--no-new-privs"], []);
	assert.equal(bound.host.confinement.noNewPrivileges, true);
	assert.ok(bound.grants.every(({ by }) => by !== "sudo"));
	const apart = doctorAs(["unshare", "--net"], pid);
	assert.equal(apart.target?.namespaces.net, "other");
});
