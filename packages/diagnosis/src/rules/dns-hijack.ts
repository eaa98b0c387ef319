/**
 * dns-hijack: a name server of the service gives forged answers.
 *
 * Its servers were asked beside trusted ones, the same questions at the same time (--dns-trusted); what counts as forged
 * and what is let pass is in signals/src/dns-verdict.ts. The check is one line. It is confirmed where another agrees:
 * the service holds a connection to a forged address, or its lookups hang while the server leads them in circles.
 */
import type { NameVerdict } from "@plumbline/signals/dns-check-verdicts";
import { DNS_TYPE } from "@plumbline/signals/dns-message";
import type { DnsCheckView } from "../dns-check-view.ts";
import type { DnsSample } from "../dns-view.ts";
import { plural, quoteCalls, socketEvidence } from "../evidence.ts";
import type { Evidence } from "../finding.ts";
import { finding, present, type Rule } from "../rule.ts";
import type { World } from "../world.ts";

/** As dns-slow counts samples in which a query is out. */
const SAMPLES_HANGING_SHARE_MIN = 0.25;
const NAMES_QUOTED_MAX = 3;
const QUOTE_CHARS_MAX = 400;
const QUOTE_CALLS = 4;

export const dnsHijack: Rule = {
	id: "dns-hijack",
	about: {
		sees: "answers of a name server that no honest one gives, beside those of trusted servers: aliases into foreign zones, one address for all names, addresses for names that nobody has",
		hurts:
			"connections go to somebody else, or lookups never end: they pile up goroutines, connections and CPU, and every retry asks the same server again",
		otherwise: [
			"a filter that the company runs on purpose: it forges too, and then it is known who does",
			"a name with a zone of its own inside the company; answers that only differ are not accused, but a forged look may be a very odd split horizon",
		],
		fix: [
			"take the server out of resolv.conf (dnsConfig of a pod, DHCP of a host) and tell whoever runs it, with the answers quoted here",
			"a resolver that compares and falls back: plumbline dns serve with encrypted upstreams",
			"bound the aliases that are followed and the retries of a lookup in the client",
		],
		stop: [
			"put a trusted server first in resolv.conf: Go reads it again within seconds; a pod takes its dnsConfig only when it is made anew",
			"restart what keeps connections to the forged addresses, once names resolve rightly",
		],
		verify: ["plumbline dns check --pid N --trusted URL NAME: the server agrees again"],
	},
	examine(world) {
		const { dnsCheck } = world;
		if (dnsCheck === undefined) return undefined;
		const forged = dnsCheck.verdicts.names.filter(({ verdict }) => verdict?.kind === "hijacked");
		const inventing = dnsCheck.verdicts.servers.filter(({ verdict }) => verdict.kind === "hijacked");
		if (forged.length === 0 && inventing.length === 0) return undefined;
		const names = [...new Set(forged.map(({ question }) => question.name))];
		const servers = [...new Set([...forged, ...inventing].map(({ server }) => label(dnsCheck, server)))];
		const witnesses = present([connection(world, forged), hanging(world)]);
		const reasons = [...forged, ...inventing].flatMap(({ verdict }) => verdict?.reasons[0]?.says ?? []);
		const trusted = dnsCheck.check.servers.filter((server) => server.trusted).length;
		return finding("dns-hijack", dnsHijack.about, {
			severity: names.length > 0 ? "critical" : "warning",
			confidence: witnesses.length > 0 ? 0.95 : 0.85,
			level: witnesses.length > 0 ? "confirmed" : "suspected",
			count: Math.max(1, names.length),
			title:
				names.length > 0
					? `${servers.join(", ")} gives forged answers for ${names.slice(0, NAMES_QUOTED_MAX).join(", ")}`
					: `${servers.join(", ")} makes up addresses for names that nobody has`,
			story: present([
				[...new Set(reasons)].slice(0, NAMES_QUOTED_MAX).join("; "),
				`${plural(trusted, "trusted server")} ${trusted === 1 ? "was" : "were"} asked the same at the same time`,
			]).join("; "),
			attribution: {
				candidates: [],
				siblings: [],
				holderGap: "no line of the service is at fault: the name server forges",
			},
			evidence: [...answersQuoted(dnsCheck, forged), ...inventedQuoted(dnsCheck), ...witnesses],
		});
	},
};

