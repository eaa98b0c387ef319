/** A socket to an upstream that is agreed to speak HTTP/2, or why there is none. */
import { connect, isIP, type Socket } from "node:net";
import { checkServerIdentity, connect as connectTls, type TLSSocket } from "node:tls";
import type { Failure } from "./stream.ts";
import type { DialTarget, DialTimes, DialTls } from "./upstream-connection.ts";

export interface H2SocketOwner {
	/** Errors of the socket are the new owner's from then on. */
	connected(socket: Socket, times: DialTimes): void;
	failed(failure: Failure): void;
}

/** The socket at once, so that it can be destroyed; one of the two is called unless it is. */
export function dialH2Socket(target: DialTarget, now: () => number, owner: H2SocketOwner): Socket {
	const beganMs = now();
	const raw = connect({ host: target.address, port: target.port, noDelay: true });
	let socket = raw;
	const onError = (cause: Error) => {
		raw.destroy();
		owner.failed({ kind: "connect", detail: cause.message });
	};
	raw.once("error", onError);
	raw.once("connect", () => {
		const connectedMs = now();
		if (target.tls === undefined) {
			raw.off("error", onError);
			owner.connected(raw, { beganMs, connectedMs, securedMs: undefined });
			return;
		}
		const secured = connectTls({ socket: raw, ...tlsOptions(target.tls) });
		socket = secured;
		raw.off("error", onError);
		raw.once("close", () => secured.destroy());
		secured.once("error", onError);
		secured.once("secureConnect", () => {
			secured.off("error", onError);
			const agreed = agreedFailure(secured);
			if (agreed === undefined) owner.connected(socket, { beganMs, connectedMs, securedMs: now() });
			else {
				raw.destroy();
				owner.failed(agreed);
			}
		});
	});
	return raw;
}

function agreedFailure(socket: TLSSocket): Failure | undefined {
	const { alpnProtocol } = socket;
	if (alpnProtocol === "h2") return undefined;
	return { kind: "connect", detail: `expected ALPN h2, the server chose ${alpnProtocol || "none"}` };
}

function tlsOptions(tls: DialTls) {
	const { serverName, verify, authority, certificate, key } = tls;
	return {
		ALPNProtocols: ["h2"],
		rejectUnauthorized: verify,
		// An address is no server name (RFC 6066, 3), but it is what the certificate must name.
		...(isIP(serverName) === 0 && { servername: serverName }),
		checkServerIdentity: (_host: string, peer: Parameters<typeof checkServerIdentity>[1]) =>
			checkServerIdentity(serverName, peer),
		...(authority !== undefined && { ca: authority }),
		...(certificate !== undefined && { cert: certificate }),
		...(key !== undefined && { key }),
	};
}
