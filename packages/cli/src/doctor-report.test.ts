/** The table from rights to abilities, costs and grants, over made-up hosts. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Reading, read, refused } from "@plumbline/kernel/reading";
import type { HostRights } from "@plumbline/kernel/rights";
import type { Capability } from "@plumbline/kernel/rights-capabilities";
import type { TargetRights } from "@plumbline/kernel/rights-target";
import { doctorReport } from "./doctor-report.ts";
import { doctorText } from "./doctor-text.ts";

const ALL: readonly Capability[] = [
	"CAP_DAC_OVERRIDE",
	"CAP_DAC_READ_SEARCH",
	"CAP_NET_ADMIN",
	"CAP_SYS_PTRACE",
	"CAP_SYS_ADMIN",
	"CAP_SYS_RESOURCE",
	"CAP_PERFMON",
	"CAP_BPF",
];
const DENIED = refused("denied", "EPERM (1)");

interface Made {
	readonly effective?: readonly Capability[];
	readonly bounding?: readonly Capability[];
	readonly release?: string;
	readonly confinement?: Partial<HostRights["confinement"]>;
	readonly trials?: Partial<HostRights["trials"]>;
	readonly settings?: Partial<HostRights["settings"]>;
}

function host(made: Made = {}): HostRights {
	const { effective = ALL, bounding = ALL, release = "6.18.1" } = made;
	const has = (name: Capability) => effective.includes(name) || effective.includes("CAP_SYS_ADMIN");
	const bpf: Reading<true> = has("CAP_BPF") && has("CAP_PERFMON") ? read(true) : DENIED;
	return {
		uid: effective.length === ALL.length ? 0 : 1000,
		capabilities: read({ effective: new Set(effective), bounding: new Set(bounding) }),
		confinement: { kubernetes: false, ...made.confinement },
		settings: { release, btf: true, uprobeSource: true, ...made.settings },
		trials: {
			koffi: read(true),
			ss: read("/usr/bin/ss"),
			bpfMap: bpf,
			bpfProgram: bpf,
			uprobeMulti: bpf,
			tracepoint: bpf,
			tracefs: effective.includes("CAP_SYS_ADMIN") ? read("/sys/kernel/tracing") : DENIED,
			...made.trials,
		},
	};
}

function target(made: Partial<TargetRights> = {}): TargetRights {
	const ours = read("ours" as const);
	return {
		pid: 4711,
		comm: "orders",
		uid: 1000,
		namespaces: { net: ours, mnt: ours, pid: ours, user: ours },
		descriptors: read(true),
		executable: read(true),
		go: read("go1.27.1"),
		memory: read(true),
		...made,
	};
}

/** Of another user, for whom nothing is open. */
const GUARDED = target({
	uid: 0,
	namespaces: { net: DENIED, mnt: DENIED, pid: DENIED, user: DENIED },
	descriptors: DENIED,
	executable: DENIED,
	go: DENIED,
	memory: DENIED,
});

function states(rights: HostRights, seen?: TargetRights): Record<string, string> {
	const { abilities } = doctorReport(rights, seen);
	return Object.fromEntries(abilities.map(({ id, state }) => [id, state]));
}

function missing(rights: HostRights, id: string, seen?: TargetRights): readonly Capability[] {
	return doctorReport(rights, seen).abilities.find((ability) => ability.id === id)?.missing ?? [];
}

test("root of a plain host can do everything; nothing costs, nothing is to be granted", () => {
	const report = doctorReport(host(), target());
	assert.deepEqual(new Set(report.abilities.map(({ state }) => state)), new Set(["yes"]));
	assert.ok(report.abilities.every((ability) => ability.cost === undefined));
	assert.deepEqual([report.grants, report.reclaimGrants], [[], []]);
});

