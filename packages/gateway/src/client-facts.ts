/** Who is at the other end of a client's connection: one object a connection, made when it is accepted. */
import type { Socket } from "node:net";
import type { ClientFacts } from "./stream.ts";

const MAPPED = "::ffff:";

export class ConnectionFacts implements ClientFacts {
	readonly address: string;
	readonly port: number;
	readonly listener: string;
	readonly tls: ClientFacts["tls"];
	requests = 0;

	constructor(address: string, port: number, listener: string, tls: ClientFacts["tls"]) {
		this.address = address;
		this.port = port;
		this.listener = listener;
		this.tls = tls;
	}
}

/** Of the peer as the kernel names it: IPv4 in IPv6 is IPv4, and a zone says nothing to others. */
export function peerAddress(socket: Socket): string {
	const address = socket.remoteAddress ?? "";
	if (address.startsWith(MAPPED) && address.includes(".")) return address.slice(MAPPED.length);
	const zone = address.indexOf("%");
	return zone === -1 ? address : address.slice(0, zone);
}
