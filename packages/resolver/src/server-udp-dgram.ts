/** UDP by Node's own dgram: everywhere, one packet a call. The same answers as server-udp-mmsg.ts at twice the CPU. */
import { createSocket, type RemoteInfo } from "node:dgram";
import { isIPv6 } from "node:net";
import { ANSWER_ROOM, LATER } from "./server-answerer.ts";
import { clientKey } from "./server-gate.ts";
import { looksLikeQuery } from "./server-query.ts";
import { ListenError, turnAway, type UdpListener, type UdpServing } from "./server-udp.ts";

/** Octets the kernel may hold for us; it takes less where its own limit is lower. */
const RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024;

export function listenUdpDgram(address: string, port: number, serving: UdpServing): Promise<UdpListener> {
	const { answerer, gate, counters, now } = serving;
	const socket = createSocket({ type: isIPv6(address) ? "udp6" : "udp4", ipv6Only: isIPv6(address) });
	const slot = new Uint8Array(ANSWER_ROOM);
	let closed = false;

	// Copied, for the socket sends it later.
	const send = (answer: Uint8Array, to: RemoteInfo) => {
		if (closed) return;
		socket.send(Buffer.from(answer), to.port, to.address, (error) => {
			if (error !== null) counters.sendFailures++;
		});
	};

	function onMessage(packet: Uint8Array, from: RemoteInfo): void {
		counters.udpQueries++;
		const isSound = packet.length <= ANSWER_ROOM / 2 && from.port !== 0;
		if (!isSound || !looksLikeQuery(packet, 0, packet.length)) {
			counters.dropped++;
			return;
		}
		slot.set(packet);
		const nowMs = now();
		const admission = gate().admit(from.address, nowMs);
		if (admission !== "pass") {
			const length = turnAway(serving, slot, 0, packet.length, admission);
			if (length > 0) send(slot.subarray(0, length), from);
			return;
		}
		const length = answerer.atOnce(slot, 0, packet.length, "udp", nowMs);
		if (length === LATER) {
			const client = clientKey(from.address);
			void answerer.later(new Uint8Array(packet), "udp", client).then((answer) => send(answer, from));
		} else if (length > 0) send(slot.subarray(0, length), from);
	}

	return new Promise((resolve, reject) => {
		const onError = (error: NodeJS.ErrnoException) => {
			socket.close();
			reject(new ListenError("UDP", address, port, error.code ?? "EIO", error));
		};
		socket.once("error", onError);
		socket.bind({ port, address, exclusive: true }, () => {
			socket.off("error", onError);
			// Afterwards errors belong to single packets.
			socket.on("error", () => counters.sendFailures++);
			socket.on("message", onMessage);
			try {
				socket.setRecvBufferSize(RECEIVE_BUFFER_BYTES);
			} catch {
				// The kernel's default has to do.
			}
			resolve({
				address,
				port: socket.address().port,
				way: "dgram",
				close: () =>
					new Promise((done) => {
						closed = true;
						socket.close(() => done());
					}),
			});
		});
	});
}
