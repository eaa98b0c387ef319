/** Reading rights: made-up machines as folder trees, and this one against what setpriv(1) takes away. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { readHostRights } from "./rights.ts";
import { readCapabilities } from "./rights-capabilities.ts";
import { readConfinement } from "./rights-confinement.ts";
import { isAtLeast, readKernelSettings } from "./rights-settings.ts";
import { readTargetRights } from "./rights-target.ts";

const folder = mkdtempSync(join(tmpdir(), "plumbline-rights-test-"));
after(() => rmSync(folder, { recursive: true }));
let machines = 0;

/** A root folder with these files; a value that starts with `->` is a link. */
function machine(files: Readonly<Record<string, string>>): string {
	const root = join(folder, String(machines++));
	mkdirSync(root);
	for (const [path, text] of Object.entries(files)) {
		mkdirSync(dirname(join(root, path)), { recursive: true });
		if (text.startsWith("->")) symlinkSync(text.slice(2), join(root, path));
		else writeFileSync(join(root, path), text);
	}
	return root;
}

const HOST_USERS = "         0          0 4294967295\n";

test("a plain host has no walls", () => {
	const root = machine({
		"proc/self/status": "Name:\tnode\nNoNewPrivs:\t0\nSeccomp:\t0\n",
		"proc/self/uid_map": HOST_USERS,
		"proc/self/ns/pid": "->pid:[4026531836]",
		"proc/self/cgroup": "0::/user.slice/user-1000.slice/session-2.scope\n",
	});
	assert.deepEqual(readConfinement(root), {
		noNewPrivileges: false,
		seccomp: "off",
		ownUserNamespace: false,
		ownPidNamespace: false,
		kubernetes: false,
	});
});

test("a pod shows in its cgroup, its token's folder, its filter and its namespaces", () => {
	const root = machine({
		"proc/self/status": "NoNewPrivs:\t1\nSeccomp:\t2\n",
		"proc/self/uid_map": "         0     100000      65536\n",
		"proc/self/ns/pid": "->pid:[4026532456]",
		"proc/self/cgroup": "0::/kubepods/burstable/pod1234/abcd\n",
		"var/run/secrets/kubernetes.io/serviceaccount/token": "x",
	});
	assert.deepEqual(readConfinement(root), {
		noNewPrivileges: true,
		seccomp: "filter",
		ownUserNamespace: true,
		ownPidNamespace: true,
		containerSign: "its cgroup",
		kubernetes: true,
	});
	assert.equal(readConfinement(machine({ ".dockerenv": "" })).containerSign, "/.dockerenv");
	assert.equal(readConfinement(machine({ "run/.containerenv": "" })).containerSign, "/run/.containerenv");
});

test("what a kernel does not tell is absent, never a default", () => {
	const root = machine({});
	assert.deepEqual(readConfinement(root), { kubernetes: false });
	assert.deepEqual(readKernelSettings(root), { release: "unknown", btf: false, uprobeSource: false });
	assert.equal(isAtLeast("unknown", 0, 0), false);
});

test("settings are read from their files", () => {
	const root = machine({
		"proc/sys/kernel/osrelease": "6.8.0-49-generic\n",
		"proc/sys/kernel/yama/ptrace_scope": "1\n",
		"proc/sys/kernel/unprivileged_bpf_disabled": "2\n",
		"proc/sys/kernel/perf_event_paranoid": "-1\n",
		"sys/kernel/security/lockdown": "none [integrity] confidentiality\n",
		"sys/kernel/btf/vmlinux": "",
		"sys/bus/event_source/devices/uprobe/type": "9\n",
	});
	assert.deepEqual(readKernelSettings(root), {
		release: "6.8.0-49-generic",
		ptraceScope: 1,
		unprivilegedBpfDisabled: 2,
		perfEventParanoid: -1,
		lockdown: "integrity",
		btf: true,
		uprobeSource: true,
	});
	assert.deepEqual(
		[
			["6.8.0-49-generic", 6, 8],
			["6.10.1", 6, 9],
			["7.0-rc1", 6, 10],
			["6.8.0", 6, 10],
			["5.15.0", 6, 0],
		].map(([release, major, minor]) => isAtLeast(String(release), Number(major), Number(minor))),
		[true, true, true, false, false],
	);
});

test("capabilities are bits by their numbers", () => {
	const status = (effective: string) => ({
		"self/status": `CapEff:\t${effective}\nCapBnd:\t000001ffffffffff\n`,
	});
	const held = (effective: string) => {
		const reading = readCapabilities(machine(status(effective)));
		assert.ok(reading.kind === "read");
		assert.equal(reading.value.bounding.size, 8);
		return [...reading.value.effective];
	};
	assert.deepEqual(held("0000000000000000"), []);
	assert.deepEqual(held("000000c000000000"), ["CAP_PERFMON", "CAP_BPF"]);
	assert.deepEqual(held("0000000001281006"), [
		"CAP_DAC_OVERRIDE",
		"CAP_DAC_READ_SEARCH",
		"CAP_NET_ADMIN",
		"CAP_SYS_PTRACE",
		"CAP_SYS_ADMIN",
		"CAP_SYS_RESOURCE",
	]);
	const odd = readCapabilities(machine({ "self/status": "Name:\tnode\n" }));
	assert.ok(odd.kind === "refused");
});

test("of ourselves everything can be read; we are no Go program; a pid that is not there is refused", () => {
	const reading = readTargetRights(process.pid);
	assert.ok(reading.kind === "read");
	const { descriptors, executable, memory, go, namespaces, uid } = reading.value;
	assert.deepEqual([descriptors.kind, executable.kind, memory.kind], ["read", "read", "read"]);
	assert.ok(go.kind === "refused" && go.code === "absent");
	assert.deepEqual(namespaces.net, { kind: "read", value: "ours" });
	assert.equal(uid, process.geteuid?.());
	assert.equal(readTargetRights(2 ** 22 + 1).kind, "refused");
});

test("what may not be tried is refused with its code: BPF and tracefs, as nobody", async (t) => {
	const { trials } = await readHostRights(process.env.PATH ?? "");
	assert.equal(trials.koffi.kind, "read");
	if (process.geteuid?.() !== 0) return t.skip("not possible here: not root, so nobody else can be asked");
	const script = `import(${JSON.stringify(import.meta.resolve("./rights.ts"))})
		.then(({ readHostRights }) => readHostRights(process.env.PATH))
		.then(({ uid, trials }) => console.log(JSON.stringify({ uid, trials })))`;
	const asNobody = ["--reuid=65534", "--clear-groups", process.execPath, "-e", script];
	const nobody = JSON.parse(execFileSync("setpriv", asNobody, { encoding: "utf8" }));
	assert.equal(nobody.uid, 65534);
	assert.equal(nobody.trials.koffi.kind, "read");
	for (const trial of ["bpfProgram", "uprobeMulti", "tracefs"]) {
		assert.equal(nobody.trials[trial].code, "denied", trial);
	}
});
