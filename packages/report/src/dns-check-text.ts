/** A check of name servers in text for people: for each name who said what, how quickly, and the verdict. */
import type { CheckedServer, DnsCheck } from "@plumbline/signals/dns-check";
import type { CheckVerdicts, NameVerdict } from "@plumbline/signals/dns-check-verdicts";
import { dnsTypeName } from "@plumbline/signals/dns-text";
import type { DnsVerdictKind } from "@plumbline/signals/dns-verdict";
import type { DnsAnswer } from "@plumbline/signals/dns-verdict-answer";
import { Page, type PageOptions, type Style } from "./page.ts";
import { columnsOf } from "./width.ts";

const VALUES_MAX = 4;
const CHAIN_MAX = 3;
const REASON_INDENT = 6;
const STYLES: Readonly<Record<DnsVerdictKind, Style | undefined>> = {
	agrees: undefined,
	"cdn-variance": undefined,
	hijacked: "critical",
	broken: "warning",
	"cannot-tell": "note",
};
const WORDS: Readonly<Record<DnsVerdictKind, string>> = {
	agrees: "agrees",
	"cdn-variance": "varies",
	hijacked: "HIJACKED",
	broken: "broken",
	"cannot-tell": "cannot tell",
};

export function dnsCheckText(check: DnsCheck, verdicts: CheckVerdicts, options: PageOptions): string {
	const page = new Page(options);
	for (const question of check.questions) {
		const rows = verdicts.names.filter((row) => row.question === question);
		if (rows.length === 0) continue;
		if (question !== check.questions[0]) page.blank();
		page.prose(`${question.name} ${dnsTypeName(question.type)}`, { style: "strong" });
		writeRows(page, check.servers, rows);
	}
	const odd = verdicts.servers.filter(({ verdict }) => verdict.kind === "hijacked");
	if (odd.length > 0) {
		page.blank();
		page.prose("Names that nobody has", { style: "strong" });
		for (const { server, verdict } of odd) {
			page.verbatim(`${check.servers[server]?.label}  ${WORDS[verdict.kind]}`, 2, STYLES[verdict.kind]);
			for (const { id, says } of verdict.reasons) page.prose(says, { indent: 4, lead: `${id}: ` });
		}
	}
	page.blank();
	for (const { label } of check.servers.filter(({ stranger }) => stranger))
		page.prose(
			`${label} is a stranger: resolv.conf names it, and it is in none of the networks of --trust. Whoever wrote it there decides where every name leads.`,
			{ style: "warning" },
		);
	for (const line of closingLines(check)) page.prose(line, { style: "faint" });
	return page.text();
}

function writeRows(page: Page, servers: readonly CheckedServer[], rows: readonly NameVerdict[]): void {
	const cells = rows.map(({ server, answer, read, verdict }) => [
		`${servers[server]?.label ?? ""}${servers[server]?.stranger ? " (stranger)" : ""}`,
		verdict === undefined ? "trusted" : WORDS[verdict.kind],
		ttlText(read),
		`${answer.tookMs.toFixed(answer.tookMs < 10 ? 1 : 0)} ms`,
		saidText(read),
	]);
	const widths = [0, 1, 2, 3].map((column) => Math.max(...cells.map((row) => columnsOf(row[column] ?? ""))));
	cells.forEach((row, at) => {
		const line = row.map(
			(cell, column) => cell + " ".repeat(Math.max(0, (widths[column] ?? 0) - columnsOf(cell))),
		);
		const { verdict } = rows[at] ?? {};
		page.verbatim(line.join("  "), 2, verdict === undefined ? "faint" : STYLES[verdict.kind]);
		if (verdict === undefined || verdict.kind === "agrees") return;
		for (const { id, says } of verdict.reasons) page.prose(says, { indent: REASON_INDENT, lead: `${id}: ` });
	});
}

function ttlText({ ttls }: DnsAnswer): string {
	return ttls.length === 0 ? "" : `${Math.min(...ttls)} s`;
}

function saidText({ chain, loops, values, said }: DnsAnswer): string {
	const hops =
		chain.slice(0, CHAIN_MAX).join(" > ") + (chain.length > CHAIN_MAX ? ` > (${chain.length} in all)` : "");
	const found = values.slice(0, VALUES_MAX).join(", ") + (values.length > VALUES_MAX ? ", ..." : "");
	const end = values.length > 0 ? found : loops ? "an alias that goes round" : said;
	return hops === "" ? end : `${hops} > ${end}`;
}

function closingLines({ servers, clientSubnet }: DnsCheck): string[] {
	const trusted = servers.filter((server) => server.trusted);
	const bare = trusted.filter(({ authenticated }) => !authenticated);
	return [
		...(clientSubnet === undefined ? [] : [`Asked for the client subnet ${clientSubnet}.`]),
		...(bare.length === 0
			? []
			: [
					`Nothing proves who answered as ${bare.map(({ label }) => label).join(", ")}: on the same way it may be the same forger.`,
				]),
	];
}
