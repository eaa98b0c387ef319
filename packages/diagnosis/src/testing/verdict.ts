/** The verdict on a model service, asked the way tests ask. */
import { diagnose } from "../diagnose.ts";
import type { Finding, FindingId } from "../finding.ts";
import { type Service, signalsOf } from "./service.ts";

/** The finding of one rule, if it fired. */
export function found(service: Service, id: FindingId): Finding | undefined {
	return diagnose(signalsOf(service)).findings.find((f) => f.id === id);
}

/** Ids of what would wake somebody up. */
export function alarms(service: Service): FindingId[] {
	return diagnose(signalsOf(service))
		.findings.filter((f) => f.severity !== "note")
		.map((f) => f.id);
}

/** The facts of a finding that tests compare. */
export function gist(service: Service, id: FindingId) {
	const finding = found(service, id);
	if (finding === undefined) return undefined;
	const { count, level, severity, holder, causes } = finding;
	return { count, level, severity, holder: holder && `${holder.func}:${holder.line}`, causes };
}

export function times<T>(n: number, make: (i: number) => T): T[] {
	return Array.from({ length: n }, (_, i) => make(i));
}
