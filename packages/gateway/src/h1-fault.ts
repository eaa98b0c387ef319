/** Why bytes are no HTTP/1.1 that we take. A value, one of few and shared: hostile bytes cost no stack trace. */
export interface H1Fault {
	/** What to answer a client; a fault of an upstream's is always 502 to the client. */
	readonly status: 400 | 413 | 414 | 417 | 431 | 505;
	/** What was expected, for logs. */
	readonly detail: string;
}

const bad = (detail: string): H1Fault => ({ status: 400, detail });

export const H1_FAULTS = {
	bareCr: bad("CR without LF"),
	bareLf: bad("LF without CR"),
	method: bad("a method is a token of at most 32 bytes"),
	target: bad("a target is made of visible ASCII without #"),
	targetForm: bad("a target begins with / or http://, or is * for OPTIONS"),
	version: bad("HTTP/1.1 is expected after the target"),
	otherVersion: { status: 505, detail: "neither HTTP/1.1 nor HTTP/1.0" },
	statusLine: bad("HTTP/1.1 and a status from 100 to 599 are expected"),
	fold: bad("a line begins with a space: a folded field"),
	fieldName: bad("a field's name is a token"),
	spaceBeforeColon: bad("a space before the colon"),
	fieldValue: bad("a control character in a field"),
	targetTooLong: { status: 414, detail: "the target is longer than targetBytesMax" },
	headTooLarge: { status: 431, detail: "the head is longer than headBytesMax" },
	tooManyFields: { status: 431, detail: "more fields than fieldsMax" },
	hostMissing: bad("HTTP/1.1 without Host"),
	hostTwice: bad("two Host fields"),
	host: bad("Host is not host or host:port"),
	hostIsAnother: bad("Host is another than the target's"),
	lengthTwice: bad("two Content-Length fields"),
	length: bad("Content-Length is not a whole number below 2^53"),
	lengthAndCoding: bad("both Content-Length and Transfer-Encoding"),
	coding: bad("Transfer-Encoding is not chunked, once"),
	codingInOld: bad("HTTP/1.0 with Transfer-Encoding"),
	codingWithoutBody: bad("Transfer-Encoding in a response that has no body"),
	expect: { status: 417, detail: "Expect is not 100-continue" },
	connection: bad("Connection is not a list of at most 32 tokens"),
	chunkSize: bad("a chunk's size is 1 to 13 hexadecimal digits"),
	chunkExtension: bad("a chunk's extension is text, at most 1 KiB of it"),
	chunkEnd: bad("CRLF is expected after a chunk"),
	bodyTooLarge: { status: 413, detail: "the body is longer than bodyBytesMax" },
	cutShort: bad("the connection ended before the body"),
} as const satisfies { readonly [name: string]: H1Fault };
