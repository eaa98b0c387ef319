/**
 * The same sockets, recorded at one moment by each of the three routes (Linux 6.18, iproute2 6.1): a
 * PostgreSQL-like listener with its clients, two connections the server has closed, one of them with 123
 * unread bytes, IPv4-mapped and IPv6 ones, two in TIME_WAIT. The golden was reviewed against ss.txt.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import type { Decoded } from "./decoded.ts";
import type { Socket, SocketTable } from "./sockets.ts";
import { decodeFdTable } from "./sockets-fd-table.ts";
import { decodeProcNetTcp } from "./sockets-proc-net-tcp.ts";
import { decodeSockDiag } from "./sockets-sock-diag.ts";
import { decodeSs } from "./sockets-ss.ts";

function fixture(name: string): Uint8Array {
	return readFileSync(new URL(`../fixtures/sockets/${name}`, import.meta.url));
}

function socketsOf(decoded: Decoded<SocketTable>): readonly Socket[] {
	assert.equal(decoded.kind, "decoded");
	assert.ok(decoded.kind === "decoded");
	assert.deepEqual(decoded.flaws, []);
	return decoded.value.sockets;
}

function describe(socket: Socket): string {
	const { state, localIp, localPort, peerIp, peerPort, recvQ, uid, inode } = socket;
	return `${state} ${localIp} ${localPort} ${peerIp} ${peerPort} recvQ=${recvQ} uid=${uid} inode=${inode}`;
}

function describeAll(sockets: readonly Socket[]): string {
	return `${sockets.map(describe).toSorted().join("\n")}\n`;
}

const golden = new TextDecoder().decode(fixture("expected.txt"));

test("netlink, ss and procfs give the same rows", () => {
	assert.equal(describeAll(socketsOf(decodeSockDiag(fixture("sock-diag.bin")))), golden);
	assert.equal(describeAll(socketsOf(decodeSs(fixture("ss.txt")))), golden);
	assert.equal(describeAll(socketsOf(decodeProcNetTcp(fixture("proc-net-tcp.txt")))), golden);
});

test("netlink and ss agree on cookies, send queues and counters that do not move", () => {
	const stable = (sockets: readonly Socket[]) =>
		sockets
			.map(({ cookie, sendQ, tcpInfo }) => {
				const counters = `${tcpInfo?.totalRetrans} ${tcpInfo?.bytesAcked} ${tcpInfo?.bytesReceived}`;
				return `${cookie} ${sendQ} ${counters} rtt=${tcpInfo?.rttUs}`;
			})
			.toSorted();
	const netlink = socketsOf(decodeSockDiag(fixture("sock-diag.bin")));
	assert.deepEqual(stable(netlink), stable(socketsOf(decodeSs(fixture("ss.txt")))));
	const unread = netlink.find((socket) => socket.state === "CLOSE_WAIT" && socket.recvQ === 124);
	assert.equal(unread?.tcpInfo?.bytesReceived, 124n, "123 bytes and the FIN");
});

test("every socket but those in TIME_WAIT has its owner in the descriptors", () => {
	const fds = decodeFdTable(fixture("fds.tsv"));
	assert.ok(fds.kind === "decoded");
	assert.deepEqual(fds.flaws, []);
	for (const socket of socketsOf(decodeSockDiag(fixture("sock-diag.bin")))) {
		const owner = fds.value.byInode.get(socket.inode);
		if (socket.state === "TIME_WAIT") assert.equal(socket.inode, 0);
		else assert.ok(owner !== undefined && owner.pid > 0 && owner.fd > 2, describe(socket));
	}
});

test("each decoder calls the others' formats foreign, and so noise and nothing", () => {
	const decoders = {
		"sock-diag.bin": decodeSockDiag,
		"ss.txt": decodeSs,
		"proc-net-tcp.txt": decodeProcNetTcp,
		"fds.tsv": decodeFdTable,
	};
	const noise = new Uint8Array(4096).map((_, i) => (i * 7919) >>> 3);
	const html = new TextEncoder().encode("<html><body>404 page not found</body></html>\n");
	for (const [own, decode] of Object.entries(decoders)) {
		for (const other of Object.keys(decoders)) {
			if (other !== own) assert.equal(decode(fixture(other)).kind, "foreign", `${own} decoder on ${other}`);
		}
		for (const bytes of [noise, html, new Uint8Array()]) assert.equal(decode(bytes).kind, "foreign", own);
	}
});

test("cut at every byte, no decoder throws, and what it keeps was there", () => {
	const decoders = {
		"sock-diag.bin": decodeSockDiag,
		"ss.txt": decodeSs,
		"proc-net-tcp.txt": decodeProcNetTcp,
	};
	const known = new Set(golden.split("\n"));
	for (const [name, decode] of Object.entries(decoders)) {
		const bytes = fixture(name);
		for (let length = 0; length < bytes.length; length++) {
			const decoded = decode(bytes.subarray(0, length));
			if (decoded.kind === "foreign") continue;
			for (const socket of decoded.value.sockets) {
				// A row of ss whose details are cut may lack its uid and inode, never have others.
				const whole =
					known.has(describe(socket)) || (name === "ss.txt" && (socket.inode === 0 || socket.uid === 0));
				assert.ok(whole, `${name} cut at ${length}: ${describe(socket)}`);
			}
			if (name === "sock-diag.bin") assert.ok(decoded.flaws.length > 0, `a cut at ${length} is told`);
		}
	}
	const fds = fixture("fds.tsv");
	for (let length = 0; length < fds.length; length++) decodeFdTable(fds.subarray(0, length));
});
