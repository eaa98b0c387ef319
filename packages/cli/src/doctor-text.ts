/** The doctor's report in text for people. Pure. */
import { Page, type PageOptions } from "@plumbline/report/page";
import type { Ability } from "./doctor-abilities.ts";
import type { Grant } from "./doctor-grants.ts";
import type { DoctorReport } from "./doctor-report.ts";

export function doctorText(report: DoctorReport, options: PageOptions): string {
	const page = new Page(options);
	page.prose("This host and user", { style: "strong" });
	for (const [label, text] of hostFacts(report)) page.labelled(label, text);
	if (report.target !== undefined) {
		page.blank();
		page.prose(`Process ${report.target.pid} (${report.target.comm})`, { style: "strong" });
		for (const [label, text] of targetFacts(report.target)) page.labelled(label, text);
	}
	page.blank();
	page.prose("What can be done", { style: "strong" });
	for (const ability of report.abilities) writeAbility(page, ability);
	writeGrants(page, "To grant what is missing", report.grants);
	// The ways are the same: told once, and then only the first with what differs.
	const repeats = report.grants.length > 0 ? report.reclaimGrants.slice(0, 1) : report.reclaimGrants;
	writeGrants(page, "For reclaim alone, which changes the host", repeats);
	if (repeats.length < report.reclaimGrants.length) {
		page.prose("In the other ways above: the same with NET_ADMIN added.", { indent: 2 });
	}
	return page.text();
}

function writeAbility(page: Page, { state, what, why, cost }: Ability): void {
	page.labelled(state, `${what}: ${why}`, state === "yes" ? undefined : "warning");
	if (cost !== undefined) page.labelled("", `costs: ${cost}`);
}

function writeGrants(page: Page, title: string, grants: readonly Grant[]): void {
	if (grants.length === 0) return;
	page.blank();
	page.prose(title, { style: "strong" });
	for (const { by, note, lines } of grants) {
		page.labelled(by, note);
		for (const line of lines) page.verbatim(line, 4);
	}
}

type Facts = readonly (readonly [string, string])[];

function hostFacts({ host }: DoctorReport): Facts {
	const { settings, confinement, capabilities } = host;
	const held = capabilities?.effective.map((name) => name.replace("CAP_", "")) ?? [];
	return [
		["kernel", `${settings.release}${settings.btf ? "" : ", without BTF"}${lockdown(settings.lockdown)}`],
		["user", `uid ${host.uid}; capabilities: ${held.length === 0 ? "none of those wanted" : held.join(" ")}`],
		["settings", sysctls(settings)],
		["within", walls(confinement)],
	];
}

function lockdown(mode: string | undefined): string {
	return mode === undefined || mode === "none" ? "" : `, locked down (${mode})`;
}

function sysctls(settings: DoctorReport["host"]["settings"]): string {
	const facts: readonly (readonly [string, number | undefined])[] = [
		["kernel.unprivileged_bpf_disabled", settings.unprivilegedBpfDisabled],
		["kernel.perf_event_paranoid", settings.perfEventParanoid],
		["kernel.yama.ptrace_scope", settings.ptraceScope],
	];
	const known = facts.map(([name, value]) => `${name} ${value ?? "not there"}`);
	return known.join(", ");
}

function walls(confinement: DoctorReport["host"]["confinement"]): string {
	const { containerSign, ownPidNamespace, ownUserNamespace, seccomp, noNewPrivileges } = confinement;
	const facts = [
		confinement.kubernetes ? "a pod of Kubernetes" : undefined,
		containerSign === undefined
			? undefined
			: `a container, by ${containerSign}${ownPidNamespace === false ? ", though in the host's pid namespace" : ""}`,
		ownPidNamespace ? "a pid namespace of its own: only its processes are seen" : undefined,
		ownUserNamespace ? "a user namespace of its own: its root is not the host's" : undefined,
		seccomp === undefined || seccomp === "off" ? undefined : `a seccomp ${seccomp}`,
		noNewPrivileges ? "no_new_privs: sudo gives nothing" : undefined,
	].filter((fact) => fact !== undefined);
	return facts.length === 0 ? "no walls that are seen" : facts.join("; ");
}

function targetFacts(target: NonNullable<DoctorReport["target"]>): Facts {
	const spaces = Object.entries(target.namespaces);
	const named = (place: string) => spaces.filter(([, where]) => where === place).map(([kind]) => kind);
	const [other, unknown] = [named("other"), named("unknown")];
	const places = [
		other.length === 0 ? undefined : `others than ours: ${other.join(", ")}`,
		unknown.length === 0 ? undefined : `not told: ${unknown.join(", ")}`,
	].filter((fact) => fact !== undefined);
	return [
		["user", `uid ${target.uid}, ${target.sameUser ? "as plumbline" : "another than plumbline's"}`],
		["namespace", places.length === 0 ? "ours, of every kind" : places.join("; ")],
	];
}
