/**
 * Listening sockets that belong to no server: bound and listening, with a queue of their own, and handed to whoever
 * serves them now.
 */

import { unlinkSync } from "node:fs";
import {
	AF_UNIX,
	IPPROTO_IPV6,
	IPV6_V6ONLY,
	SO_REUSEADDR,
	SOCK_CLOEXEC,
	SOCK_NONBLOCK,
	SOCK_STREAM,
	SOL_SOCKET,
} from "@plumbline/resolver/server-libc";
import { AF_INET, AF_INET6, socketAddress } from "@plumbline/resolver/server-udp-address";
import { hostPort, type Place } from "./config-units.ts";
import type { SocketLibc } from "./supervisor-libc.ts";

const SO_REUSEPORT = 15;
/** The kernel takes less if net.core.somaxconn says so. Servers that listen on the descriptor should say the same. */
export const BACKLOG = 4096;
const ADDRESS_BYTES_MAX = 128;

class ListenRefused extends Error {
	override readonly name = "ListenRefused";
	readonly code: string;

	constructor(place: string, code: string) {
		super(`cannot listen on ${place}: ${REASONS[code] ?? code}`);
		this.code = code;
	}
}

const REASONS: Readonly<Record<string, string>> = {
	EADDRINUSE: "another program has this place (EADDRINUSE)",
	EACCES: "not permitted; ports below 1024 need root or CAP_NET_BIND_SERVICE (EACCES)",
	EADDRNOTAVAIL: "this host has no such address (EADDRNOTAVAIL)",
	EAFNOSUPPORT: "this host has no IPv6 (EAFNOSUPPORT)",
	EMFILE: "no descriptors left, see ulimit -n (EMFILE)",
	ENOENT: "its folder is not there (ENOENT)",
};

export interface Listening {
	/** One a slot; all the same for a unix socket, which has one queue. */
	readonly fds: readonly number[];
	/** As it is now: with the port that the system chose. */
	readonly place: string;
}

/** Who may connect to a socket file: as the mask of the process says, or whoever owns it. */
type SocketFileRights = "mask" | "owner";

/** Throws ListenRefused. */
export function listenAt(
	libc: SocketLibc,
	at: Place,
	slots: number,
	rights: SocketFileRights = "mask",
): Listening {
	if (at.path !== undefined) return { fds: [listenUnix(libc, at.path, rights)], place: `unix:${at.path}` };
	const host = at.host ?? "::";
	const port = at.port ?? 0;
	// With SO_REUSEPORT a second gateway would quietly take half of the first one's clients: a look without it first.
	libc.close(bound(libc, host, port, false));
	const fds: number[] = [];
	try {
		let known = port;
		for (let slot = 0; slot < slots; slot++) {
			const fd = bound(libc, host, known, true);
			fds.push(fd);
			if (libc.listen(fd, BACKLOG) < 0) throw new ListenRefused(hostPort(host, port), libc.errorCode());
			if (known === 0) known = portOf(libc, fd);
		}
		return { fds, place: hostPort(host, known) };
	} catch (error) {
		for (const fd of fds) libc.close(fd);
		throw error;
	}
}

/** One more for the place of sockets that are there. */
export function listenBeside(libc: SocketLibc, at: Place, beside: number): number {
	const fd = bound(libc, at.host ?? "::", portOf(libc, beside), true);
	if (libc.listen(fd, BACKLOG) >= 0) return fd;
	const code = libc.errorCode();
	libc.close(fd);
	throw new ListenRefused(hostPort(at.host ?? "::", at.port ?? 0), code);
}

function bound(libc: SocketLibc, host: string, port: number, shares: boolean): number {
	const place = hostPort(host, port);
	const address = socketAddress(host, port);
	if (address === undefined) throw new ListenRefused(place, "EADDRNOTAVAIL");
	const isV6 = host.includes(":");
	const fd = libc.socket(isV6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0) throw new ListenRefused(place, libc.errorCode());
	// `::` alone takes IPv4 too.
	const options: [number, number, number][] = [
		[SOL_SOCKET, SO_REUSEADDR, 1],
		...(shares ? [[SOL_SOCKET, SO_REUSEPORT, 1] as [number, number, number]] : []),
		...(isV6 ? [[IPPROTO_IPV6, IPV6_V6ONLY, host === "::" ? 0 : 1] as [number, number, number]] : []),
	];
	for (const [level, name, value] of options) {
		if (libc.setsockopt(fd, level, name, new Uint8Array([value, 0, 0, 0]), 4) < 0) {
			const code = libc.errorCode();
			libc.close(fd);
			throw new ListenRefused(place, code);
		}
	}
	// Without listening, SO_REUSEADDR lets two sockets bind to one port: the look has to listen as well.
	if (libc.bind(fd, address, address.length) < 0 || (!shares && libc.listen(fd, 1) < 0)) {
		const code = libc.errorCode();
		libc.close(fd);
		throw new ListenRefused(place, code);
	}
	return fd;
}

function portOf(libc: SocketLibc, fd: number): number {
	const address = new Uint8Array(ADDRESS_BYTES_MAX);
	libc.getsockname(fd, address, new Uint32Array([ADDRESS_BYTES_MAX]));
	return ((address[2] ?? 0) << 8) | (address[3] ?? 0);
}

/** A socket file that nobody serves any more is taken away; one that answers is somebody's. */
function listenUnix(libc: SocketLibc, path: string, rights: SocketFileRights): number {
	if (rights === "mask") return boundUnix(libc, path);
	const before = process.umask(0o177);
	try {
		return boundUnix(libc, path);
	} finally {
		process.umask(before);
	}
}

function boundUnix(libc: SocketLibc, path: string): number {
	const place = `unix:${path}`;
	const address = unixAddress(path);
	const fd = libc.socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0) throw new ListenRefused(place, libc.errorCode());
	let code = libc.bind(fd, address, address.length) < 0 ? libc.errorCode() : undefined;
	if (code === "EADDRINUSE" && isDead(libc, address)) {
		unlinkSync(path);
		code = libc.bind(fd, address, address.length) < 0 ? libc.errorCode() : undefined;
	}
	if (code === undefined && libc.listen(fd, BACKLOG) < 0) code = libc.errorCode();
	if (code === undefined) return fd;
	libc.close(fd);
	throw new ListenRefused(place, code);
}

function isDead(libc: SocketLibc, address: Uint8Array): boolean {
	const fd = libc.socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0) return false;
	const isRefused = libc.connect(fd, address, address.length) < 0 && libc.errorCode() === "ECONNREFUSED";
	libc.close(fd);
	return isRefused;
}

function unixAddress(path: string): Uint8Array {
	const bytes = new Uint8Array(110);
	new DataView(bytes.buffer).setUint16(0, AF_UNIX, true);
	bytes.set(Buffer.from(path), 2);
	return bytes;
}
