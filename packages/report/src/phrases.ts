/** Small facts in words, the same in every rendering for people. */
import type { Diagnosis, Evidence, Examined, Holder, Link } from "@plumbline/diagnosis/finding";
import type { Gap } from "@plumbline/signals/capture";

/** The largest time a date can hold, either way. */
const DATE_MS_MAX = 8.64e15;

export function percent(share: number): string {
	return Number.isFinite(share) ? `${Math.round(Math.min(1, Math.max(0, share)) * 100)} %` : "unknown";
}

/** `+3.2 s`, from the start of the window. */
export function offsetInTime(ms: number): string {
	return `${ms < 0 ? "-" : "+"}${(Math.abs(ms) / 1000).toFixed(1)} s`;
}

/** `2026-11-22 11:45:50 UTC`. */
function moment(wallMs: number): string {
	if (!(Math.abs(wallMs) <= DATE_MS_MAX)) return "at an unknown time";
	return `${new Date(wallMs).toISOString().slice(0, 19).replace("T", " ")} UTC`;
}

/** Where evidence stands in the capture. */
export function position(evidence: Evidence): string {
	const where = evidence.part === "" ? "" : `${evidence.part} @ ${evidence.offset}, `;
	if (evidence.timeUnknown) return where === "" ? "at an unknown time" : where.slice(0, -", ".length);
	return `${where}at ${offsetInTime(evidence.atMs)}`;
}

export function place({ file, line }: Holder): string {
	return line > 0 ? `${file}:${line}` : file;
}

export function howSure({ how, confidence }: Holder): string {
	return `${percent(confidence)} sure: ${how}`;
}

/** `sockets and pool: client ports match ... (60 % sure)`. */
export function joinInWords({ between, reason, confidence }: Link): string {
	return `${between.join(" and ")}: ${reason} (${percent(confidence)} sure)`;
}

/** `unexamined: goroutines (connection refused)`. */
export function gapInWords({ weight, what, why, at }: Gap): string {
	return `${weight === "loss" ? "unexamined" : "note"}: ${what} (${why}${at === undefined ? "" : `; ${at}`})`;
}

export function examinedInWords({ state, what }: Examined): string {
	return what === "" ? state : `${state}: ${what}`;
}

function windowInWords({ known, startWallMs, durationMs }: Diagnosis["window"]): string {
	if (known === false) return `unknown: files do not say when they were taken; read ${moment(startWallMs)}`;
	return `${moment(startWallMs)}, ${(durationMs / 1000).toFixed(1)} s`;
}

/** Who was examined, as label and value; only what is known. */
export function targetFacts({ target, service, window }: Diagnosis): readonly (readonly [string, string])[] {
	const facts: readonly (readonly [string, string | undefined])[] = [
		["pid", target.pid?.toString()],
		[
			"service",
			[service.command, service.goVersion].filter((fact) => fact !== undefined).join(", ") || undefined,
		],
		["pprof", target.pprof],
		["metrics", target.metrics],
		["database", target.db],
		["files", target.files?.join(", ")],
		["window", windowInWords(window)],
	];
	return facts.flatMap(([label, value]) => (value === undefined ? [] : [[label, value] as const]));
}
