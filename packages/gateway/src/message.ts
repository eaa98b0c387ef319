/**
 * What a message is to the gateway, whatever protocol brought it: a head that can be asked, a body of bytes, trailers.
 *
 * A head of HTTP/1.1 is a view on the bytes it came in (h1-*), one of HTTP/2 a list of fields (h2-*), one of our own
 * a list too. Nobody above the protocols asks which: the sender of the same protocol may copy bytes instead of fields,
 * that is its own business.
 *
 * A head is valid until its exchange has ended; whoever needs longer copies what it needs.
 */

/** Names in lower case and values, in turn: [name, value, name, value]. */
export type FieldPairs = readonly string[];

interface Head {
	/** The first value by this name in lower case; fields that belong to the connection are not found. */
	value(name: string): string | undefined;
	/**
	 * End-to-end fields in their order, names in lower case. Left out is what a hop decides for itself: host,
	 * content-length, transfer-encoding, connection and what it names, keep-alive, proxy-connection, upgrade, te,
	 * expect, http2-settings.
	 */
	each(visit: (name: string, value: string) => void): void;
	/** Bytes of the body: 0 is no body, undefined is not known before its end. */
	readonly bodyLength: number | undefined;
}

export interface RequestHead extends Head {
	readonly version: "1.0" | "1.1" | "2";
	readonly method: string;
	readonly scheme: "http" | "https";
	/** Host or :authority as it came, checked to be host[:port]; empty only in HTTP/1.0 without Host. */
	readonly authority: string;
	/** Origin form: path and query as they came; "*" for OPTIONS *. */
	readonly path: string;
	/** The protocol it would change to, in lower case: `websocket`. From Upgrade, or :protocol of RFC 8441. */
	readonly upgrade: string | undefined;
	readonly expectsContinue: boolean;
	/** `te: trailers` came with it. */
	readonly acceptsTrailers: boolean;
}

export interface ResponseHead extends Head {
	/** 100 to 599. 101 turns both ways of the exchange into plain bytes. */
	readonly status: number;
}

/** What changes on the way through. */
export interface HeadEdits {
	/** Not passed on. */
	readonly drop: FieldNames | undefined;
	/** Put at the end; whoever wants to replace a field also drops it. */
	readonly set: FieldPairs;
	/** Requests only; undefined: as it came. */
	readonly path?: string | undefined;
	readonly authority?: string | undefined;
}

/** A set of names of fields that can be asked without making a string; field-names.ts. */
export interface FieldNames {
	/** In lower case. */
	has(name: string): boolean;
	/** The name at these bytes, in whatever case. */
	hasBytes(bytes: Uint8Array, start: number, end: number): boolean;
	/** In lower case. */
	readonly names: readonly string[];
}

export const NO_EDITS: HeadEdits = { drop: undefined, set: [] };

/** A response of the gateway's own, or of a protocol that brings lists. */
export class ListResponseHead implements ResponseHead {
	readonly status: number;
	readonly fields: FieldPairs;
	readonly bodyLength: number | undefined;

	constructor(status: number, fields: FieldPairs, bodyLength: number | undefined) {
		this.status = status;
		this.fields = fields;
		this.bodyLength = bodyLength;
	}

	value(name: string): string | undefined {
		return firstValue(this.fields, name);
	}

	each(visit: (name: string, value: string) => void): void {
		eachPair(this.fields, visit);
	}
}

export function firstValue(fields: FieldPairs, name: string): string | undefined {
	for (let at = 0; at < fields.length; at += 2) if (fields[at] === name) return fields[at + 1];
	return undefined;
}

export function eachPair(fields: FieldPairs, visit: (name: string, value: string) => void): void {
	for (let at = 0; at < fields.length; at += 2) visit(fields[at] as string, fields[at + 1] as string);
}
