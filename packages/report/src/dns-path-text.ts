/** The way of a lookup in text: a tree with branches. */
import type { DnsPath } from "@plumbline/signals/dns-path";
import { type PathNode, pathTree } from "./dns-path-tree.ts";
import { Page, type PageOptions, type Style } from "./page.ts";

const STYLES: Readonly<Record<PathNode["mood"], Style | undefined>> = {
	plain: undefined,
	good: "strong",
	bad: "warning",
	spent: "faint",
};

export function dnsPathText(path: DnsPath, options: PageOptions): string {
	const page = new Page(options);
	const root = pathTree(path);
	page.verbatim(root.text, 0, "strong");
	writeChildren(page, root, "");
	return page.text();
}

function writeChildren(page: Page, { children }: PathNode, before: string): void {
	children.forEach((child, at) => {
		const isLast = at === children.length - 1;
		page.verbatim(`${before}${isLast ? "└─ " : "├─ "}${child.text}`, 0, STYLES[child.mood]);
		writeChildren(page, child, before + (isLast ? "   " : "│  "));
	});
}
