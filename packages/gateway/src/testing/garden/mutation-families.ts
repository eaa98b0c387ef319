/** The ways of tampering. Together some hundred thousand connections, of which a run draws as many as it is asked for. */
import type { Chance } from "@plumbline/resolver/testing/fuzz/chance";
import { wounded } from "@plumbline/resolver/testing/fuzz/chance";
import {
	BODIES,
	type BodyForm,
	chunk,
	type Family,
	HOST,
	HOST_LINE,
	ID,
	message,
	SMUGGLED,
	VERSIONS,
} from "./mutation.ts";
import * as lists from "./mutation-lists.ts";

const BYTES = 256;
const CODING = "Transfer-Encoding";
const LENGTH = "Content-Length";
const CHUNKED = `${CODING}: chunked`;

/** Where a byte goes in a line `name: value`: before a place, or (the second) instead of it. */
const PLACES: readonly ((name: string, value: string, byte: string) => string)[] = [
	(name, value, byte) => `${byte}${name}: ${value}`,
	(name, value, byte) => `${name.slice(0, 5)}${byte}${name.slice(5)}: ${value}`,
	(name, value, byte) => `${name.slice(0, 5)}${byte}${name.slice(6)}: ${value}`,
	(name, value, byte) => `${name}${byte}: ${value}`,
	(name, value, byte) => `${name}${byte}${value}`,
	(name, value, byte) => `${name}:${byte}${value}`,
	(name, value, byte) => `${name}: ${byte}${value}`,
	(name, value, byte) => `${name}: ${value.slice(0, 1)}${byte}${value.slice(1)}`,
	(name, value, byte) => `${name}: ${value}${byte}`,
	(name, value, byte) => `${name}: ${value}\r${byte}`,
	(name, value, byte) => `X-A: a${byte}${name}: ${value}`,
	(name, value, byte) => `X-A: a\r\n${byte}${name}: ${value}`,
	(name, value, byte) => `${name}: ${value}${byte}X-A: a`,
	(name, value, byte) => `${name}: ${value}\r\n${byte}X-A: a`,
];

function at<T>(list: readonly T[], index: number | undefined): T {
	const found = list[index ?? -1];
	if (found === undefined) throw new RangeError(`no cell ${index} of ${list.length}`);
	return found;
}

function byteText(cell: number | undefined): string {
	return String.fromCharCode(cell ?? 0);
}

/** Framing lines in one order or the other, before or behind Host. */
function ordered(order: number | undefined, one: string | undefined, other: string | undefined): string[] {
	const pair = [one, other].filter((line) => line !== undefined);
	if ((order ?? 0) % 2 === 1) pair.reverse();
	return (order ?? 0) < 2 ? [HOST_LINE, ...pair] : [...pair, HOST_LINE];
}

function first(version: number | undefined, method = "POST"): string {
	return `${method} /first-${ID} ${at(VERSIONS, version)}`;
}

function lengthLine({ length }: BodyForm): string {
	return `${LENGTH}: ${length}`;
}

const BYTE_IN_FRAMING: Family = {
	name: "a byte in a framing field",
	sides: [BYTES, PLACES.length, 2, 2, 4, BODIES.length, 2],
	make([byte, place, which, alone, order, body, version]) {
		const form = at(BODIES, body);
		const isCoding = which === 0;
		const [name, value] = isCoding ? [CODING, "chunked"] : [LENGTH, String(form.length)];
		const wound = at(PLACES, place)(name, value, byteText(byte));
		const other = alone === 0 ? undefined : isCoding ? lengthLine(form) : CHUNKED;
		return message(ordered(order, wound, other), form.text, first(version));
	},
};

const CODING_VALUE: Family = {
	name: "values of Transfer-Encoding",
	sides: [lists.CODINGS.length, lists.SPELLINGS.length, 3, 2, BODIES.length, 2],
	make([coding, spelling, beside, order, body, version]) {
		const form = at(BODIES, body);
		const line = spelled(at(lists.SPELLINGS, spelling), CODING, at(lists.CODINGS, coding));
		const other = beside === 0 ? undefined : beside === 1 ? lengthLine(form) : CHUNKED;
		return message(ordered(order, line, other), form.text, first(version));
	},
};

