/**
 * Reads every Markdown file of the house and says what no longer holds: relative links and anchors that
 * lead nowhere, files named in backticks that are gone, and `npm run` or `plumbline` commands and flags
 * that do not exist. Links to the outside are left alone: a check must not need the network.
 */
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { pathToFileURL } from "node:url";
import { runCommand } from "./command.ts";
import { trackedFiles } from "./tracked-files.ts";

const HELP_TIME_MS_MAX = 20_000;
/** Distinct subcommands asked for their help. */
const COMMANDS_MAX = 150;

export interface Doc {
	readonly path: string;
	readonly text: string;
}

/** What docs may point at. */
export interface World {
	readonly exists: (path: string) => boolean;
	readonly read: (path: string) => string;
	readonly npmScripts: readonly string[];
	/** Help text of `plumbline ARGS --help`; undefined when there is no such command. */
	readonly help: (command: string) => string | undefined;
}

/** GitHub's rule: lower case, punctuation dropped, spaces to dashes; a repeated heading gets -1, -2. */
export function anchorsOf(markdown: string): ReadonlySet<string> {
	const anchors = new Set<string>();
	for (const [, heading = ""] of withoutFences(markdown).matchAll(/^#{1,6}\s+(.*?)\s*#*$/gm)) {
		const plain = heading.replace(/\[([^\]]*)\]\([^)]*\)/g, "$1").toLowerCase();
		const slug = plain.replace(/[^\p{L}\p{N}\s_-]/gu, "").replace(/\s/g, "-");
		let anchor = slug;
		for (let again = 1; anchors.has(anchor); again++) anchor = `${slug}-${again}`;
		anchors.add(anchor);
	}
	for (const [, id = ""] of markdown.matchAll(/<a (?:id|name)="([^"]+)"/g)) anchors.add(id);
	return anchors;
}

