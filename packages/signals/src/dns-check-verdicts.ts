/** What follows from a check: a verdict for each server and name, and one on what each server does to made-up names. */
import type { CheckedAnswer, CheckedQuestion, DnsCheck } from "./dns-check.ts";
import { DNS_TYPE } from "./dns-message.ts";
import { isSameDnsName } from "./dns-name.ts";
import { type DnsVerdict, judgeDnsAnswer } from "./dns-verdict.ts";
import { type DnsAnswer, type DnsTold, readDnsAnswer } from "./dns-verdict-answer.ts";
import type { DnsControl } from "./dns-verdict-comparison.ts";
import { judgeDnsServer } from "./dns-verdict-server.ts";

/** One row: what one server says of one name. */
export interface NameVerdict {
	readonly question: CheckedQuestion;
	/** Index in the check's servers. */
	readonly server: number;
	readonly answer: CheckedAnswer;
	readonly read: DnsAnswer;
	/** Absent for a trusted server: it is not judged. */
	readonly verdict?: DnsVerdict;
}

export interface ServerVerdict {
	readonly server: number;
	readonly verdict: DnsVerdict;
	/** An answer to a made-up name, for who wants to quote it. */
	readonly answer?: CheckedAnswer;
}

export interface CheckVerdicts {
	readonly names: readonly NameVerdict[];
	readonly servers: readonly ServerVerdict[];
}

export function judgeDnsCheck(check: DnsCheck): CheckVerdicts {
	const asked = check.questions.filter(({ purpose }) => purpose === "asked");
	const madeUp = check.questions.filter(({ purpose }) => purpose === "made-up");
	const names = asked.flatMap((question) =>
		question.answers.map((answer): NameVerdict => {
			const read = readDnsAnswer(answer.told, question);
			const row = { question, server: answer.server, answer, read };
			if (check.servers[answer.server]?.trusted !== false) return row;
			return { ...row, verdict: judge(check, question, answer) };
		}),
	);
	const servers = check.servers.flatMap(({ trusted }, server): ServerVerdict[] => {
		if (trusted || madeUp.length === 0) return [];
		const controls = madeUp.flatMap((question) => controlOf(check, question, server) ?? []);
		const answer = madeUp.flatMap(({ answers }) => answers.find((one) => one.server === server) ?? [])[0];
		return [{ server, verdict: judgeDnsServer(controls), ...(answer === undefined ? {} : { answer }) }];
	});
	return { names, servers };
}

function judge(check: DnsCheck, question: CheckedQuestion, answer: CheckedAnswer): DnsVerdict {
	const { name, type } = question;
	const others = check.questions.filter((other) => other !== question && other.type === type);
	const ipv4 = check.questions
		.filter((other) => other.type === DNS_TYPE.A && isSameDnsName(other.name, name))
		.flatMap((other) => trustedOf(check, other).flatMap((told) => readDnsAnswer(told, other).values));
	return judgeDnsAnswer({
		asked: { name, type },
		suspect: answer.told,
		trusted: trustedOf(check, question),
		handshakes: check.handshakes.filter((handshake) => isSameDnsName(handshake.name, name)),
		controls: others.flatMap((other) => controlOf(check, other, answer.server) ?? []),
		ipv4,
	});
}

function controlOf(check: DnsCheck, question: CheckedQuestion, server: number): DnsControl | undefined {
	const own = question.answers.find((answer) => answer.server === server);
	if (own === undefined) return undefined;
	const { name, type, purpose } = question;
	const foreign = purpose === "also";
	return { asked: { name, type }, suspect: own.told, trusted: trustedOf(check, question), foreign };
}

function trustedOf({ servers }: DnsCheck, { answers }: CheckedQuestion): DnsTold[] {
	return answers.filter(({ server }) => servers[server]?.trusted === true).map(({ told }) => told);
}
