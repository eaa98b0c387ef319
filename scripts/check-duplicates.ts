/**
 * Finds logic written twice in TypeScript and Go: runs of equal lines, after indentation, blank lines,
 * comments and imports are dropped. Renamed copies get through; the point is to stop pasting.
 */
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { trackedFiles } from "./tracked-files.ts";

/** Equal lines of code in a row from which on it is one piece of logic in two places. */
const TWIN_LINES_MIN = 12;

/** Lab programs are cases to compare: being alike but for the one leaking line is their purpose. */
const EXEMPT = /[.]test[.]ts$|_test[.]go$|\/fixtures\/|^captures\/|^lab\/go\/|[.]d[.]ts$/;

interface CodeLine {
	readonly text: string;
	/** 1-based, in the file. */
	readonly line: number;
}

export interface Twin {
	readonly lines: number;
	readonly a: { readonly path: string; readonly line: number };
	readonly b: { readonly path: string; readonly line: number };
}

const NO_LOGIC = /^(?:$|\/\/|\/?\*|import\b|export (?:type )?[{*]|[)}\];,]+$|"[^"]*",?$)/;

function codeLines(source: string): readonly CodeLine[] {
	return source
		.split("\n")
		.map((text, at) => ({ text: text.trim(), line: at + 1 }))
		.filter(({ text }) => !NO_LOGIC.test(text));
}

export function findTwins(files: ReadonlyMap<string, string>): readonly Twin[] {
	const seen = new Map<string, { path: string; at: number }>();
	const codes = new Map([...files].map(([path, source]) => [path, codeLines(source)]));
	const twins: Twin[] = [];
	for (const [path, code] of codes) {
		for (let at = 0; at + TWIN_LINES_MIN <= code.length; at++) {
			const window = code.slice(at, at + TWIN_LINES_MIN);
			const key = window.map((line) => line.text).join("\n");
			const first = seen.get(key);
			if (first === undefined || (first.path === path && first.at + TWIN_LINES_MIN > at)) {
				if (first === undefined) seen.set(key, { path, at });
				continue;
			}
			const other = codes.get(first.path) ?? [];
			let lines = TWIN_LINES_MIN;
			while (
				code[at + lines] !== undefined &&
				code[at + lines]?.text === other[first.at + lines]?.text &&
				(first.path !== path || first.at + lines < at)
			)
				lines++;
			twins.push({
				lines,
				a: { path: first.path, line: other[first.at]?.line ?? 0 },
				b: { path, line: code[at]?.line ?? 0 },
			});
			at += lines - 1;
		}
	}
	return twins;
}

function main(): void {
	const paths = trackedFiles(".").filter((path) => /[.](ts|go)$/.test(path) && !EXEMPT.test(path));
	const twins = findTwins(new Map(paths.map((path) => [path, readFileSync(path, "utf8")])));
	for (const { lines, a, b } of twins)
		process.stdout.write(`${b.path}:${b.line}: ${lines} lines of code as in ${a.path}:${a.line}\n`);
	process.exitCode = twins.length === 0 ? 0 : 1;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) main();
