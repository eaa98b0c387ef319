/** Addresses as Linux has them in memory: sockaddr_in (16 octets) and sockaddr_in6 (28). */
import { networkInterfaces } from "node:os";
import { addressWords } from "./server-gate.ts";

export const AF_INET = 2;
export const AF_INET6 = 10;

/** Undefined for what is no address, or one of an interface that is not there (`fe80::1%eth9`). */
export function socketAddress(text: string, port: number): Uint8Array | undefined {
	const words = addressWords(text);
	const scope = scopeOf(text);
	if (words === undefined || scope === undefined) return undefined;
	const isV6 = words.length === 4;
	const bytes = new Uint8Array(isV6 ? 28 : 16);
	const view = new DataView(bytes.buffer);
	view.setUint16(0, isV6 ? AF_INET6 : AF_INET, true);
	view.setUint16(2, port);
	words.forEach((word, index) => {
		view.setInt32((isV6 ? 8 : 4) + 4 * index, word);
	});
	if (isV6) view.setUint32(24, scope, true);
	return bytes;
}

/** A zone is the name of an interface, or its number. */
function scopeOf(text: string): number | undefined {
	const [, zone] = text.split("%");
	if (zone === undefined) return 0;
	if (/^\d{1,9}$/.test(zone)) return Number(zone);
	// A global address of the same interface has none.
	const infos = networkInterfaces()[zone] ?? [];
	return infos.find((info) => info.family === "IPv6" && info.scopeid !== 0)?.scopeid;
}
