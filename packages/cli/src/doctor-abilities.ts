/**
 * From rights to what they are good for: what Plumbline can do here, what is missing for the rest, and what
 * that costs in findings. Pure.
 */
import type { Reading } from "@plumbline/kernel/reading";
import type { HostRights } from "@plumbline/kernel/rights";
import type { Capability } from "@plumbline/kernel/rights-capabilities";
import { isAtLeast } from "@plumbline/kernel/rights-settings";
import type { TargetRights } from "@plumbline/kernel/rights-target";

export type AbilityId =
	| "sockets"
	| "socket-owners"
	| "namespace"
	| "go-binary"
	| "ledger"
	| "ledger-sockets"
	| "events"
	| "reclaim";

export interface Ability {
	readonly id: AbilityId;
	readonly what: string;
	readonly state: "yes" | "partly" | "no";
	/** How it is done, or what stands in the way. */
	readonly why: string;
	/** What its lack costs. Absent when all is well. */
	readonly cost?: string;
	/** What would have to be granted. Empty where no right helps. */
	readonly missing: readonly Capability[];
}

type Verdict = Pick<Ability, "state" | "why"> & {
	readonly missing?: readonly Capability[];
	/** Where it costs something else than usual. */
	readonly cost?: string;
};

/** One entry an ability: what it is, what its lack costs, and how it is judged; undefined: not asked here. */
interface Entry {
	readonly id: AbilityId;
	readonly what: string;
	readonly cost: string;
	readonly judge: (host: HostRights, target: TargetRights | undefined) => Verdict | undefined;
}

export function abilitiesOf(host: HostRights, target: TargetRights | undefined): readonly Ability[] {
	return ENTRIES.flatMap(({ judge, id, what, cost }) => {
		const verdict = judge(host, target);
		if (verdict === undefined) return [];
		const { state, why, missing = [] } = verdict;
		return [{ id, what, state, why, ...(state === "yes" ? {} : { cost: verdict.cost ?? cost }), missing }];
	});
}

const GO_ONLY = "Plumbline names lines in Go programs only";