function withoutFences(markdown: string): string {
	return markdown.replace(/^(```|~~~).*?^\1/gms, (fence) => fence.replace(/[^\n]/g, ""));
}

function linksOf(markdown: string): readonly string[] {
	const prose = withoutFences(markdown).replace(/`[^`\n]*`/g, "``");
	const inline = [...prose.matchAll(/\]\(<?([^)\s>]+)>?(?:\s+"[^"]*")?\)/g)];
	const defined = [...prose.matchAll(/^\[[^\]]+\]:\s*(\S+)/gm)];
	return [...inline, ...defined].map((found) => found[1] ?? "");
}

function linkFaults(doc: Doc, world: World): readonly string[] {
	return linksOf(doc.text).flatMap((link) => {
		if (/^(?:[a-z][a-z+.-]*:|\/\/)/i.test(link)) return [];
		const [file = "", anchor] = link.split("#");
		const target = file === "" ? doc.path : normalize(join(dirname(doc.path), decodeURIComponent(file)));
		if (target.startsWith("..") || !world.exists(target)) return [`no such file: ${link}`];
		if (anchor === undefined || !target.endsWith(".md")) return [];
		return anchorsOf(world.read(target)).has(anchor) ? [] : [`no such heading: ${link}`];
	});
}

/** Code in a document: spans, and the lines of fences with a shell prompt or continuation taken off. */
function codeOf(markdown: string): readonly string[] {
	const fences = [...markdown.matchAll(/^```.*?\n(.*?)^```/gms)].map((found) => found[1] ?? "");
	const lines = fences.flatMap((fence) => fence.replace(/\\\n\s*/g, " ").split("\n"));
	const spans = [...withoutFences(markdown).matchAll(/`([^`\n]+)`/g)].map((found) => found[1] ?? "");
	return [...lines, ...spans].map((code) => code.replace(/^\s*\$ /, "").trim());
}

const REPO_PATH = /^(?:packages|scripts|docs|lab|bench|captures)\/[\w./-]+$/;

function pathFaults(code: string, world: World): readonly string[] {
	return REPO_PATH.test(code) && !world.exists(code) ? [`no such file: \`${code}\``] : [];
}

function npmFaults(code: string, world: World): readonly string[] {
	return [...code.matchAll(/\bnpm run ([\w:-]+)/g)].flatMap(([, name = ""]) =>
		world.npmScripts.includes(name) ? [] : [`no such script: npm run ${name}`],
	);
}

/** `plumbline WORD... --flags`; words that are operands (`NAME`, `FILE`) or shell syntax end the command. */
function commandFaults(code: string, world: World): readonly string[] {
	const found = /^(?:npm ci && )?(?:sudo (?:-\S+ \S+ )?)?(?:npx )?plumbline((?: [a-z][a-z-]*)*)(.*)$/.exec(
		code,
	);
	if (found === null) return [];
	const words = (found[1] ?? "").trim().split(" ").filter(Boolean);
	let help = world.help("");
	let command = "";
	for (const word of words) {
		const deeper = world.help(`${command} ${word}`.trim());
		if (deeper === undefined) {
			if (command === "") return [`no such command: plumbline ${word}`];
			break;
		}
		help = deeper;
		command = `${command} ${word}`.trim();
	}
	const rest = (found[2] ?? "").split(/\s[#|>]|&&/)[0] ?? "";
	return [...rest.matchAll(/(?:^|[\s[(|])--(?:no-)?([a-z][a-z-]*)/g)].flatMap(([, flag = ""]) =>
		flag === "help" || flag === "version" || help?.includes(`--${flag}`) || help?.includes(`--[no-]${flag}`)
			? []
			: [`no such flag: plumbline ${command} --${flag}`],
	);
}

/** One line a fault: `path: what`. */
export function docFaults(docs: readonly Doc[], world: World): readonly string[] {
	return docs.flatMap((doc) => {
		const codes = codeOf(doc.text);
		const faults = [
			...linkFaults(doc, world),
			...codes.flatMap((code) => [
				...pathFaults(code, world),
				...npmFaults(code, world),
				...commandFaults(code, world),
			]),
		];
		return [...new Set(faults)].map((fault) => `${doc.path}: ${fault}`);
	});
}

/** Every command of the real program with its help, found by following the words the docs use. */
async function helpTexts(docs: readonly Doc[]): Promise<ReadonlyMap<string, string>> {
	const texts = new Map<string, string>();
	const phrases = docs
		.flatMap((doc) => codeOf(doc.text))
		.flatMap((code) =>
			[...code.matchAll(/\bplumbline((?: [a-z][a-z-]*)*)/g)].map((f) => (f[1] ?? "").trim()),
		);
	const commands = new Set(phrases.flatMap((phrase) => ["", phrase.split(" ")[0] ?? "", phrase]));
	for (const command of [...commands].slice(0, COMMANDS_MAX)) {
		const args = command === "" ? [] : command.split(" ");
		const end = await runCommand({
			program: "packages/cli/bin/plumbline",
			args: [...args, "--help"],
			timeMsMax: HELP_TIME_MS_MAX,
		});
		if (end.kind === "ended" && end.exitCode === 0) texts.set(command, end.output);
	}
	return texts;
}

async function main(): Promise<void> {
	const docs = trackedFiles(".")
		.filter((path) => path.endsWith(".md"))
		.map((path) => ({ path, text: readFileSync(path, "utf8") }));
	const manifest: unknown = JSON.parse(readFileSync("package.json", "utf8"));
	const scripts =
		manifest !== null && typeof manifest === "object" && "scripts" in manifest ? manifest.scripts : {};
	const help = await helpTexts(docs);
	const faults = docFaults(docs, {
		exists: existsSync,
		read: (path) => readFileSync(path, "utf8"),
		npmScripts: Object.keys(scripts ?? {}),
		help: (command) => help.get(command),
	});
	for (const fault of faults) process.stdout.write(`${fault}\n`);
	process.exitCode = faults.length === 0 ? 0 : 1;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) await main();