const LENGTH_VALUE: Family = {
	name: "values of Content-Length",
	sides: [lists.LENGTHS.length, lists.SPELLINGS.length, 3, 2, BODIES.length, 2],
	make([length, spelling, beside, order, body, version]) {
		const form = at(BODIES, body);
		const value = at(lists.LENGTHS, length).replaceAll("#", String(form.length));
		const line = spelled(at(lists.SPELLINGS, spelling), LENGTH, value);
		const other = beside === 0 ? undefined : beside === 1 ? CHUNKED : lengthLine(form);
		return message(ordered(order, line, other), form.text, first(version));
	},
};

function spelled(spelling: string, name: string, value: string): string {
	return spelling.replace(/[NnV_]/g, (letter) => {
		if (letter === "V") return value;
		if (letter === "n") return name.toLowerCase();
		return letter === "_" ? name.replace("-", "_") : name;
	});
}

const HOSTS: Family = {
	name: "hosts",
	sides: [lists.HOSTS.length, lists.TARGETS.length, 3, 2],
	make([host, target, beside, version]) {
		const line = `GET ${at(lists.TARGETS, target)} ${at(VERSIONS, version)}`;
		const other = at(lists.HOSTS, host);
		return message(beside === 0 ? [other] : beside === 1 ? [HOST_LINE, other] : [other, HOST_LINE], "", line);
	},
};

const BYTE_IN_HOST: Family = {
	name: "a byte in Host",
	sides: [BYTES, PLACES.length, 2, 2],
	make([byte, place, beside, version]) {
		const line = at(PLACES, place)("Host", HOST, byteText(byte));
		return message(beside === 0 ? [line] : [line, "Host: other.example"], "", first(version, "GET"));
	},
};

const REQUEST_LINE: Family = {
	name: "request lines",
	sides: [lists.METHODS.length, lists.TARGETS.length, lists.VERSION_TEXTS.length, BODIES.length],
	make([method, target, version, body]) {
		const form = at(BODIES, body);
		const line = `${at(lists.METHODS, method)} ${at(lists.TARGETS, target)} ${at(lists.VERSION_TEXTS, version)}`;
		return message([HOST_LINE, lengthLine(form)], form.text, line);
	},
};

const BYTE_IN_LINE: Family = {
	name: "a byte in the request line",
	sides: [BYTES, 9, 3],
	make([byte, place, body]) {
		const pieces = ["", "PO", "ST", " ", "/first-", ID, " ", "HTTP/", "1.1"];
		pieces.splice(place ?? 0, 0, byteText(byte));
		const form = at(BODIES, body);
		return message([HOST_LINE, lengthLine(form)], form.text, pieces.join(""));
	},
};

const BYTE_IN_CHUNKS: Family = {
	name: "a byte around chunks",
	sides: [BYTES, 12, 2, 2],
	make([byte, place, instead, beside]) {
		const size = SMUGGLED.length.toString(16);
		const pieces = [size, "\r", "\n", SMUGGLED, "\r", "\n", "0", "\r", "\n", "\r", "\n", ""];
		pieces.splice(place ?? 0, instead ?? 0, byteText(byte));
		const body = pieces.join("");
		const lines = beside === 0 ? [] : [`${LENGTH}: ${size.length + 2}`];
		return message([HOST_LINE, CHUNKED, ...lines], body);
	},
};

const CHUNK_LINES: Family = {
	name: "chunk sizes, extensions and line ends",
	sides: [lists.CHUNK_SIZES.length, lists.EXTENSIONS.length, lists.LINE_ENDS.length, 3],
	make([size, extension, end, place]) {
		const [inner, before] = place === 2 ? ["", "5\r\nhello\r\n"] : [SMUGGLED, ""];
		const text = at(lists.CHUNK_SIZES, size).replaceAll("S", inner.length.toString(16));
		const line = `${text}${at(lists.EXTENSIONS, extension)}`;
		const ends = place === 1 ? ["\r\n", at(lists.LINE_ENDS, end)] : [at(lists.LINE_ENDS, end), "\r\n"];
		return message([HOST_LINE, CHUNKED], `${before}${line}${ends[0]}${inner}${ends[1]}0\r\n\r\n`);
	},
};

const TRAILERS: Family = {
	name: "trailers",
	sides: [lists.TRAILERS.length, lists.TRAILERS.length, lists.LINE_ENDS.length, 2],
	make([one, other, end, smuggled]) {
		const lines = at(lists.TRAILERS, one) + at(lists.TRAILERS, other);
		const behind = smuggled === 1 ? SMUGGLED : "";
		return message(
			[HOST_LINE, CHUNKED],
			`${chunk("hello")}0\r\n${lines}${at(lists.LINE_ENDS, end)}${behind}`,
		);
	},
};