const ENTRIES: readonly Entry[] = [
	{
		id: "sockets",
		what: "list TCP sockets with their times and queues",
		cost: "slower, and by /proc/net/tcp without idle times: what a silent connection waits for is weaker evidence",
		judge({ trials }) {
			if (trials.koffi.kind === "read") return { state: "yes", why: "by netlink; needs no right" };
			const { why } = trials.koffi;
			if (trials.ss.kind === "read") return { state: "partly", why: `by ${trials.ss.value}: ${why}` };
			return { state: "partly", why: `by /proc/net/tcp only: ${why}; ${trials.ss.why}` };
		},
	},
	{
		id: "socket-owners",
		what: "tell which process holds a socket",
		cost: "the sockets of such a process cannot be told from others' and not be joined to database sessions: tx-open, rows-open and conn-held stay suspected where sockets would confirm them",
		judge: (host, target) =>
			target === undefined
				? ofAnyProcess(host)
				: ofTarget(host, target, target.descriptors, forFiles(host, target)),
	},
	{
		id: "namespace",
		what: "look into its network namespace",
		cost: "its sockets come from /proc/PID/net/tcp without idle times; its pprof and metrics on loopback cannot be reached",
		judge(host, target) {
			const place = target?.namespaces.net;
			if (target === undefined || (place?.kind === "read" && place.value === "ours")) return undefined;
			if (place?.kind === "refused") return refusedBy(host, place.why, forLinks(host));
			if (has(host, "CAP_SYS_ADMIN"))
				return { state: "yes", why: "it is in another one, and may be entered" };
			return { state: "no", why: "it is in another one", missing: ["CAP_SYS_ADMIN"] };
		},
	},
	{
		id: "go-binary",
		what: "read its executable: Go version and modules",
		cost: "which database driver in which version is not known, and the borrow ledger cannot find its functions",
		judge(host, target) {
			if (target === undefined) return undefined;
			if (target.executable.kind === "refused") {
				return ofTarget(host, target, target.executable, forLinks(host));
			}
			if (target.go.kind === "refused") return { state: "no", why: target.go.why, cost: GO_ONLY };
			return { state: "yes", why: target.go.value || "a Go program that does not tell its version" };
		},
	},
	{
		id: "ledger",
		what: "keep a borrow ledger: which line took a connection and has not returned it",
		cost: "tx-open, rows-open and conn-held by a function that has returned have no holder: no line is named, for no stack is left",
		judge: judgeLedger,
	},
	{
		id: "ledger-sockets",
		what: "follow a borrowed connection to its socket, in the target's memory",
		cost: "the ledger's connections are matched with database sessions by time and statement only",
		judge(host, target) {
			if (target === undefined) return ofAnyProcess(host);
			if (target.memory.kind === "read") return { state: "yes", why: "its memory can be read" };
			if (host.settings.ptraceScope === 3) {
				return { state: "no", why: "kernel.yama.ptrace_scope is 3: nobody may until the next boot" };
			}
			return refusedBy(host, target.memory.why, forFiles(host, target));
		},
	},
	{
		id: "events",
		what: "follow every connection's life by the kernel's events",
		cost: "connections are followed by looking at the socket table in turns: one shorter than a turn is missed",
		judge: judgeEvents,
	},
	{
		id: "reclaim",
		what: "make the kernel forget TIME_WAIT (plumbline reclaim)",
		cost: "no first aid when ports run out; the dry run works",
		judge(host, target) {
			const { trials, settings } = host;
			if (trials.koffi.kind === "refused") return { state: "no", why: trials.koffi.why };
			if (!isAtLeast(settings.release, 6, 0)) {
				return { state: "no", why: `Linux 6.0 or newer is needed, this is ${settings.release}` };
			}
			const place = target?.namespaces.net;
			const inside = place?.kind === "read" && place.value === "other";
			const wanted: readonly Capability[] = inside ? ["CAP_NET_ADMIN", "CAP_SYS_ADMIN"] : ["CAP_NET_ADMIN"];
			const missing = wanted.filter((name) => !has(host, name));
			if (missing.length > 0) return { state: "no", why: `not held: ${missing.join(", ")}`, missing };
			if (!host.confinement.ownUserNamespace) return { state: "yes", why: `${wanted.join(" and ")} held` };
			return { state: "partly", why: "only in network namespaces made within this user namespace" };
		},
	},
];

/** Uprobes on 6.10 and newer go by uprobe_multi, before by perf, which takes CAP_SYS_ADMIN (measured on 6.18). */
function judgeLedger(host: HostRights, target: TargetRights | undefined): Verdict {
	const { trials, settings } = host;
	if (trials.koffi.kind === "refused") return { state: "no", why: trials.koffi.why };
	if (target?.go.kind === "refused" && target.executable.kind === "read") {
		return { state: "no", why: target.go.why, cost: GO_ONLY };
	}
	const isMulti = isAtLeast(settings.release, 6, 10);
	if (!isMulti && !settings.uprobeSource) {
		return {
			state: "no",
			why: `Linux ${settings.release} has no uprobes by perf, and uprobe_multi needs 6.10`,
		};
	}
	const forProbes: readonly Capability[] = isMulti ? ["CAP_BPF", "CAP_PERFMON"] : ["CAP_SYS_ADMIN"];
	const missing = lackingForBpf(host, forProbes);
	if (target?.executable.kind === "refused") missing.push(...forLinks(host));
	const trial = isMulti ? trials.uprobeMulti : trials.bpfProgram;
	const refusal = [trials.bpfMap, trial].find(({ kind }) => kind === "refused");
	if (missing.length > 0) return { state: "no", why: `not held: ${missing.join(", ")}`, missing };
	if (refusal?.kind === "refused") return { state: "no", why: refusal.why };
	if (target?.executable.kind === "refused") return refusedBy(host, target.executable.why, []);
	return { state: "yes", why: `by ${isMulti ? "uprobe_multi" : "perf uprobes"}` };
}

