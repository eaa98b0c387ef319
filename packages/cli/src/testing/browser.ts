/** A real browser for tests of pages: Debian's or any other Chromium on PATH, driven by playwright. */
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import axe from "axe-core";
import { type Browser, chromium, type Page } from "playwright-core";

const PROGRAMS = ["chromium", "chromium-browser", "google-chrome"];

/** Undefined where there is none on PATH. */
export function findChromium(): string | undefined {
	const folders = (process.env.PATH ?? "").split(delimiter);
	return folders.flatMap((folder) => PROGRAMS.map((name) => join(folder, name))).find(existsSync);
}

/** Without a sandbox: it opens files that the test made, and in a container there may be no right to one. */
export function launchChromium(executablePath: string): Promise<Browser> {
	return chromium.launch({
		executablePath,
		chromiumSandbox: false,
		args: ["--disable-dev-shm-usage", "--disable-gpu"],
	});
}

export interface AxeIssue {
	readonly id: string;
	readonly impact: string;
	readonly where: readonly string[];
}

/**
 * What axe finds on the page as it is shown now; of `rules` only, where they are given. It runs beside the page's own
 * policy, not under it.
 */
export async function axeIssues(page: Page, ...rules: readonly string[]): Promise<readonly AxeIssue[]> {
	if (!(await page.evaluate<boolean>("'axe' in globalThis"))) await page.evaluate(axe.source);
	const only = rules.length === 0 ? "" : `{ runOnly: ${JSON.stringify(rules)} }`;
	const { violations } = await page.evaluate<AxeResults>(`axe.run(${only})`);
	return violations.map(({ id, impact, nodes }) => ({
		id,
		impact: impact ?? "unknown",
		where: nodes.slice(0, 5).map(({ html }) => html.slice(0, 160)),
	}));
}

interface AxeResults {
	readonly violations: readonly {
		readonly id: string;
		readonly impact?: string;
		readonly nodes: readonly { readonly html: string }[];
	}[];
}
