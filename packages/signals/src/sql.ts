/**
 * SQL without the data in it. A statement from a server's session list names tables, which we want, and
 * customers, which must never enter a capture.
 *
 *     SELECT * FROM "Order" WHERE email = E'o\'x@y.z' AND id IN (1, 2) -- for anna
 *     SELECT * FROM "Order" WHERE email = ? AND id IN (?, ?) --
 *
 * Tokens, after PostgreSQL 18 ch. 4.1 and MySQL 8.4 ch. 11.1:
 *
 *     STRING  'a''b'  E'a\'b'  U&'\0041'  N'a'  B'01'  X'1F'  $$a$$  $tag$a$tag$  MySQL: 'a\'b' "a"
 *     NUMBER  1  1.5e-3  .5  0x1F  0b01  1_000       NAME  a  "a""b"  `a``b`  _utf8mb4
 *     COMMENT -- to the line's end   MySQL: # likewise   slash-star, nested in PostgreSQL
 *     PLACEHOLDER  $1  ?  :name
 *
 * Servers cut statements (track_activity_query_size), so a literal, a quoted name or a comment that never
 * closes reaches to the end and goes whole. How this can mislead: with a wrong idea of whether backslashes
 * escape, text and literals swap places; collectors ask the server for its setting.
 */

export interface SqlDialect {
	readonly engine: "postgres" | "mysql";
	/**
	 * Backslashes escape in plain '...': by default on MySQL (sql_mode NO_BACKSLASH_ESCAPES ends it), not
	 * on PostgreSQL (standard_conforming_strings = off begins it).
	 */
	readonly backslashEscapes?: boolean;
}

/** The statement with every literal as `?` and every comment emptied; names and placeholders stay. */
export function redactSql(text: string, dialect: SqlDialect): string {
	let out = "";
	for (const token of tokens(text, dialect)) {
		switch (token.kind) {
			case "literal":
				out += "?";
				break;
			case "comment":
				out += token.text.startsWith("/*") ? "/* */" : "--";
				break;
			case "space":
			case "name":
			case "placeholder":
			case "sign":
				out += token.text;
				break;
			default:
				token.kind satisfies never;
		}
	}
	return out;
}

/**
 * One text for all statements that differ only in their data and layout: for grouping, never for showing.
 * `select  *\nfrom t where id in ($1,$2,$3)` and `SELECT * FROM t WHERE id IN (7)` give the same.
 */
