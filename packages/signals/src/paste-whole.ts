/** What is not pasted text but a whole file of one kind: profiles, traces, parts of a capture that somebody unpacked. */
import type { PartFormat } from "./capture.ts";
import { decodePprofOnce } from "./decode-once.ts";
import type { Decoded } from "./decoded.ts";
import { decodeGoBuildinfo } from "./go-binary-buildinfo.ts";
import { decodeGoTrace } from "./go-trace-json.ts";
import { decodeLedger } from "./ledger-json.ts";
import type { Piece } from "./paste-piece.ts";
import { decodeProcess } from "./process-json.ts";
import { decodeFdTable } from "./sockets-fd-table.ts";
import { decodeSockDiag } from "./sockets-sock-diag.ts";
import { decodeTcpLife } from "./tcp-life-json.ts";

const SAMPLE_BYTES = 4096;
const TRACE = /^go 1\.\d{1,3} trace\0/u;

type Decode = (bytes: Uint8Array) => Decoded<unknown>;

const BINARY: readonly (readonly [PartFormat, Decode])[] = [
	["pprof", decodePprofOnce],
	["sock-diag", decodeSockDiag],
];
const TEXT: readonly (readonly [PartFormat, Decode])[] = [
	["process", decodeProcess],
	["ledger", decodeLedger],
	["tcp-life", decodeTcpLife],
	["go-trace", decodeGoTrace],
	["fd-table", decodeFdTable],
	["go-buildinfo", decodeGoBuildinfo],
];

/** A file of bytes, not of text. */
export function isBinary(bytes: Uint8Array): boolean {
	return bytes.subarray(0, SAMPLE_BYTES).some((byte) => byte < 0x07 || (byte > 0x0d && byte < 0x1b));
}

export function binaryPiece(bytes: Uint8Array): Piece | undefined {
	if (TRACE.test(new TextDecoder().decode(bytes.subarray(0, 32)))) return whole("go-trace-v2", bytes);
	return recognised(bytes, BINARY);
}

/** For text in which no line was known. */
export function textPiece(bytes: Uint8Array): Piece | undefined {
	return recognised(bytes, TEXT);
}

function recognised(bytes: Uint8Array, formats: typeof BINARY): Piece | undefined {
	for (const [format, decode] of formats) {
		const decoded = decode(bytes);
		if (decoded.kind === "decoded" && decoded.flaws.every(({ kind }) => kind !== "malformed"))
			return whole(format, bytes);
	}
	return undefined;
}

function whole(format: PartFormat, bytes: Uint8Array): Piece {
	return { format, bytes, atByte: 0, repairs: [], losses: [], leftOut: 0 };
}
