/** The rules of the house that no linter knows. Each is one entry in RULES; CONTRIBUTING.md says them in words. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { gunzipSync } from "node:zlib";
import { trackedFiles } from "./tracked-files.ts";

/** Lines of a .ts or .go file; a longer one says in its header why it is one thing. */
const FILE_LINES_MAX = 400;
/** The header is looked for here. */
const HEADER_LINES = 20;
const ONE_THING = /\bone (?:thing|file|table|grammar) because\b/i;
/** Bytes a capture may unpack to before it is refused. */
const UNPACKED_BYTES_MAX = 512 * 1024 * 1024;

export interface HouseFile {
	readonly path: string;
	readonly text: string;
}

/** What a rule may know besides the file: names that would tell of the machine this runs on. */
export interface Machine {
	readonly registryHosts: readonly string[];
}

interface Rule {
	/** Which files it looks at. */
	readonly over: RegExp;
	readonly butNot?: RegExp;
	/** What is wrong with the file, if anything: `line` is 1-based. */
	readonly faults: (file: HouseFile, machine: Machine) => readonly Fault[];
}

interface Fault {
	readonly line: number;
	readonly says: string;
}

const CODE = /[.](ts|mjs|go|sh)$|^[.]ci\/run$/;
/** Recorded bytes and made-up dumps: other people's words, not ours. */
const RECORDED = /^captures\/|\/fixtures\//;
/** Where made-up and recorded input stands: it may name other machines, but not this one. */
const MADE_UP = new RegExp(`${RECORDED.source}|/testing/|[.]test[.]ts$`);
const LOCK = /package-lock[.]json$|go[.]sum$/;

function matches(text: string, pattern: RegExp, says: (found: string) => string): readonly Fault[] {
	return text.split("\n").flatMap((line, at) => {
		const found = pattern.exec(line);
		return found === null ? [] : [{ line: at + 1, says: says(found[0].trim()) }];
	});
}

/** Written in two halves so that this file does not find itself. */
const MARKERS = new RegExp(
	`(?:\\/\\/|\\/?\\*|#|<!--).*(?<!context\\.)\\b(?:${"TO"}DO|${"FIX"}ME|${"XX"}X)\\b`,
);
/** Where this house is built. In recorded and made-up input other people's homes may stand, but not this. */
const WORK_PATHS = new RegExp(`(?<![\\w./-])/${"wo"}rk/`);
const DEV_PATHS = new RegExp(
	`${WORK_PATHS.source}|(?<![\\w./-])/(?:home/(?!(?:app|user|build|builder|runner)/)[a-z]|Users/[a-z]|${"ro"}ot/)`,
);
/** What differs by moment, chance or locale although every JavaScript has it; the compiler bars the rest. */
const HOST_SENSE = /\bDate\.now\b|\bnew Date\(\)|\bMath\.random\b|\btoLocale\w+\(|\blocaleCompare\b|\bIntl\./;
const LONE_TEST = /\b(?:test|it|describe|suite)[.]only\b|\bonly: true\b/;
const SILENCED = new RegExp(`@ts-(?:ignore|no${"check"})|biome-${"ignore"}|eslint-${"disable"}`);

const RULES: readonly Rule[] = [
	{
		over: /[.](ts|go)$/,
		butNot: RECORDED,
		faults: ({ text }) => {
			const lines = text.trimEnd().split("\n");
			if (lines.length <= FILE_LINES_MAX || ONE_THING.test(lines.slice(0, HEADER_LINES).join(" "))) return [];
			const says = `${lines.length} lines, over ${FILE_LINES_MAX}: split it, or say in the header "one thing because ..."`;
			return [{ line: FILE_LINES_MAX + 1, says }];
		},
	},
	{
		over: CODE,
		butNot: RECORDED,
		faults: ({ text }) => matches(text, MARKERS, (found) => `unfinished: ${found.slice(0, 60)}`),
	},
	{
		over: /./,
		butNot: LOCK,
		faults: ({ text, path }) =>
			matches(text, MADE_UP.test(path) ? WORK_PATHS : DEV_PATHS, (found) => {
				return `a path of a developer's machine: ${found}`;
			}),
	},
	{
		over: /./,
		faults: ({ text }, { registryHosts }) =>
			registryHosts.flatMap((host) =>
				text.includes(host)
					? [
							{
								line: text.slice(0, text.indexOf(host)).split("\n").length,
								says: `names the registry ${host}`,
							},
						]
					: [],
			),
	},
	{
		over: /package-lock[.]json$/,
		faults: ({ text }) =>
			matches(
				text,
				/"resolved": "https?:\/\/(?!registry[.]npmjs[.]org\/)[^/"]*/,
				(found) => `lock: ${found}`,
			),
	},
	{
		over: /^packages\/(?:signals|diagnosis|report)\/src\/.*[.]ts$/,
		butNot: /[.]test[.]ts$|\/testing\//,
		faults: ({ text }) => matches(text, HOST_SENSE, (found) => `a pure room must not depend on: ${found}`),
	},
	{
		over: /(?:^|\/)(?:utils?|helpers?|common|misc|shared)[.](?:ts|go|mjs)$/,
		faults: () => [{ line: 1, says: "a name that says nothing: name the file after its one idea" }],
	},
	{
		over: /(?:^|\/)[^/]*(?:[A-Z_ ])[^/]*[.]ts$/,
		faults: () => [{ line: 1, says: "file names are kebab-case" }],
	},
	{
		over: /[.]test[.]ts$/,
		faults: ({ text }) => matches(text, LONE_TEST, (found) => `a lone test hides the others: ${found}`),
	},
	{
		over: /[.](ts|mjs)$/,
		butNot: /^scripts\/check-house[.]/,
		faults: ({ text }) => matches(text, SILENCED, (found) => `a check is silenced: ${found}`),
	},
];