export function fingerprintSql(text: string, dialect: SqlDialect): string {
	let out = "";
	for (const token of tokens(text, dialect)) {
		if (token.kind === "comment" || token.kind === "space") out += " ";
		else if (token.kind === "literal" || token.kind === "placeholder") out += "?";
		else if (token.kind === "name" && !/^["`]/.test(token.text)) out += token.text.toLowerCase();
		else out += token.text;
	}
	return out
		.replace(/\s+/g, " ")
		.replace(/ ?([,();=<>]) ?/g, "$1")
		.replace(/\(-?\?(?:,-?\?)+\)/g, "(?)")
		.replace(/\(\?\)(?:,\(\?\))+/g, "(?)")
		.replace(/[; ]+$/, "")
		.trimStart();
}

/** Where in the text data stands: every literal, and what is in comments. */
export function* dataSpans(text: string, dialect: SqlDialect): Generator<{ from: number; to: number }> {
	let from = 0;
	for (const token of tokens(text, dialect)) {
		const to = from + token.text.length;
		if (token.kind === "literal" || token.kind === "comment") yield { from, to };
		from = to;
	}
}

interface Token {
	readonly kind: "space" | "comment" | "literal" | "name" | "placeholder" | "sign";
	readonly text: string;
}

const SPACE = /\s+/y;
/** As PostgreSQL's own scanner, all beyond ASCII may stand in a name. */
const NAME = /[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*/y;
const NUMBER = /(?:\d|\.\d)(?:[eE][+-]?\d|[\w.])*/y;
const PLACEHOLDER = /\$\d+|\?|:[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*/y;
const DOLLAR_TAG = /\$(?:[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$/y;
/** The letter of E'..', N'..', B'..', X'..' or U&'..', which belongs to the literal. */
const STRING_PREFIX = /(?:[eEnNbBxX]|[uU]&)(?=')/y;
/** Signs that begin nothing but themselves. */
const SIGNS = /[=<>(),;+*%!|&^~@[\]{}]+/y;

function* tokens(text: string, dialect: SqlDialect): Generator<Token> {
	for (let at = 0; at < text.length; ) {
		const token = tokenAt(text, at, dialect);
		yield token;
		at += token.text.length;
	}
}

function tokenAt(text: string, at: number, dialect: SqlDialect): Token {
	const upTo = (kind: Token["kind"], end: number): Token => ({ kind, text: text.slice(at, end) });
	const mysql = dialect.engine === "mysql";
	const char = text[at] as string;
	const space = match(SPACE, text, at);
	if (space > 0) return upTo("space", at + space);
	const prefix = match(STRING_PREFIX, text, at);
	if (prefix > 0 || char === "'") {
		const escapes = (prefix > 0 && /e/i.test(char)) || (dialect.backslashEscapes ?? mysql);
		return upTo("literal", quoteEnd(text, at + prefix, "'", escapes) ?? text.length);
	}
	const name = match(NAME, text, at);
	if (name > 0) return upTo("name", at + name);
	const signs = match(SIGNS, text, at);
	if (signs > 0) return upTo("sign", at + signs);
	const number = match(NUMBER, text, at);
	if (number > 0) return upTo("literal", at + number);
	if (text.startsWith("--", at) || (mysql && char === "#")) return upTo("comment", lineEnd(text, at));
	if (text.startsWith("/*", at)) return upTo("comment", commentEnd(text, at, !mysql));
	if (char === '"' || char === "`") {
		const isString = mysql && char === '"';
		const end = quoteEnd(text, at, char, isString && (dialect.backslashEscapes ?? true));
		return upTo(isString || end === undefined ? "literal" : "name", end ?? text.length);
	}
	const tag = match(DOLLAR_TAG, text, at);
	if (tag > 0) return upTo("literal", after(text, text.slice(at, at + tag), at + tag));
	if (text.startsWith("::", at)) return upTo("sign", at + 2);
	const placeholder = match(PLACEHOLDER, text, at);
	if (placeholder > 0) return upTo("placeholder", at + placeholder);
	return upTo("sign", at + 1);
}

/** Length of a sticky pattern's match at `at`, 0 for none. */
function match(pattern: RegExp, text: string, at: number): number {
	pattern.lastIndex = at;
	return pattern.test(text) ? pattern.lastIndex - at : 0;
}

/** Offset past the closing quote, or undefined if it never comes. A doubled quote is part of the text. */
function quoteEnd(text: string, open: number, quote: string, escapes: boolean): number | undefined {
	for (let at = open + 1; at < text.length; at++) {
		if (escapes && text[at] === "\\") at++;
		else if (text[at] === quote) {
			if (text[at + 1] !== quote) return at + 1;
			at++;
		}
	}
	return undefined;
}

function commentEnd(text: string, open: number, nests: boolean): number {
	let at = open + 2;
	for (let depth = 1; depth > 0; ) {
		const close = text.indexOf("*/", at);
		if (close < 0) return text.length;
		const inner = nests ? text.indexOf("/*", at) : -1;
		const opens = inner >= 0 && inner < close;
		depth += opens ? 1 : -1;
		at = (opens ? inner : close) + 2;
	}
	return at;
}

function lineEnd(text: string, at: number): number {
	const end = text.indexOf("\n", at);
	return end < 0 ? text.length : end;
}

function after(text: string, what: string, from: number): number {
	const at = text.indexOf(what, from);
	return at < 0 ? text.length : at + what.length;
}
