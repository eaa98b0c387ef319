/**
 * One hostile connection: a request that somebody has tampered with, what may be a request hidden in it, and an honest
 * one behind.
 *
 *     POST /first-{id} HTTP/1.1        tampered with somewhere in here
 *     Host: garden.example
 *     Content-Length: 4
 *     Transfer-Encoding: xchunked
 *
 *     2e                               by one way of reading a body, by another
 *     GET /smuggled-{id} HTTP/1.1      a request of its own
 *     …
 *     GET /end-{id} HTTP/1.1           honest; closes the connection
 */
import type { Chance } from "@plumbline/resolver/testing/fuzz/chance";

export interface Mutation {
	readonly number: number;
	readonly family: string;
	/** Latin-1. */
	readonly text: string;
}

/** One way of tampering: a box of that many cells along each side, each a text with `{id}` in its targets. */
export interface Family {
	readonly name: string;
	readonly sides: readonly number[];
	make(cell: readonly number[], chance: Chance): string;
}

export const ID = "{id}";
export const HOST = "garden.example";
export const SMUGGLED = `GET /smuggled-${ID} HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`;
export const VERSIONS = ["HTTP/1.1", "HTTP/1.0"];

/** What follows the head, with the length that a Content-Length beside it says. */
export interface BodyForm {
	readonly text: string;
	readonly length: number;
}

export function chunk(text: string): string {
	// The id is as long as its place: see `idText`.
	return `${text.length.toString(16)}\r\n${text}\r\n`;
}

const SIZE_LINE = chunk(SMUGGLED).indexOf("\r\n") + 2;

export const BODIES: readonly BodyForm[] = [
	// By length all of it is body, by chunks a request follows.
	form(`0\r\n\r\n${SMUGGLED}`),
	// By chunks all of it is body, by length the chunk's data are a request.
	{ text: `${chunk(SMUGGLED)}0\r\n\r\n`, length: SIZE_LINE },
	form(`${chunk("hello")}0\r\n\r\n`),
	form(SMUGGLED),
	form(""),
];

function form(text: string): BodyForm {
	return { text, length: text.length };
}

/** Lines without their ends; `line` is the first. */
export function message(lines: readonly string[], body: string, line = `POST /first-${ID} HTTP/1.1`): string {
	return `${[line, ...lines].join("\r\n")}\r\n\r\n${body}`;
}

export const HOST_LINE = `Host: ${HOST}`;
const LAST = `GET /end-${ID} HTTP/1.1\r\n${HOST_LINE}\r\nConnection: close\r\n\r\n`;

/** As many digits as `{id}` has letters, so that lengths hold; base 36 is enough for a million. */
function idText(number: number): string {
	return number.toString(36).padStart(ID.length, "0");
}

export function withId(text: string, number: number): string {
	return (text + LAST).replaceAll(ID, idText(number));
}

const ID_IN_TEXT = /\/(?:first|smuggled|end)-([0-9a-z]{4})(?![0-9a-z])/;

/** Which connection a target belongs to. */
export function numberIn(text: string): number | undefined {
	const id = ID_IN_TEXT.exec(text)?.[1];
	return id === undefined ? undefined : Number.parseInt(id, 36);
}

export function idsIn(text: string): Set<string> {
	return new Set([...text.matchAll(new RegExp(ID_IN_TEXT, "g"))].map(([, id = ""]) => id));
}