test("every ability that is not whole says what it costs", () => {
	for (const rights of [host({ effective: [] }), host({ trials: { koffi: DENIED, ss: DENIED } })]) {
		for (const process of [undefined, target(), GUARDED]) {
			for (const { id, state, cost, why } of doctorReport(rights, process).abilities) {
				assert.equal(cost === undefined, state === "yes", id);
				assert.notEqual(why, "", id);
			}
		}
	}
});

test("an ordinary user keeps a ledger of an own process, and follows connections, with BPF and PERFMON alone", () => {
	assert.deepEqual(missing(host({ effective: [] }), "ledger", target()), ["CAP_BPF", "CAP_PERFMON"]);
	const able = host({ effective: ["CAP_BPF", "CAP_PERFMON"] });
	assert.deepEqual(states(able, target()), {
		sockets: "yes",
		"socket-owners": "yes",
		"go-binary": "yes",
		ledger: "yes",
		"ledger-sockets": "yes",
		events: "yes",
		reclaim: "no",
	});
});

test("events: by BPF with types, else by tracefs outside of containers, else by BPF without", () => {
	const verdict = (made: Made) => {
		const { state, why, missing } =
			doctorReport(host(made), undefined).abilities.find(({ id }) => id === "events") ?? assert.fail();
		return [state, why, missing.join(" ")];
	};
	const [untyped, contained] = [{ btf: false }, { ownPidNamespace: true }];
	const noBpf = { tracepoint: refused("unsupported", "no such map") };
	const BPF: readonly Capability[] = ["CAP_BPF", "CAP_PERFMON"];
	assert.deepEqual(verdict({ effective: BPF }), ["yes", "by BPF on a tracepoint", ""]);
	assert.deepEqual(verdict({ settings: untyped }), ["yes", "by tracefs: /sys/kernel/tracing", ""]);
	assert.deepEqual(verdict({ trials: noBpf }), ["yes", "by tracefs: /sys/kernel/tracing", ""]);
	assert.equal(verdict({ effective: BPF, settings: untyped })[0], "partly");
	assert.equal(verdict({ confinement: contained, settings: untyped })[0], "partly");
	assert.match(
		String(verdict({ confinement: contained, trials: noBpf })),
		/^no,no such map; tracefs names threads as the host does/,
	);
	assert.deepEqual(verdict({ effective: [] }), [
		"no",
		"not held: CAP_BPF, CAP_PERFMON",
		"CAP_BPF CAP_PERFMON",
	]);
	assert.deepEqual(verdict({ effective: BPF, release: "5.10.0" }), [
		"no",
		"not held: CAP_SYS_RESOURCE",
		"CAP_SYS_RESOURCE",
	]);
	assert.deepEqual(verdict({ effective: [], release: "5.4.0" })[2], "", "no right helps, but all of root's");
});

test("for another user's process two guards are to be passed, the kernel's and the file's", () => {
	const able = host({ effective: ["CAP_BPF", "CAP_PERFMON"] });
	assert.deepEqual(missing(able, "ledger", GUARDED), ["CAP_SYS_PTRACE"]);
	for (const id of ["socket-owners", "ledger-sockets"]) {
		assert.deepEqual(missing(able, id, GUARDED), ["CAP_SYS_PTRACE", "CAP_DAC_READ_SEARCH"]);
	}
	assert.deepEqual(missing(able, "namespace", GUARDED), ["CAP_SYS_PTRACE"]);
});

test("older kernels: perf uprobes want SYS_ADMIN, before 5.11 SYS_RESOURCE too; no reclaim before 6.0", () => {
	const effective: readonly Capability[] = ["CAP_BPF", "CAP_PERFMON", "CAP_NET_ADMIN"];
	assert.deepEqual(missing(host({ effective, release: "6.8.0" }), "ledger"), ["CAP_SYS_ADMIN"]);
	assert.deepEqual(missing(host({ effective, release: "5.10.0" }), "ledger"), [
		"CAP_SYS_ADMIN",
		"CAP_SYS_RESOURCE",
	]);
	assert.equal(states(host({ effective, release: "6.1.0" })).reclaim, "yes");
	assert.equal(states(host({ effective, release: "5.15.0" })).reclaim, "no");
	const bare = { uprobeSource: false };
	assert.equal(states(host({ release: "4.14.0", settings: bare })).ledger, "no");
});

