/**
 * The way of a lookup as a Mermaid flow chart, for tickets and wikis.
 *
 *   flowchart LR
 *     n0["www.shop.example: 4 questions in 12 ms"]
 *     n0 --> n1
 */
import type { DnsPath } from "@plumbline/signals/dns-path";
import { type PathNode, pathTree } from "./dns-path-tree.ts";
import { visibleLine } from "./visible.ts";

const LABEL_CHARS_MAX = 200;
const CLASSES = `	classDef good stroke:#1f7a3d,stroke-width:2px
	classDef bad stroke:#a81e16,stroke-width:2px
	classDef spent stroke-dasharray:4 3`;

export function dnsPathMermaid(path: DnsPath): string {
	const nodes: string[] = [];
	const arrows: string[] = [];
	let count = 0;
	const add = ({ text, mood, children }: PathNode): string => {
		const id = `n${count++}`;
		nodes.push(`	${id}["${label(text)}"]${mood === "plain" ? "" : `:::${mood}`}`);
		for (const child of children) arrows.push(`	${id} --> ${add(child)}`);
		return id;
	};
	add(pathTree(path));
	return `flowchart LR\n${[...nodes, ...arrows, CLASSES].join("\n")}\n`;
}

/** All but the plainest characters by number: Mermaid reads Markdown, HTML and its own grammar in labels. */
function label(text: string): string {
	const shown = visibleLine(text).slice(0, LABEL_CHARS_MAX);
	return shown.replace(/[^A-Za-z0-9 .,:()/-]/gu, (char) => `#${char.codePointAt(0)};`);
}