/** By BPF, in which the kernel's types help; else by tracefs. */
function judgeEvents(host: HostRights): Verdict {
	const { trials, settings, confinement } = host;
	const hasRings = isAtLeast(settings.release, 5, 8);
	const missing = hasRings ? lackingForBpf(host, ["CAP_BPF", "CAP_PERFMON"]) : [];
	const canBpf = trials.tracepoint.kind === "read" && missing.length === 0;
	if (canBpf && settings.btf) return { state: "yes", why: "by BPF on a tracepoint" };
	const whyNotFiles = confinement.ownPidNamespace
		? "tracefs names threads as the host does, and this is a container"
		: trials.tracefs.kind === "refused" && trials.tracefs.why;
	if (trials.tracefs.kind === "read" && whyNotFiles === false) {
		return { state: "yes", why: `by tracefs: ${trials.tracefs.value}` };
	}
	if (canBpf) {
		return {
			state: "partly",
			why: "by BPF, on a kernel without its types (BTF)",
			cost: "connections of MPTCP and SCTP are counted as TCP too",
		};
	}
	// For tracefs, root's files on a root's mount, no right less than all of root's is worth naming.
	if (missing.length > 0) return { state: "no", why: `not held: ${missing.join(", ")}`, missing };
	const whyNotBpf = trials.tracepoint.kind === "refused" ? `${trials.tracepoint.why}; ` : "";
	return { state: "no", why: `${whyNotBpf}${whyNotFiles}` };
}

function lackingForBpf(host: HostRights, wanted: readonly Capability[]): Capability[] {
	const lacking = wanted.filter((name) => !has(host, name) && !has(host, "CAP_SYS_ADMIN"));
	// Before 5.11 maps count as locked memory, and the limit must be raised.
	const isLimited = !isAtLeast(host.settings.release, 5, 11) && !has(host, "CAP_SYS_RESOURCE");
	return isLimited ? [...lacking, "CAP_SYS_RESOURCE"] : lacking;
}

function has({ capabilities }: HostRights, name: Capability): boolean {
	return capabilities.kind === "read" && capabilities.value.effective.has(name);
}

function ofAnyProcess(host: HostRights): Verdict {
	const missing = missingForAnother(host);
	if (missing.length === 0) return { state: "yes", why: "of every process, other users' too" };
	return { state: "partly", why: `only of processes of uid ${host.uid}`, missing };
}

function ofTarget(
	host: HostRights,
	target: TargetRights,
	reading: Reading<true>,
	missing: readonly Capability[],
): Verdict {
	if (reading.kind === "refused") return refusedBy(host, reading.why, missing);
	return { state: "yes", why: target.uid === host.uid ? "the same user" : `of uid ${target.uid}` };
}

/** The kernel said no: either a right is missing, or none would help. */
function refusedBy({ confinement }: HostRights, why: string, missing: readonly Capability[]): Verdict {
	if (missing.length > 0) return { state: "no", why, missing };
	const walls = confinement.ownUserNamespace
		? "this is a user namespace of its own, whose root is not the host's"
		: "a security module, seccomp or a user namespace forbids it";
	return { state: "no", why: `${why}. The rights are held, but ${walls}` };
}

/** exe and ns are links: only the kernel's ptrace check guards them. */
function forLinks(host: HostRights): readonly Capability[] {
	return has(host, "CAP_SYS_PTRACE") ? [] : ["CAP_SYS_PTRACE"];
}

/** fd and mem are their owner's files too: of another user both guards must be passed (measured). */
function forFiles(host: HostRights, target: TargetRights): readonly Capability[] {
	return target.uid === host.uid ? forLinks(host) : missingForAnother(host);
}

function missingForAnother(host: HostRights): readonly Capability[] {
	if (has(host, "CAP_DAC_READ_SEARCH") || has(host, "CAP_DAC_OVERRIDE")) return forLinks(host);
	return [...forLinks(host), "CAP_DAC_READ_SEARCH"];
}
