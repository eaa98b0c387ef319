/**
 * UDP on Linux, many packets a system call: recvmmsg and sendmmsg through koffi, answers written over their queries.
 * This is the one file of the room that lends memory to the kernel by address. Everything lent is made in `lend`, each
 * array on a buffer of its own, and referenced for as long as the socket is open: an array known to JS only by its
 * address is collected, and the server goes silent.
 *
 *   libuv sees the socket readable and reads one packet ─▶ it is answered ─▶ then what else is there is drained:
 *
 *   recvmmsg ─▶ slot 0 │ slot 1 │ … ─▶ gate, table ─▶ sendmmsg of the slots that have an answer     (misses: later)
 *
 * Layouts of 64-bit little-endian Linux (musl pads mmsghdr with names of its own; where the padding is zero it is one):
 *
 *   mmsghdr (64)   0 name* │ 8 namelen (4) │ 16 iov* │ 24 iovlen │ 32 control* │ 40 controllen │ 48 flags (4) │ 56 len (4)
 *   iovec   (16)   0 base* │ 8 length
 *   sockaddr_in    0 family (2) │ 2 port (2, network order) │ 4 address (4)
 *   sockaddr_in6   0 family (2) │ 2 port │ 4 flow (4) │ 8 address (16) │ 24 scope (4)
 */

import { createSocket, type RemoteInfo } from "node:dgram";
import { once } from "node:events";
import { isIPv6 } from "node:net";
import { ANSWER_ROOM, LATER } from "./server-answerer.ts";
import { clientKey6 } from "./server-gate.ts";
import {
	IPPROTO_IPV6,
	IPV6_V6ONLY,
	MSG_DONTWAIT,
	SO_REUSEADDR,
	SOCK_CLOEXEC,
	SOCK_DGRAM,
	SOCK_NONBLOCK,
	SOL_SOCKET,
} from "./server-libc.ts";
import { looksLikeQuery } from "./server-query.ts";
import { ListenError, turnAway, type UdpListener, type UdpServing } from "./server-udp.ts";
import { AF_INET, AF_INET6, socketAddress } from "./server-udp-address.ts";
import type { MmsgLibc } from "./server-udp-libc.ts";

/** Packets a system call. */
const BATCH = 64;
/** The slot behind the batch: for what libuv read, and for answers that come later. */
const SINGLE = BATCH;
const SLOTS = BATCH + 1;
/** Batches a turn of the event loop: about 3 ms, then timers and connections have theirs. */
const DRAIN_BATCHES_MAX = 16;
/** After so many drains that found nothing the next are left out, */
const BARREN_MAX = 2;
/** but for every eighth: when it finds something, draining is worth it again. */
const BARREN_EVERY = 8;
const NAME_BYTES = 32;
const HEADER_BYTES = 64;
const QUERY_BYTES_MAX = ANSWER_ROOM / 2;
const RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024;

const SO_RCVBUF = 8;
const MSG_TRUNC = 0x20;

interface Lent {
	readonly packets: Uint8Array;
	readonly names: Uint8Array;
	readonly received: Int32Array;
	readonly sent: Int32Array;
	readonly sentPieces: Int32Array;
	readonly receivedAt: number;
	readonly sentAt: number;
	/** All of it, also what is only known to the kernel. */
	readonly all: readonly ArrayBufferView[];
}

