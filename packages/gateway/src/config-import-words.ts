/**
 * Words and blocks of an nginx.conf or a Caddyfile.
 *
 *   nginx   listen 80; location / { proxy_pass http://a; }     a directive ends with ; or its block
 *   Caddy   reverse_proxy a:80 {                               a directive ends with its line; { at its end opens a block
 */
export interface Directive {
	readonly words: readonly string[];
	readonly line: number;
	readonly block: readonly Directive[] | undefined;
}

export type Blocks =
	| { readonly kind: "blocks"; readonly directives: readonly Directive[] }
	| { readonly kind: "refused"; readonly why: string };

const CHARS_MAX = 1024 * 1024;
const DEPTH_MAX = 32;
const TOKEN =
	/(\n)|#[^\n]*|"((?:[^"\\]|\\[\s\S])*)"|'((?:[^'\\]|\\[\s\S])*)'|`([^`]*)`|([{};])(?=\s|$|;|\})|([^\s;{}"'`]+(?:\{[^}\s]*\}[^\s;{}]*)*|\{[^}\s]+\}[^\s;]*)|([{};])/g;

interface Token {
	readonly kind: "word" | "mark" | "break";
	readonly text: string;
	readonly line: number;
}

export function readBlocks(text: string, endsAt: ";" | "line"): Blocks {
	if (text.length > CHARS_MAX) return { kind: "refused", why: `longer than ${CHARS_MAX} characters` };
	const tokens = tokensOf(text);
	let at = 0;

	function block(depth: number): readonly Directive[] | string {
		const directives: Directive[] = [];
		let words: string[] = [];
		let line = 0;
		const end = (inner?: readonly Directive[]) => {
			if (words.length > 0 || inner !== undefined) directives.push({ words, line, block: inner });
			words = [];
		};
		for (let token = tokens[at++]; token !== undefined; token = tokens[at++]) {
			if (token.kind === "word") {
				if (words.length === 0) line = token.line;
				words.push(token.text);
			} else if (token.kind === "break") {
				// A list of sites goes on after a comma.
				if (endsAt === "line" && words.at(-1)?.endsWith(",") !== true) end();
			} else if (token.text === ";") end();
			else if (token.text === "{") {
				if (depth >= DEPTH_MAX) return `line ${token.line}: blocks within more than ${DEPTH_MAX} others`;
				if (words.length === 0) line = token.line;
				const inner = block(depth + 1);
				if (typeof inner === "string") return inner;
				end(inner);
			} else if (depth === 0) return `line ${token.line}: a } that closes nothing`;
			else {
				end();
				return directives;
			}
		}
		end();
		return depth === 0 ? directives : "a block is not closed";
	}

	const directives = block(0);
	return typeof directives === "string"
		? { kind: "refused", why: directives }
		: { kind: "blocks", directives };
}

function tokensOf(text: string): readonly Token[] {
	const tokens: Token[] = [];
	let line = 1;
	for (const [whole, lineBreak, double, single, back, mark, word, tightMark] of text.matchAll(TOKEN)) {
		const quoted = double ?? single ?? back;
		if (lineBreak !== undefined) tokens.push({ kind: "break", text: "", line: line++ });
		else if (quoted !== undefined || word !== undefined) {
			tokens.push({ kind: "word", text: word ?? quoted ?? "", line });
			line += whole.split("\n").length - 1;
		} else if (mark !== undefined || tightMark !== undefined) {
			tokens.push({ kind: "mark", text: mark ?? tightMark ?? "", line });
		}
	}
	return tokens;
}
