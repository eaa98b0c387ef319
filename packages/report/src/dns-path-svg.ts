/** The way of a lookup as a picture: a tree, one row a node. It has no script and loads nothing; light and dark. */
import type { DnsPath } from "@plumbline/signals/dns-path";
import { type PathNode, pathTree } from "./dns-path-tree.ts";
import { type Html, html } from "./html-escape.ts";
import { columnsOf } from "./width.ts";

const ROW = 24;
const STEP = 26;
const MARGIN = 16;
/** A little more than a letter of the monospaced font is wide at 13 px. */
const LETTER = 8;
const TEXT_CHARS_MAX = 160;
const STYLE = `
svg{background:#fff;color:#18212d;font:13px ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
text{fill:currentColor}path{fill:none;stroke:#8b96a5}circle{fill:#8b96a5}
.good text{font-weight:600}.good circle{fill:#1f7a3d}.bad text{fill:#a81e16}.bad circle{fill:#a81e16}.spent text{fill:#525e6e}
@media (prefers-color-scheme:dark){svg{background:#14181e;color:#e3e8ee}path{stroke:#6b7684}.good circle{fill:#58c27d}
.bad text{fill:#ff9d94}.bad circle{fill:#ff9d94}.spent text{fill:#a3adba}}
`;

interface Placed {
	readonly node: PathNode;
	readonly depth: number;
	readonly row: number;
	/** Of its parent. */
	readonly from?: number;
}

export function dnsPathSvg(path: DnsPath): string {
	const placed: Placed[] = [];
	const place = (node: PathNode, depth: number, from?: number): void => {
		const row = placed.length;
		placed.push({ node, depth, row, ...(from === undefined ? {} : { from }) });
		for (const child of node.children) place(child, depth + 1, row);
	};
	place(pathTree(path), 0);
	const widest = Math.max(
		...placed.map(({ node, depth }) => depth * STEP + columnsOf(cut(node.text)) * LETTER),
	);
	const width = widest + 2 * MARGIN + STEP;
	const height = placed.length * ROW + 2 * MARGIN;
	const { markup } =
		html`<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="${`How ${path.name} is looked up`}">
<style>${{ markup: STYLE }}</style>
${placed.map(drawn)}</svg>
`;
	return markup;
}

function drawn({ node, depth, row, from }: Placed): Html {
	const [x, y] = [MARGIN + depth * STEP, MARGIN + row * ROW + ROW / 2];
	const line =
		from === undefined
			? undefined
			: html`<path d="M${x - STEP} ${MARGIN + from * ROW + ROW / 2 + 5}V${y}H${x - 5}"/>`;
	return html`<g class="${node.mood}">${line}<circle cx="${x}" cy="${y}" r="4"/><text x="${x + 10}" y="${y + 4}">${cut(node.text)}</text></g>
`;
}

function cut(text: string): string {
	return text.length <= TEXT_CHARS_MAX ? text : `${text.slice(0, TEXT_CHARS_MAX - 1)}…`;
}
