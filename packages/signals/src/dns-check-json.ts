/**
 * Decodes and encodes a check of name servers: JSON that Plumbline writes, one answer a line, each in its wire form.
 *
 * ```
 * {"schema":"plumbline.dns-check/1","clientSubnet":"192.0.2.0/24",
 * "servers":[{"label":"udp 10.0.0.2:53","address":"10.0.0.2","trusted":false,"authenticated":false},...],
 * "questions":[{"name":"www.shop.example.","type":1,"purpose":"asked"},...],
 * "handshakes":[{"name":"www.shop.example.","address":"192.0.2.7","result":"valid","detail":"www.shop.example"}],
 * "answers":[
 * {"question":0,"server":0,"atMs":2,"tookMs":11,"says":["www.shop.example. 60 IN A 192.0.2.7"],"wire":"0007818000..."},
 * {"question":0,"server":1,"atMs":2,"tookMs":2000,"failed":"timeout","detail":"no answer within 2000 ms"}
 * ]}
 * ```
 * `says` is for people; what counts is `wire`. A row that is broken, or whose message is, is left out with a flaw: then
 * that server was not asked, as far as the verdict goes.
 */

import type { Decoded } from "./decoded.ts";
import type { CheckedAnswer, CheckedQuestion, CheckedServer, DnsCheck } from "./dns-check.ts";
import type { DnsMessage } from "./dns-message.ts";
import { decodeDnsMessage } from "./dns-message-decode.ts";
import { encodeDnsMessage } from "./dns-message-encode.ts";
import { wireFromDnsName } from "./dns-name.ts";
import { dnsRecordText } from "./dns-text.ts";
import type { DnsTold } from "./dns-verdict-answer.ts";
import type { TlsHandshake } from "./dns-verdict-comparison.ts";
import { Flaws } from "./flaws.ts";
import { isJsonObject, type JsonObject, readJsonFrame } from "./json-frame.ts";
import { quoteBytes } from "./quote-bytes.ts";

const SCHEMA = "plumbline.dns-check/1";
const CHECK_BYTES_MAX = 16 << 20;
const SERVERS_MAX = 64;
const QUESTIONS_MAX = 256;
const HANDSHAKES_MAX = 1024;
const ANSWERS_MAX = SERVERS_MAX * QUESTIONS_MAX;
const TEXT_CHARS_MAX = 1024;
const QUOTE_CHARS_MAX = 60;
const SAID_RECORDS_MAX = 8;

export function encodeDnsCheck({ servers, questions, handshakes, clientSubnet }: DnsCheck): Uint8Array {
	const head = { schema: SCHEMA, ...(clientSubnet === undefined ? {} : { clientSubnet }) };
	const asked = questions.map(({ name, type, purpose }) => ({ name, type, purpose }));
	const rows = questions.flatMap(({ answers }, question) => answers.map((answer) => rowOf(answer, question)));
	const parts = [
		JSON.stringify(head).slice(0, -1),
		`"servers":${JSON.stringify(servers)}`,
		`"questions":${JSON.stringify(asked)}`,
		`"handshakes":${JSON.stringify(handshakes)}`,
		`"answers":[\n${rows.join(",\n")}\n]}\n`,
	];
	return new TextEncoder().encode(parts.join(",\n"));
}

function rowOf({ server, atMs, tookMs, told }: CheckedAnswer, question: number): string {
	const head = { question, server, atMs: Math.round(atMs), tookMs: Math.round(tookMs * 10) / 10 };
	if (told.kind === "failed") return JSON.stringify({ ...head, failed: told.why, detail: told.detail });
	const { answers, authorities } = told.message;
	const says = [...answers, ...authorities].slice(0, SAID_RECORDS_MAX).map(dnsRecordText);
	return JSON.stringify({ ...head, says, wire: hexOf(encodeDnsMessage(withoutPadding(told.message))) });
}

/** Encrypted answers are padded to hundreds of octets, which tell nothing. */
function withoutPadding({ edns, ...message }: DnsMessage): DnsMessage {
	if (edns === undefined) return message;
	return { ...message, edns: { ...edns, options: edns.options.filter(({ kind }) => kind !== "padding") } };
}

export function decodeDnsCheck(bytes: Uint8Array): Decoded<DnsCheck> {
	const flaws = new Flaws();
	const json = bytes.length > CHECK_BYTES_MAX ? undefined : readJsonFrame(bytes, "answers", flaws);
	if (json?.schema !== SCHEMA || !Array.isArray(json.answers))
		return { kind: "foreign", found: quoteBytes(bytes) };
	const servers = listOf(json.servers, SERVERS_MAX, readServer);
	const questions = listOf(json.questions, QUESTIONS_MAX, readQuestion);
	if (servers === undefined || questions === undefined) return { kind: "foreign", found: quoteBytes(bytes) };
	const handshakes = listOf(json.handshakes, HANDSHAKES_MAX, readHandshake);
	if (handshakes === undefined) flaws.malformed("expected handshakes with name, address and result", 0);
	const answers: CheckedAnswer[][] = questions.map(() => []);
	const rows: readonly unknown[] = json.answers;
	const lines = rowOffsets(bytes);
	const offsets = lines.length === rows.length ? lines : [];
	for (const [index, row] of rows.slice(0, ANSWERS_MAX).entries()) {
		const offset = offsets[index];
		const read = readRow(row, { servers: servers.length, questions: questions.length });
		if (typeof read === "string") {
			flaws.malformed(`expected ${read}, found ${quoteRow(row)}`, offset ?? 0);
			continue;
		}
		const { question, ...answer } = read;
		answers[question]?.push(offset === undefined ? answer : { ...answer, offset });
	}
	if (rows.length > ANSWERS_MAX)
		flaws.truncated(`more than ${ANSWERS_MAX} answers`, offsets[ANSWERS_MAX] ?? 0);
	const value: DnsCheck = {
		servers,
		questions: questions.map((question, index) => ({ ...question, answers: answers[index] ?? [] })),
		handshakes: handshakes ?? [],
		...(isText(json.clientSubnet) ? { clientSubnet: json.clientSubnet } : {}),
	};
	return { kind: "decoded", value, flaws: flaws.list() };
}