const LINE_ENDS: Family = {
	name: "line ends",
	sides: [lists.LINE_ENDS.length, lists.LINE_ENDS.length, 6, 4, BODIES.length, 2],
	make([one, other, place, framing, body, version]) {
		const form = at(BODIES, body);
		const lines = [first(version), HOST_LINE, "X-A: a"];
		if (framing !== 0) lines.push(framing === 1 ? lengthLine(form) : CHUNKED);
		if (framing === 3) lines.push(lengthLine(form));
		const ends = lines.map(() => "\r\n");
		const where = (place ?? 0) % lines.length;
		ends[where] = at(lists.LINE_ENDS, one);
		const last = where === 0 ? at(lists.LINE_ENDS, other) : "\r\n";
		return `${lines.map((line, index) => `${line}${ends[index]}`).join("")}${last}${form.text}`;
	},
};

const CONNECTION: Family = {
	name: "Connection lists",
	sides: [lists.OPTIONS.length, lists.OPTIONS.length, 4, BODIES.length, 2, 4],
	make([one, other, framing, body, version, order]) {
		const form = at(BODIES, body);
		const length = framing === 1 || framing === 3 ? lengthLine(form) : undefined;
		const coding = framing === 2 || framing === 3 ? CHUNKED : undefined;
		const lines = ordered(order, length, coding);
		const options = [`Connection: ${at(lists.OPTIONS, one)}`, `Connection: ${at(lists.OPTIONS, other)}`];
		lines.splice((order ?? 0) % 3, 0, ...options, "X-A: a", "TE: trailers", "Keep-Alive: timeout=5");
		return message(lines, form.text, first(version));
	},
};

const EXPECT_AND_UPGRADE: Family = {
	name: "Expect and Upgrade",
	sides: [lists.EXPECTATIONS.length + 1, lists.UPGRADES.length + 1, 4, 4, BODIES.length, 2],
	make([expect, upgrade, method, framing, body, version]) {
		const form = at(BODIES, body);
		const lines = [HOST_LINE];
		if (expect !== 0) lines.push(`Expect: ${at(lists.EXPECTATIONS, (expect ?? 0) - 1)}`);
		if (upgrade !== 0) {
			lines.push(`Upgrade: ${at(lists.UPGRADES, (upgrade ?? 0) - 1)}`);
			lines.push("Connection: Upgrade, HTTP2-Settings", "HTTP2-Settings: AAMAAABkAAQAAP__");
		}
		if (framing === 1 || framing === 3) lines.push(lengthLine(form));
		if (framing === 2 || framing === 3) lines.push(CHUNKED);
		return message(lines, form.text, first(version, at(["GET", "POST", "HEAD", "OPTIONS"], method)));
	},
};

const SOUND = BODIES.flatMap(({ text, length }) => [
	message([HOST_LINE, `${LENGTH}: ${length}`, "X-A: a"], text),
	message([HOST_LINE, CHUNKED, "X-A: a"], text),
	message([HOST_LINE, `${LENGTH}: ${length}`, CHUNKED], text),
	message([HOST_LINE, "Connection: close", "Cookie: a=b"], text, first(0, "GET")),
]);
/** No Buffers: a slice of those is no copy. */
const SOUND_BYTES = SOUND.map((text) => Uint8Array.from(Buffer.from(text, "latin1")));
const WOUNDS_A_TEXT = 1000;

/** Bytes changed, taken out, doubled, cut off, put in from another: where nobody thought of. */
const WOUNDS: Family = {
	name: "random wounds",
	sides: [SOUND.length, WOUNDS_A_TEXT],
	make([text], chance: Chance) {
		return Buffer.from(wounded(at(SOUND_BYTES, text), SOUND_BYTES, chance)).toString("latin1");
	},
};

export const FAMILIES: readonly Family[] = [
	...[BYTE_IN_FRAMING, CODING_VALUE, LENGTH_VALUE, HOSTS, BYTE_IN_HOST, REQUEST_LINE, BYTE_IN_LINE],
	...[BYTE_IN_CHUNKS, CHUNK_LINES, TRAILERS, LINE_ENDS, CONNECTION, EXPECT_AND_UPGRADE, WOUNDS],
];
