/** A check of the service's name servers, judged: forged answers, slow servers, and what could not be told. */
import type { Gap } from "@plumbline/signals/capture";
import type { DnsCheck } from "@plumbline/signals/dns-check";
import { type CheckVerdicts, judgeDnsCheck } from "@plumbline/signals/dns-check-verdicts";
import type { DnsVerdictKind } from "@plumbline/signals/dns-verdict";
import type { Sampled, Signals } from "@plumbline/signals/signals";
import { plural } from "./evidence.ts";

export interface DnsCheckView {
	readonly check: DnsCheck;
	readonly verdicts: CheckVerdicts;
	readonly part: string;
	/** Milliseconds from the start of the window. */
	readonly atMs: number;
	/** Servers of the service, in order. */
	readonly speeds: readonly ServerSpeed[];
}

export interface ServerSpeed {
	readonly label: string;
	readonly address: string;
	readonly asked: number;
	/** Of those, without any answer. */
	readonly silent: number;
	/** Of the answers; undefined without any. */
	readonly medianMs: number | undefined;
	/** Of one of its answers in the part. */
	readonly offset: number;
}

/** Of the gap where nobody could be accused nor cleared. */
export const UNEXAMINED_DNS = "forged DNS answers";

export function dnsCheckView({ dnsChecks, window }: Signals): DnsCheckView | undefined {
	const last: Sampled<DnsCheck> | undefined = dnsChecks.at(-1);
	if (last === undefined) return undefined;
	const { value: check, part } = last;
	return {
		check,
		verdicts: judgeDnsCheck(check),
		part: part.name,
		atMs: part.start.monoMs - window.start.monoMs,
		speeds: check.servers.flatMap((server, index) => (server.trusted ? [] : speedOf(check, index))),
	};
}

const SAID: Readonly<Record<DnsVerdictKind, string>> = {
	agrees: "as trusted",
	"cdn-variance": "of the same service",
	hijacked: "forged",
	broken: "missing",
	"cannot-tell": "not to be told",
};

/** `2 name servers compared with 1 trusted: 3 answers as trusted, 1 not to be told`. */
export function howCompared({ check, verdicts }: DnsCheckView): string {
	const trusted = check.servers.filter((server) => server.trusted).length;
	const kinds = verdicts.names.flatMap(({ verdict }) => verdict?.kind ?? []);
	const counts = Object.entries(SAID).flatMap(([kind, said]) => {
		const count = kinds.filter((each) => each === kind).length;
		return count === 0 ? [] : [{ count, said }];
	});
	const words = counts.map(({ count, said }, i) => `${i === 0 ? plural(count, "answer") : count} ${said}`);
	const servers = plural(check.servers.length - trusted, "name server");
	return `${servers} compared with ${trusted} trusted: ${words.join(", ") || "no answer"}`;
}

function speedOf({ servers, questions }: DnsCheck, index: number): ServerSpeed[] {
	const { label = "", address = "" } = servers[index] ?? {};
	const answers = questions.flatMap((question) => question.answers.filter(({ server }) => server === index));
	const isSilent = (why: string) => why !== "server-failure";
	const silent = answers.filter(({ told }) => told.kind === "failed" && isSilent(told.why));
	const times = answers
		.filter((answer) => !silent.includes(answer))
		.map(({ tookMs }) => tookMs)
		.toSorted((a, b) => a - b);
	const medianMs = times[Math.floor(times.length / 2)];
	const offset = (silent[0] ?? answers[0])?.offset ?? 0;
	return [{ label, address, asked: answers.length, silent: silent.length, medianMs, offset }];
}

/** Without a quorum nobody is accused, and nobody is cleared. */
export function checkGaps({ verdicts, part }: DnsCheckView): Gap[] {
	const missing = { line: "sockets", what: UNEXAMINED_DNS, at: part } as const;
	const gaps = verdicts.names.flatMap(({ question, verdict }): Gap[] => {
		const why = verdict?.reasons.find(({ id }) => id === "no-quorum")?.says;
		return why === undefined ? [] : [{ ...missing, why: `${question.name}: ${why}`, weight: "loss" }];
	});
	if (verdicts.names.some(({ verdict }) => verdict !== undefined)) return gaps;
	return [{ ...missing, why: "no answer of the service's own servers is in the check", weight: "loss" }];
}
