/** YAML with the line of each value, so that what is wrong can be shown where it stands. */
import { type Document, isMap, isNode, isScalar, LineCounter, parseDocument, visit } from "yaml";

export type YamlRead =
	| {
			readonly kind: "yaml";
			readonly value: Readonly<Record<string, unknown>>;
			readonly document: Document;
			readonly lines: LineCounter;
	  }
	| { readonly kind: "refused"; readonly faults: readonly string[] };

const CONFIG_CHARS_MAX = 1024 * 1024;
/** Aliases that repeat themselves grow without end. */
const ALIASES_MAX = 50;
const FAULTS_MAX = 10;

export function readYaml(name: string, text: string): YamlRead {
	if (text.length > CONFIG_CHARS_MAX) {
		return { kind: "refused", faults: [`${name}: longer than ${CONFIG_CHARS_MAX} characters`] };
	}
	const lines = new LineCounter();
	const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true });
	if (document.errors.length > 0) {
		const faults = document.errors
			.slice(0, FAULTS_MAX)
			.map(({ pos: [at], message }) => `${name} line ${lines.linePos(at).line}: ${message}`);
		return { kind: "refused", faults };
	}
	if (document.contents === null) return { kind: "yaml", value: {}, document, lines };
	if (!isMap(document.contents))
		return { kind: "refused", faults: [`${name} line 1: keys and values are expected`] };
	try {
		const complexAt = firstComplexKey(document);
		if (complexAt !== undefined) {
			const { line } = lines.linePos(complexAt);
			return { kind: "refused", faults: [`${name} line ${line}: a key must be plain text`] };
		}
		const value: unknown = document.toJS({ maxAliasCount: ALIASES_MAX });
		return { kind: "yaml", value: value as Record<string, unknown>, document, lines };
	} catch (error) {
		return {
			kind: "refused",
			faults: [`${name}: ${error instanceof Error ? error.message : String(error)}`],
		};
	}
}

/**
 * Where a list, a map or an alias stands as a key. No key of ours is one, and to make text of nested ones takes the
 * parser a time that doubles with every few levels.
 */
function firstComplexKey(document: Document): number | undefined {
	let at: number | undefined;
	visit(document, {
		Pair: (_, { key }) => {
			if (key === null || isScalar(key)) return undefined;
			at = isNode(key) ? (key.range?.[0] ?? 0) : 0;
			return visit.BREAK;
		},
	});
	return at;
}

/** Of the value at the path, or of the nearest one around it. An unknown key is told at its parent. */
export function lineOf(
	{ document, lines }: Extract<YamlRead, { kind: "yaml" }>,
	path: readonly PropertyKey[],
): number | undefined {
	for (let length = path.length; length > 0; length--) {
		const node: unknown = document.getIn(path.slice(0, length), true);
		if (typeof node !== "object" || node === null || !("range" in node)) continue;
		const range = node.range;
		if (Array.isArray(range) && typeof range[0] === "number") return lines.linePos(range[0]).line;
	}
	return undefined;
}

/** Of the key itself, wherever its value stands. */
export function keyLineOf(
	yaml: Extract<YamlRead, { kind: "yaml" }>,
	path: readonly PropertyKey[],
): number | undefined {
	const { document, lines } = yaml;
	const parent: unknown = path.length === 1 ? document.contents : document.getIn(path.slice(0, -1), true);
	const name = String(path.at(-1));
	const pair = isMap(parent)
		? parent.items.find(({ key }) => isScalar(key) && String(key.value) === name)
		: undefined;
	const at = isNode(pair?.key) ? pair.key.range?.[0] : undefined;
	return at === undefined ? lineOf(yaml, path) : lines.linePos(at).line;
}