test("a program that is not Go: no right helps the ledger, and none is asked for it", () => {
	const other = target({ go: refused("absent", "no Go build info") });
	const report = doctorReport(host({ effective: [] }), other);
	const ledger = report.abilities.find(({ id }) => id === "ledger");
	assert.equal(ledger?.state, "no");
	assert.match(ledger?.cost ?? "", /Go programs only/);
	assert.deepEqual(ledger?.missing, []);
});

test("rights held in vain are told as such: a user namespace, and Yama at 3", () => {
	const inside = host({
		confinement: { ownUserNamespace: true },
		trials: { bpfMap: DENIED, uprobeMulti: DENIED },
	});
	const report = doctorReport(inside, { ...GUARDED, uid: 1000 });
	const owners = report.abilities.find(({ id }) => id === "socket-owners");
	assert.match(owners?.why ?? "", /whose root is not the host's/);
	assert.deepEqual([owners?.missing, states(inside).ledger, states(inside).reclaim], [[], "no", "partly"]);
	const yama = host({ settings: { ptraceScope: 3 } });
	const memory = doctorReport(yama, GUARDED).abilities.find(({ id }) => id === "ledger-sockets");
	assert.match(memory?.why ?? "", /until the next boot/);
});

test("how it is granted depends on where we are", () => {
	const ways = (made: Made) =>
		doctorReport(host({ effective: [], ...made }), target()).grants.map(({ by }) => by);
	assert.deepEqual(ways({}), ["sudo", "setpriv", "systemd"]);
	assert.deepEqual(ways({ confinement: { noNewPrivileges: true } }), ["not here", "systemd"]);
	assert.deepEqual(ways({ bounding: [] }), ["not here", "systemd"]);
	const contained = { containerSign: "/.dockerenv", ownPidNamespace: true };
	assert.deepEqual(ways({ confinement: contained }), ["sudo", "setpriv", "docker", "kubectl"]);
	assert.deepEqual(ways({ confinement: contained, bounding: [] }), ["not here", "docker", "kubectl"]);
	assert.deepEqual(ways({ confinement: { ...contained, kubernetes: true }, bounding: [] }), [
		"not here",
		"kubectl",
	]);
	assert.deepEqual(ways({ confinement: { ownUserNamespace: true } }), ["not here", "docker", "kubectl"]);
});

test("grants name the missing rights and no others, and never setcap", () => {
	const report = doctorReport(host({ effective: ["CAP_PERFMON"] }), target());
	const lines = report.grants.flatMap((grant) => grant.lines).join("\n");
	assert.match(lines, /--inh-caps=\+bpf --ambient-caps=\+bpf "/);
	assert.match(lines, /AmbientCapabilities=CAP_BPF\n/);
	assert.doesNotMatch(lines, /PERFMON|NET_ADMIN|setcap/);
	assert.match(report.reclaimGrants[1]?.lines.join("\n") ?? "", /--inh-caps=\+net_admin/);
});

test("the text says it in lines that fit, and reclaim's ways once", () => {
	const text = doctorText(doctorReport(host({ effective: [] }), GUARDED), { columns: 80, color: false });
	assert.match(text, /^This host and user\n/);
	assert.match(text, /^Process 4711 \(orders\)$/m);
	assert.match(text, /^ {2}namespace not told: net, mnt, pid, user$/m);
	assert.match(text, /^ {2}no +keep a borrow ledger/m);
	assert.match(text, /^ {12}costs: tx-open, rows-open and conn-held/m);
	assert.equal(text.match(/setpriv --reuid/g)?.length, 1);
	assert.match(text, /the same with NET_ADMIN added/);
});