/** Throws ListenError. */
export async function listenUdpMmsg(
	libc: MmsgLibc,
	address: string,
	port: number,
	serving: UdpServing,
): Promise<UdpListener> {
	const { answerer, counters, now } = serving;
	const isV6 = isIPv6(address);
	const nameBytes = isV6 ? 28 : 16;
	const fd = openSocket(libc, address, port);
	const lent = lend(libc, nameBytes);
	const { packets, names, received, sent, sentPieces } = lent;
	const slotOfSend = new Int32Array(SLOTS).fill(-1);
	const nameAt = libc.addressOf(names);
	const piecesAt = libc.addressOf(sentPieces);
	let closed = false;
	let waiting = 0;
	let barren = 0;
	let isResting = false;

	/** Answers the packet in a slot in place: the answer's length, 0 for none now. */
	function answerSlot(slot: number, length: number, nowMs: number): number {
		counters.udpQueries++;
		const at = slot * ANSWER_ROOM;
		const name = slot * NAME_BYTES;
		const portIsSet = names[name + 2] !== 0 || names[name + 3] !== 0;
		if (length > QUERY_BYTES_MAX || !portIsSet || !looksLikeQuery(packets, at, length)) {
			counters.dropped++;
			return 0;
		}
		const gate = serving.gate();
		const admission = isV6
			? gate.admit6(word(name + 8), word(name + 12), word(name + 16), word(name + 20), nowMs)
			: gate.admit4(word(name + 4), nowMs);
		if (admission !== "pass") return turnAway(serving, packets, at, length, admission);
		const answered = answerer.atOnce(packets, at, length, "udp", nowMs);
		if (answered !== LATER) return answered;
		const query = packets.slice(at, at + length);
		const client = names.slice(name, name + nameBytes);
		const key = isV6 ? clientKey6(word(name + 8), word(name + 12)) : word(name + 4);
		void answerer.later(query, "udp", key).then((answer) => sendLater(answer, client));
		return 0;
	}

	function word(at: number): number {
		return (
			((names[at] ?? 0) << 24) |
			((names[at + 1] ?? 0) << 16) |
			((names[at + 2] ?? 0) << 8) |
			(names[at + 3] ?? 0)
		);
	}

	/** Puts the slot's answer in line. */
	function queue(slot: number, length: number): void {
		const place = waiting++;
		sentPieces[slot * 4 + 2] = length;
		if (slotOfSend[place] === slot) return;
		slotOfSend[place] = slot;
		writeAddress(sent, place * 16, nameAt + slot * NAME_BYTES);
		writeAddress(sent, place * 16 + 4, piecesAt + slot * 16);
	}

	/** What the kernel does not take is dropped, as any packet may be. */
	function flush(): void {
		let first = 0;
		while (first < waiting) {
			const took = libc.sendmmsg(fd, lent.sentAt + first * HEADER_BYTES, waiting - first, MSG_DONTWAIT);
			if (took > 0) {
				first += took;
				continue;
			}
			const isFull = libc.errorCode() === "EAGAIN";
			counters.sendFailures += isFull ? waiting - first : 1;
			// Otherwise the first one cannot be sent (no route, a filter): the others may be.
			first = isFull ? waiting : first + 1;
		}
		waiting = 0;
	}

	function drain(): void {
		for (let batch = 0; batch < DRAIN_BATCHES_MAX; batch++) {
			const count = libc.recvmmsg(fd, lent.receivedAt, BATCH, MSG_DONTWAIT, 0);
			if (count <= 0) {
				barren = batch === 0 ? barren + 1 : 0;
				return;
			}
			const nowMs = now();
			for (let slot = 0; slot < count; slot++) {
				const header = slot * 16;
				received[header + 2] = nameBytes;
				const isCut = ((received[header + 12] ?? 0) & MSG_TRUNC) !== 0;
				const length = isCut ? ANSWER_ROOM : (received[header + 14] ?? 0);
				const answered = answerSlot(slot, length, nowMs);
				if (answered > 0) queue(slot, answered);
			}
			flush();
		}
		barren = 0;
		isResting = true;
		setImmediate(goOn);
	}

	function goOn(): void {
		isResting = false;
		if (!closed) drain();
	}

	function sendLater(answer: Uint8Array, client: Uint8Array): void {
		if (closed || answer.length > ANSWER_ROOM) return;
		packets.set(answer, SINGLE * ANSWER_ROOM);
		names.set(client, SINGLE * NAME_BYTES);
		queue(SINGLE, answer.length);
		flush();
	}

	function onMessage(packet: Uint8Array, from: RemoteInfo): void {
		if (packet.length > ANSWER_ROOM || !nameClient(from)) {
			counters.udpQueries++;
			counters.dropped++;
		} else {
			packets.set(packet, SINGLE * ANSWER_ROOM);
			const length = answerSlot(SINGLE, packet.length, now());
			if (length > 0) {
				queue(SINGLE, length);
				flush();
			}
		}
		if (isResting) return;
		if (barren < BARREN_MAX || barren++ % BARREN_EVERY === 0) drain();
	}

	let knownAddress = "";
	let knownName: Uint8Array = new Uint8Array(nameBytes);

	/** Writes the client's address as the kernel has it. False for what it cannot be written for. */
	function nameClient({ address: client, port: clientPort }: RemoteInfo): boolean {
		if (client !== knownAddress) {
			const made = socketAddress(client, 0);
			if (made === undefined) return false;
			knownName = made;
			knownAddress = client;
		}
		const name = SINGLE * NAME_BYTES;
		for (let index = 0; index < nameBytes; index++) names[name + index] = knownName[index] ?? 0;
		names[name + 2] = clientPort >> 8;
		names[name + 3] = clientPort & 0xff;
		return true;
	}

	const socket = createSocket({ type: isV6 ? "udp6" : "udp4" });
	// It is there as soon as bind returns, when it is given a descriptor.
	const listening = once(socket, "listening");
	socket.bind({ fd });
	// libuv sets it on any descriptor that it is given: another program that sets it too could take the port over.
	libc.setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, option(0), 4);
	await listening;
	socket.on("error", () => counters.sendFailures++);
	socket.on("message", onMessage);
	return {
		address,
		port: socket.address().port,
		way: "mmsg",
		close: () =>
			new Promise((resolve) => {
				closed = true;
				// The descriptor is libuv's now: it closes it.
				socket.close(() => resolve());
			}),
	};
}