function isText(value: unknown): value is string {
	return typeof value === "string" && value.length <= TEXT_CHARS_MAX;
}

function isTime(value: unknown): value is number {
	return typeof value === "number" && Number.isFinite(value) && value >= 0;
}

function isIndex(value: unknown, count: number): value is number {
	return typeof value === "number" && Number.isInteger(value) && value >= 0 && value < count;
}

/** All of them, in order, or undefined: answers point at them by their place. */
function listOf<T>(value: unknown, max: number, read: (item: JsonObject) => T | undefined): T[] | undefined {
	if (!Array.isArray(value) || value.length > max) return undefined;
	const items = value.map((item: unknown) => (isJsonObject(item) ? read(item) : undefined));
	return items.every((item) => item !== undefined) ? items : undefined;
}

function readServer({ label, address, ...flags }: JsonObject): CheckedServer | undefined {
	const { trusted, authenticated, stranger } = flags;
	if (!isText(label) || !isText(address)) return undefined;
	if (typeof trusted !== "boolean" || typeof authenticated !== "boolean") return undefined;
	const known = typeof stranger === "boolean" ? { stranger } : {};
	return { label, address, trusted, authenticated, ...known };
}

function readQuestion({ name, type, purpose }: JsonObject): Omit<CheckedQuestion, "answers"> | undefined {
	if (!isText(name) || wireFromDnsName(name) === undefined || !isIndex(type, 1 << 16)) return undefined;
	if (purpose !== "asked" && purpose !== "made-up" && purpose !== "also") return undefined;
	return { name, type, purpose };
}

function readHandshake({ name, address, result, detail }: JsonObject): TlsHandshake | undefined {
	if (!isText(name) || !isText(address) || !isText(detail)) return undefined;
	if (result !== "valid" && result !== "other-name" && result !== "untrusted" && result !== "none")
		return undefined;
	return { name, address, result, detail };
}

/** The row, or in words what it lacks. */
function readRow(
	row: unknown,
	counts: { readonly servers: number; readonly questions: number },
): (CheckedAnswer & { readonly question: number }) | string {
	if (!isJsonObject(row)) return "an answer";
	const { question, server, atMs, tookMs } = row;
	if (!isIndex(question, counts.questions) || !isIndex(server, counts.servers))
		return "an answer to one of the questions by one of the servers";
	if (!isTime(atMs) || !isTime(tookMs)) return "atMs and tookMs";
	const told = readTold(row);
	return typeof told === "string" ? told : { question, server, atMs, tookMs, told };
}

function readTold({ wire, failed, detail }: JsonObject): DnsTold | string {
	if (isText(failed)) return { kind: "failed", why: failed, detail: isText(detail) ? detail : "" };
	const bytes = typeof wire === "string" ? bytesOf(wire) : undefined;
	if (bytes === undefined) return "the message in hexadecimal, or why it failed";
	const decoded = decodeDnsMessage(bytes);
	return decoded.kind === "decoded"
		? { kind: "answered", message: decoded.message }
		: `a message (${decoded.why})`;
}

function hexOf(bytes: Uint8Array): string {
	return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function bytesOf(hex: string): Uint8Array | undefined {
	if (hex.length % 2 !== 0 || !/^[0-9a-f]*$/.test(hex)) return undefined;
	return Uint8Array.from({ length: hex.length / 2 }, (_, index) =>
		Number.parseInt(hex.slice(index * 2, index * 2 + 2), 16),
	);
}

/** A row that is a list may be nested deeper than anything can be written: it is not written out. */
function quoteRow(value: unknown): string {
	if (Array.isArray(value)) return "a list";
	const shallow = isJsonObject(value) ? Object.fromEntries(Object.entries(value).map(shown)) : value;
	return (JSON.stringify(shallow) ?? "nothing").slice(0, QUOTE_CHARS_MAX);
}

function shown([key, value]: readonly [string, unknown]): readonly [string, unknown] {
	return [key, typeof value === "object" && value !== null ? "…" : value];
}

const NEWLINE = 0x0a;

/** Byte offsets of the rows, one a line as they are written here; nobody else's need be right. */
function rowOffsets(bytes: Uint8Array): readonly number[] {
	const offsets: number[] = [];
	const opening = new TextEncoder().encode('\n{"question"');
	for (let at = bytes.indexOf(NEWLINE); at >= 0; at = bytes.indexOf(NEWLINE, at + 1)) {
		if (opening.every((byte, index) => bytes[at + index] === byte)) offsets.push(at + 1);
		if (offsets.length > ANSWERS_MAX) break;
	}
	return offsets;
}
