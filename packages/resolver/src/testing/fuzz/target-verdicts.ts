/** Comparisons of any answers: a verdict with a reason, whatever was said; who says what a trusted server says agrees. */
import type { CheckedAnswer, CheckedQuestion, DnsCheck } from "@plumbline/signals/dns-check";
import { decodeDnsCheck, encodeDnsCheck } from "@plumbline/signals/dns-check-json";
import { judgeDnsCheck } from "@plumbline/signals/dns-check-verdicts";
import { decodeDnsMessage } from "@plumbline/signals/dns-message-decode";
import { type DnsComparison, judgeDnsAnswer } from "@plumbline/signals/dns-verdict";
import { type DnsAsked, type DnsTold, readDnsAnswer } from "@plumbline/signals/dns-verdict-answer";
import { type Chance, wounded } from "./chance.ts";
import { FORGED_ADDRESS, forgedAnswer, NAMES, REAL_MESSAGES, TYPES } from "./seed-messages.ts";
import type { Target } from "./target.ts";

const SERVERS_MAX = 4;
const QUESTIONS_MAX = 4;
const PURPOSES = ["asked", "asked", "made-up", "also"] as const;
const RESULTS = ["valid", "other-name", "untrusted", "none"] as const;
const MADE_UP = ["x7f3.invalid.", "q9.invalid.", "invalid."];
const DETAIL = "fuzzed";

export function verdictsTarget(): Target {
	return {
		run(chance) {
			judgeOne(chance);
			if (!chance.oneIn(8)) return;
			const written = encodeDnsCheck(someCheck(chance));
			const again = decodeDnsCheck(written);
			if (again.kind !== "decoded" || again.flaws.length > 0)
				throw new Error(
					`what was written is not read: ${JSON.stringify(again)} ${new TextDecoder().decode(written)}`,
				);
			judgeAll(again.value);
			const hurt = decodeDnsCheck(wounded(written, REAL_MESSAGES, chance));
			if (hurt.kind === "decoded") judgeAll(hurt.value);
		},
	};
}

function judgeAll(check: DnsCheck): void {
	const { names, servers } = judgeDnsCheck(check);
	for (const { verdict } of [...names, ...servers])
		if (verdict !== undefined && verdict.reasons.length === 0) throw new Error("a verdict without a reason");
}

function judgeOne(chance: Chance): void {
	const asked = someAsked(chance);
	const trusted = Array.from({ length: chance.below(SERVERS_MAX) }, () => someTold(asked, chance));
	const suspect = trusted.length > 0 && chance.oneIn(3) ? chance.of(trusted) : someTold(asked, chance);
	const handshakes = Array.from({ length: chance.below(3) }, () => someHandshake(asked.name, chance));
	const controls = Array.from({ length: chance.below(3) }, () => {
		const other = chance.oneIn(2) ? { name: chance.of(MADE_UP), type: asked.type } : someAsked(chance);
		return { asked: other, suspect: someTold(other, chance), trusted: [someTold(other, chance)] };
	});
	const comparison: DnsComparison = { asked, suspect, trusted, handshakes, controls, ipv4: ["192.0.2.1"] };
	const { kind, reasons } = judgeDnsAnswer(comparison);
	const fail = (what: string): never => {
		throw new Error(`${what}: ${kind}, ${JSON.stringify({ reasons, comparison })}`);
	};
	if (reasons.length === 0) fail("no reason");
	const usable = (told: DnsTold) => !["failure", "silence"].includes(readDnsAnswer(told, asked).outcome);
	const heard = trusted.filter(usable);
	const isQuorum = heard.length * 2 > trusted.length;
	if (usable(suspect) && isQuorum && heard.includes(suspect) && kind !== "agrees") fail("it says the same");
	if (kind === "hijacked" && (!isQuorum || !usable(suspect)))
		fail("accused without a quorum, or for silence");
}

function someAsked(chance: Chance): DnsAsked {
	return { name: chance.of(NAMES), type: chance.oneIn(3) ? chance.of(TYPES) : 1 };
}

function someTold({ name, type }: DnsAsked, chance: Chance): DnsTold {
	if (chance.oneIn(6)) {
		const why = chance.oneIn(2) ? "server-failure" : "timeout";
		return { kind: "failed", why, detail: DETAIL };
	}
	if (!chance.oneIn(4)) return { kind: "answered", message: forgedAnswer({ name, type, class: 1 }, chance) };
	const real = chance.of(REAL_MESSAGES);
	const decoded = decodeDnsMessage(chance.oneIn(2) ? real : wounded(real, REAL_MESSAGES, chance));
	return decoded.kind === "decoded"
		? { kind: "answered", message: decoded.message }
		: { kind: "failed", why: "malformed", detail: DETAIL };
}

function someHandshake(name: string, chance: Chance) {
	const address = chance.oneIn(2) ? FORGED_ADDRESS : `192.0.2.${1 + chance.below(9)}`;
	return { name, address, result: chance.of(RESULTS), detail: DETAIL };
}

function someCheck(chance: Chance): DnsCheck {
	const servers = Array.from({ length: 1 + chance.below(SERVERS_MAX) }, (_, index) => ({
		label: `udp 192.0.2.${index}:53`,
		address: `192.0.2.${index}`,
		trusted: chance.oneIn(2),
		authenticated: chance.oneIn(2),
	}));
	const questions = Array.from({ length: chance.below(QUESTIONS_MAX) }, (): CheckedQuestion => {
		const purpose = chance.of(PURPOSES);
		const asked = purpose === "made-up" ? { name: chance.of(MADE_UP), type: 1 } : someAsked(chance);
		const answers = servers.map(
			(_, server): CheckedAnswer => ({ server, atMs: 1, tookMs: 2, told: someTold(asked, chance) }),
		);
		return { ...asked, purpose, answers };
	});
	return { servers, questions, handshakes: [someHandshake(chance.of(NAMES), chance)] };
}