/** One line a fault: `path:line: what`. */
export function houseFaults(files: readonly HouseFile[], machine: Machine): readonly string[] {
	return files.flatMap((file) =>
		RULES.filter((rule) => rule.over.test(file.path) && rule.butNot?.test(file.path) !== true)
			.flatMap((rule) => rule.faults(file, machine))
			.map((fault) => `${file.path}:${fault.line}: ${fault.says}`),
	);
}

/** Packed files are looked into: a recorded path hides well in a gzip. */
function readText(path: string): string {
	const bytes = readFileSync(path);
	const packed = bytes[0] === 0x1f && bytes[1] === 0x8b;
	return (packed ? gunzipSync(bytes, { maxOutputLength: UNPACKED_BYTES_MAX }) : bytes).toString("latin1");
}

function thisMachine(): Machine {
	const asked = [
		() => execFileSync("npm", ["config", "get", "registry"], { encoding: "utf8", stdio: "pipe" }),
		() => execFileSync("go", ["env", "GOPROXY"], { encoding: "utf8", stdio: "pipe" }),
	].flatMap((ask) => {
		try {
			return [ask()];
		} catch {
			return []; // No npm or no Go: then it has no registry to name either.
		}
	});
	const hosts = asked.flatMap((text) => [...text.matchAll(/https?:\/\/(?:[^@/\s,|]*@)?([^:/\s,|]+)/g)]);
	return {
		registryHosts: hosts
			.map((found) => found[1] ?? "")
			.filter((host) => !/^(|registry[.]npmjs[.]org|proxy[.]golang[.]org|localhost|127[.].*)$/.test(host)),
	};
}

function main(): void {
	const files = trackedFiles(".").map((path) => ({ path, text: readText(path) }));
	const faults = houseFaults(files, thisMachine());
	for (const fault of faults) process.stdout.write(`${fault}\n`);
	process.exitCode = faults.length === 0 ? 0 : 1;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) main();
