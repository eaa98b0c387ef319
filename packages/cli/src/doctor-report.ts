/** What the doctor found, as data: its JSON is this, and its text is made from it. Pure. */
import type { Reading } from "@plumbline/kernel/reading";
import type { HostRights } from "@plumbline/kernel/rights";
import type { Capability } from "@plumbline/kernel/rights-capabilities";
import type { NamespaceKind, TargetRights } from "@plumbline/kernel/rights-target";
import { type Ability, abilitiesOf } from "./doctor-abilities.ts";
import { type Grant, grantsOf } from "./doctor-grants.ts";

type Tried = { readonly ok: true } | { readonly ok: false; readonly code: string; readonly why: string };

export interface DoctorReport {
	readonly schema: "plumbline.doctor/1";
	readonly host: {
		readonly uid: number;
		/** Absent when they cannot be read. */
		readonly capabilities?: {
			readonly effective: readonly Capability[];
			readonly bounding: readonly Capability[];
		};
		readonly confinement: HostRights["confinement"];
		readonly settings: HostRights["settings"];
		readonly trials: Readonly<Record<keyof HostRights["trials"], Tried>>;
	};
	readonly target?: {
		readonly pid: number;
		readonly comm: string;
		readonly uid: number;
		readonly sameUser: boolean;
		readonly namespaces: Readonly<Record<NamespaceKind, "ours" | "other" | "unknown">>;
		readonly go?: string;
		readonly descriptors: Tried;
		readonly executable: Tried;
		readonly memory: Tried;
	};
	readonly abilities: readonly Ability[];
	/** For a diagnosis in full. */
	readonly grants: readonly Grant[];
	/** For a clean-up of TIME_WAIT: asked for apart, for it changes the host. */
	readonly reclaimGrants: readonly Grant[];
}

export function doctorReport(host: HostRights, target: TargetRights | undefined): DoctorReport {
	const abilities = abilitiesOf(host, target);
	const missingFor = (fits: (ability: Ability) => boolean) => [
		...new Set(abilities.filter(fits).flatMap(({ missing }) => missing)),
	];
	const pid = target === undefined ? "N" : String(target.pid);
	const { trials } = host;
	return {
		schema: "plumbline.doctor/1",
		host: {
			uid: host.uid,
			...capabilitiesOf(host),
			confinement: host.confinement,
			settings: host.settings,
			trials: {
				koffi: tried(trials.koffi),
				ss: tried(trials.ss),
				bpfMap: tried(trials.bpfMap),
				bpfProgram: tried(trials.bpfProgram),
				uprobeMulti: tried(trials.uprobeMulti),
				tracepoint: tried(trials.tracepoint),
				tracefs: tried(trials.tracefs),
			},
		},
		...(target === undefined ? {} : { target: targetOf(host, target) }),
		abilities,
		grants: grantsOf(host, {
			command: `diagnose --pid ${pid}`,
			missing: missingFor(({ id }) => id !== "reclaim"),
		}),
		reclaimGrants: grantsOf(host, {
			command: `reclaim time-wait --peer IP --port N --pid ${pid} --yes`,
			missing: missingFor(({ id }) => id === "reclaim"),
		}),
	};
}

function capabilitiesOf({ capabilities }: HostRights): Pick<DoctorReport["host"], "capabilities"> {
	if (capabilities.kind === "refused") return {};
	const { effective, bounding } = capabilities.value;
	return { capabilities: { effective: [...effective], bounding: [...bounding] } };
}

function targetOf(host: HostRights, target: TargetRights): NonNullable<DoctorReport["target"]> {
	const place = (kind: NamespaceKind) => {
		const reading = target.namespaces[kind];
		return reading.kind === "read" ? reading.value : "unknown";
	};
	return {
		pid: target.pid,
		comm: target.comm,
		uid: target.uid,
		sameUser: target.uid === host.uid,
		namespaces: { net: place("net"), mnt: place("mnt"), pid: place("pid"), user: place("user") },
		...(target.go.kind === "read" ? { go: target.go.value } : {}),
		descriptors: tried(target.descriptors),
		executable: tried(target.executable),
		memory: tried(target.memory),
	};
}

function tried(reading: Reading<unknown>): Tried {
	return reading.kind === "read" ? { ok: true } : { ok: false, code: reading.code, why: reading.why };
}