function openSocket(libc: MmsgLibc, address: string, port: number): number {
	const isV6 = isIPv6(address);
	const place = socketAddress(address, port);
	if (place === undefined) throw new ListenError("UDP", address, port, "EADDRNOTAVAIL");
	const fail = (): never => {
		const code = libc.errorCode();
		if (fd >= 0) libc.close(fd);
		throw new ListenError("UDP", address, port, code);
	};
	const fd = libc.socket(isV6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0) return fail();
	// The kernel cuts it down to its own limit and does not complain.
	libc.setsockopt(fd, SOL_SOCKET, SO_RCVBUF, option(RECEIVE_BUFFER_BYTES), 4);
	if (isV6 && libc.setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, option(1), 4) < 0) return fail();
	if (libc.bind(fd, place, place.length) < 0) return fail();
	return fd;
}

function option(value: number): Uint8Array {
	return new Uint8Array(Int32Array.of(value).buffer);
}

function writeAddress(words: Int32Array, index: number, address: number): void {
	words[index] = address | 0;
	words[index + 1] = Math.floor(address / 2 ** 32);
}

/** Makes everything the kernel reads and writes, and ties it together. */
function lend(libc: MmsgLibc, nameBytes: number): Lent {
	const packets = new Uint8Array(new ArrayBuffer(SLOTS * ANSWER_ROOM));
	const names = new Uint8Array(new ArrayBuffer(SLOTS * NAME_BYTES));
	const received = new Int32Array(new ArrayBuffer(SLOTS * HEADER_BYTES));
	const sent = new Int32Array(new ArrayBuffer(SLOTS * HEADER_BYTES));
	const receivedPieces = new Int32Array(new ArrayBuffer(SLOTS * 16));
	const sentPieces = new Int32Array(new ArrayBuffer(SLOTS * 16));
	const [packetsAt, namesAt, piecesAt] = [packets, names, receivedPieces].map(libc.addressOf);
	for (let slot = 0; slot < SLOTS; slot++) {
		const packet = (packetsAt ?? 0) + slot * ANSWER_ROOM;
		writeAddress(receivedPieces, slot * 4, packet);
		receivedPieces[slot * 4 + 2] = ANSWER_ROOM;
		writeAddress(sentPieces, slot * 4, packet);
		const header = slot * 16;
		writeAddress(received, header, (namesAt ?? 0) + slot * NAME_BYTES);
		received[header + 2] = nameBytes;
		writeAddress(received, header + 4, (piecesAt ?? 0) + slot * 16);
		received[header + 6] = 1;
		// Name and piece of what is sent are written with each packet.
		sent[header + 2] = nameBytes;
		sent[header + 6] = 1;
	}
	return {
		packets,
		names,
		received,
		sent,
		sentPieces,
		receivedAt: libc.addressOf(received),
		sentAt: libc.addressOf(sent),
		all: [packets, names, received, sent, receivedPieces, sentPieces],
	};
}