function label({ check }: DnsCheckView, server: number): string {
	return check.servers[server]?.label ?? "a server";
}

/** Of each forged name the forged answer, and a trusted one beside it. */
function answersQuoted(view: DnsCheckView, forged: readonly NameVerdict[]): Evidence[] {
	const names = Map.groupBy(forged, ({ question }) => question);
	return [...names.values()].slice(0, NAMES_QUOTED_MAX).flatMap((rows) => {
		const [row] = rows;
		const truth = view.verdicts.names.find(
			({ question, verdict, read }) =>
				question === row?.question && verdict === undefined && read.outcome === "values",
		);
		return present([row && answerQuoted(view, row), truth && answerQuoted(view, truth)]);
	});
}

function answerQuoted(
	view: DnsCheckView,
	{ question, server, answer, read, verdict }: NameVerdict,
): Evidence {
	const found = [...read.chain, ...read.values].join(", ") || read.said;
	return {
		line: "sockets",
		says:
			verdict === undefined
				? `${label(view, server)}, trusted, says of ${question.name}: ${found}`
				: (verdict.reasons[0]?.says ?? found),
		quote: quoteAnswer(read.chain, read.values, question.name, read.said),
		part: view.part,
		offset: answer.offset ?? 0,
		atMs: view.atMs + answer.atMs,
	};
}

function inventedQuoted(view: DnsCheckView): Evidence[] {
	return view.verdicts.servers.flatMap(({ server, verdict, answer }): Evidence[] => {
		if (verdict.kind !== "hijacked" || answer === undefined) return [];
		const says = verdict.reasons[0]?.says ?? "";
		return [
			{
				line: "sockets",
				says: `${label(view, server)} made up ${says}`,
				quote: says.slice(0, QUOTE_CHARS_MAX),
				part: view.part,
				offset: answer.offset ?? 0,
				atMs: view.atMs + answer.atMs,
			},
		];
	});
}

/** The records as text, the wire form being unreadable; it stands in the part at the offset. */
function quoteAnswer(
	chain: readonly string[],
	values: readonly string[],
	name: string,
	said: string,
): string {
	const owners = [name, ...chain];
	const lines = [
		...chain.map((target, at) => `${owners[at]} CNAME ${target}`),
		...values.map((value) => `${owners.at(-1)} ${value}`),
	];
	return (lines.length === 0 ? `${name} ${said}` : lines.join("\n")).slice(0, QUOTE_CHARS_MAX);
}

/** The kernel knows of a connection to an address that only the forger gives. */
function connection({ sockets, dnsCheck }: World, forged: readonly NameVerdict[]): Evidence | undefined {
	if (sockets === undefined || dnsCheck === undefined) return undefined;
	const addresses = forged.filter(({ question: { type } }) => type === DNS_TYPE.A || type === DNS_TYPE.AAAA);
	const strange = new Set(
		addresses.flatMap(({ question, read }) => {
			const truth = dnsCheck.verdicts.names
				.filter((row) => row.question === question && row.verdict === undefined)
				.flatMap((row) => row.read.values);
			return read.values.filter((value) => !truth.includes(value));
		}),
	);
	const held = [...sockets.last, ...sockets.first].find(({ socket }) => strange.has(socket.peerIp));
	if (held === undefined) return undefined;
	const { peerIp } = held.socket;
	return socketEvidence(
		[held],
		`the service has a connection to ${peerIp}, an address that only the forger gives`,
	);
}

/** Lookups that hang while the names are checked: what an alias without an end does to a service. */
function hanging({ dns: { samples } }: World): Evidence | undefined {
	const out = ({ queries, cgo, streams, callers }: DnsSample) => queries + cgo + streams + callers;
	const seen = samples.filter((sample) => out(sample) > 0);
	if (seen.length === 0 || seen.length < samples.length * SAMPLES_HANGING_SHARE_MIN) return undefined;
	const [fullest] = seen.toSorted((a, b) => out(b) - out(a));
	return (
		fullest && {
			line: "runtime",
			says: `${plural(out(fullest), "goroutine")} of the service look names up in this sample; in ${seen.length} of ${samples.length} samples some do`,
			quote: quoteCalls(fullest.frames.slice(0, QUOTE_CALLS)),
			part: fullest.part,
			offset: fullest.offset,
			atMs: fullest.atMs,
		}
	);
}
