/** host, host:port, [IPv6], [IPv6]:port; nothing else is a Host that we route by and pass on. */
import { COLON, HEX, HOST } from "./h1-head-bytes.ts";

const PORT_DIGITS_MAX = 5;
const PORT_MAX = 65_535;

export function isAuthority(bytes: Uint8Array, start: number, end: number): boolean {
	let at = start;
	if (bytes[at] === 0x5b) {
		at++;
		const address = at;
		while (at < end && isInAddress(bytes[at] as number)) at++;
		if (at - address < 2 || at >= end || bytes[at] !== 0x5d) return false;
		at++;
	} else {
		while (at < end && HOST[bytes[at] as number] === 1) at++;
		if (at === start) return false;
	}
	return at === end || (bytes[at] === COLON && isPort(bytes, at + 1, end));
}

function isInAddress(byte: number): boolean {
	return HEX[byte] === 1 || byte === COLON || byte === 0x2e;
}

function isPort(bytes: Uint8Array, start: number, end: number): boolean {
	if (end - start < 1 || end - start > PORT_DIGITS_MAX) return false;
	let port = 0;
	for (let at = start; at < end; at++) {
		const digit = (bytes[at] as number) - 0x30;
		if (digit < 0 || digit > 9) return false;
		port = port * 10 + digit;
	}
	return port <= PORT_MAX;
}
