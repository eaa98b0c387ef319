/** Where a capture has them: the borrow ledger by who borrowed, and the life of connections by peer. */
import type { IsApplication } from "@plumbline/diagnosis/application";
import type { Ledger } from "@plumbline/signals/ledger";
import type { TcpLife, TcpPeer } from "@plumbline/signals/tcp-life";
import { type Html, html } from "./html-escape.ts";
import { rest } from "./html-finding.ts";
import { tableHtml } from "./html-table.ts";
import { groupsOf, type LedgerGroup } from "./ledger-groups.ts";
import { counted, duration, fileLine, shortFunc } from "./ledger-words.ts";

const STACKS_SHOWN_MAX = 15;
const PEERS_SHOWN_MAX = 20;

export function ledgerHtml(ledger: Ledger, isApplication: IsApplication): Html {
	const groups = groupsOf(ledger, isApplication);
	const shown = groups.slice(0, STACKS_SHOWN_MAX);
	const head = html`<th scope="col">who borrowed</th><th scope="col" class="n">acquired</th><th scope="col" class="n">returned</th><th scope="col" class="n">held</th><th scope="col" class="n">oldest</th><th scope="col" class="n">longest returned</th>`;
	return html`<p>${ledger.pools.map(({ pool, refused, acquired, released, held }) =>
		refused === undefined
			? html`${pool}: ${acquired} acquired, ${released} returned, ${held} held. `
			: html`${pool}: not seen, ${refused}. `,
	)}</p>
${tableHtml(
	`Watched for ${duration(ledger.watchedMs)}; what was borrowed before is not in it`,
	html`<thead><tr>${head}</tr></thead>
<tbody>${shown.map(groupRow)}</tbody>`,
)}${rest(groups.length - shown.length, "stacks")}`;
}

function groupRow({ stack, borrower, held, overdue }: LedgerGroup): Html {
	const { frame, what } = borrower;
	const who = frame === undefined ? "no line of the service" : html`<code>${shortFunc(frame)}</code>`;
	const where = frame === undefined ? undefined : html`<br><span class="soft mono">${fileLine(frame)}</span>`;
	const long =
		overdue !== undefined && overdue > 0
			? html`<br><span class="soft">${overdue} for longer than any that came back</span>`
			: undefined;
	return html`<tr><th scope="row">${who}${where}</th><td class="n">${stack.acquired}</td><td class="n">${stack.released}</td><td class="n">${held.length === 0 ? "none" : counted(held.length, what)}${long}</td><td class="n">${stack.oldestMs === undefined ? "" : duration(stack.oldestMs)}</td><td class="n">${stack.heldMsMax === undefined ? "" : duration(stack.heldMsMax)}</td></tr>`;
}

export function peersHtml({ route, looks, spanMs, peers, peersLeftOut }: TcpLife): Html {
	const shown = peers.slice(0, PEERS_SHOWN_MAX);
	const how = route === "trace" ? "by the kernel's events" : `in ${looks} looks`;
	const columns = [
		"at start",
		"at end",
		"opened",
		"closed by us",
		"closed by peer",
		"otherwise",
		"TIME_WAIT",
	];
	return html`${tableHtml(
		`Connections by peer, followed ${how} over ${duration(spanMs)}`,
		html`<thead><tr><th scope="col">peer</th>${columns.map((column) => html`<th scope="col" class="n">${column}</th>`)}</tr></thead>
<tbody>${shown.map(peerRow)}</tbody>`,
	)}${rest(peers.length - shown.length + peersLeftOut, "peers")}`;
}

function peerRow(peer: TcpPeer): Html {
	const { direction, ip, port, atStart, atEnd, opens, closedByUs, closedByPeer, closedOtherwise, timeWait } =
		peer;
	const address = ip.includes(":") ? `[${ip}]:${port}` : `${ip}:${port}`;
	const numbers = [atStart, atEnd, opens, closedByUs, closedByPeer, closedOtherwise];
	return html`<tr><th scope="row">${direction === "out" ? "to" : "in on"} <code>${address}</code></th>${numbers.map((number) => html`<td class="n">${number}</td>`)}<td class="n">${timeWait.first} → ${timeWait.last}</td></tr>`;
}
