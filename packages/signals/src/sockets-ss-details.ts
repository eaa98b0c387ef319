/**
 * What ss prints behind the addresses, as `key:value` words in any order:
 *
 *     users:(("orders",pid=4711,fd=9)) timer:(keepalive,58sec,0) uid:1000 ino:77 sk:1f cgroup:/ <->
 *     skmem:(r0,rb131072) cubic rto:204 rtt:0.25/0.1 retrans:0/3 bytes_acked:7 lastsnd:5 lastrcv:5 lastack:9
 *
 * iproute2 before 4.0 wrote `users:(("orders",4711,9))`. A socket that several processes share names them
 * all: the first is taken.
 */
import type { Socket, TcpInfo } from "./sockets.ts";

type Details = Partial<Pick<Socket, "uid" | "inode" | "cookie" | "tcpInfo" | "pid" | "program">>;

const USERS = /\busers:\(\("([^"]*)",(?:pid=)?(\d{1,10}),/;

/** The details in this text. Only what it tells is present. */
export function detailsOf(text: string): Details {
	const words = text.split(/\s+/);
	const uid = counter(words, "uid:");
	const inode = counter(words, "ino:");
	return {
		...(uid === undefined ? {} : { uid: Number(uid) }),
		...(inode === undefined ? {} : { inode: Number(inode) }),
		...cookieOf(words),
		...tcpInfoOf(words),
		...ownerOf(text),
	};
}

function ownerOf(text: string): Details {
	const [, program, pid] = USERS.exec(text) ?? [];
	return program === undefined ? {} : { pid: Number(pid), program };
}

function counter(details: readonly string[], key: string): string | undefined {
	const word = details.find((detail) => detail.startsWith(key));
	const value = word?.slice(key.length);
	return value !== undefined && /^\d+$/.test(value) ? value : undefined;
}

/** `sk:` is the socket's cookie in hexadecimal digits. */
function cookieOf(details: readonly string[]): Details {
	const hex = details.find((detail) => detail.startsWith("sk:"))?.slice(3) ?? "";
	return /^[0-9a-f]{1,16}$/.test(hex) ? { cookie: BigInt(`0x${hex}`) } : {};
}

/** Present when ss was asked for `-i`: it always prints `rtt:` of a socket that has carried anything. */
function tcpInfoOf(details: readonly string[]): { tcpInfo?: TcpInfo } {
	const rtt = details.find((detail) => detail.startsWith("rtt:"));
	if (rtt === undefined) return {};
	const rttMs = Number.parseFloat(rtt.slice(4));
	const retrans = details.find((detail) => detail.startsWith("retrans:")) ?? "";
	return {
		tcpInfo: {
			lastDataSentMs: Number(counter(details, "lastsnd:") ?? 0),
			lastDataRecvMs: Number(counter(details, "lastrcv:") ?? 0),
			lastAckRecvMs: Number(counter(details, "lastack:") ?? 0),
			rttUs: Number.isFinite(rttMs) ? Math.round(rttMs * 1000) : 0,
			totalRetrans: Number(/\/(\d+)$/.exec(retrans)?.[1] ?? 0),
			bytesAcked: BigInt(counter(details, "bytes_acked:") ?? 0),
			bytesReceived: BigInt(counter(details, "bytes_received:") ?? 0),
		},
	};
}
