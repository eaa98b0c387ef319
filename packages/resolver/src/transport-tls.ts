/**
 * A TLS connection to a server that is known (RFC 8310, strict): nothing is sent before its name or its key is verified.
 *
 *   tlsName alone        SNI, unless it is an address; the chain leads to an authority, and the certificate names it
 *   keyPins alone        the key is one of them; who signed it does not matter (RFC 7858 section 4.2)
 *   both                 both
 *   neither              the certificate names the address
 *
 * A session that is resumed shows no certificate: that the server has its secret proves it to be the one of the
 * handshake before, and no session is kept whose handshake was not verified.
 */
import { createHash } from "node:crypto";
import { isIP } from "node:net";
import {
	checkServerIdentity,
	connect,
	createSecureContext,
	type PeerCertificate,
	type SecureContext,
	type TLSSocket,
} from "node:tls";
import { TlsRefusal } from "./transport-failure.ts";
import type { UpstreamServer } from "./upstream.ts";

/** What is kept from one connection to the next. */
export interface TlsMemory {
	readonly context: SecureContext;
	session?: Buffer;
}

const NAMES_MAX = 200;

/** Throws for authorities that are no certificates: the configuration's fault, not the world's. */
export function tlsMemory({ certificateAuthority }: UpstreamServer): TlsMemory {
	const ca = certificateAuthority === undefined ? {} : { ca: certificateAuthority };
	return { context: createSecureContext({ ...ca, minVersion: "TLSv1.2" }) };
}

/** `onVerified` is called once, before any octet of the server's is read. Refusals come as errors of the socket. */
export function connectTls({
	server,
	memory,
	alpn,
	onVerified,
}: {
	readonly server: UpstreamServer;
	readonly memory: TlsMemory;
	readonly alpn?: string;
	readonly onVerified: (socket: TLSSocket) => void;
}): TLSSocket {
	const { address, port, tlsName, keyPins = [] } = server;
	const isKnownByKeyAlone = tlsName === undefined && keyPins.length > 0;
	const { session } = memory;
	let latest: Buffer | undefined;
	let isVerified = false;
	const socket = connect({
		host: address,
		port,
		secureContext: memory.context,
		rejectUnauthorized: !isKnownByKeyAlone,
		checkServerIdentity: (_, certificate) => nameFault(tlsName ?? address, certificate),
		...(tlsName === undefined || isIP(tlsName) !== 0 ? {} : { servername: tlsName }),
		...(session === undefined ? {} : { session }),
		...(alpn === undefined ? {} : { ALPNProtocols: [alpn] }),
	});
	// The first query would wait for the server to acknowledge the end of the handshake: 40 ms.
	socket.once("connect", () => socket.setNoDelay(true));
	socket.on("session", (fresh: Buffer) => {
		latest = fresh;
		if (isVerified) memory.session = fresh;
	});
	socket.once("error", () => {
		// It may be what made the handshake fail.
		if (!isVerified && memory.session === session) delete memory.session;
	});
	socket.once("secureConnect", () => {
		const isPinned = keyPins.length > 0 && !socket.isSessionReused();
		const fault = isPinned ? pinFault(keyPins, socket) : undefined;
		if (fault !== undefined) {
			socket.destroy(fault);
			return;
		}
		isVerified = true;
		if (latest !== undefined) memory.session = latest;
		onVerified(socket);
	});
	return socket;
}

function nameFault(expected: string, certificate: PeerCertificate): TlsRefusal | undefined {
	if (checkServerIdentity(expected, certificate) === undefined) return undefined;
	const names = certificate.subjectaltname ?? `CN:${certificate.subject?.CN ?? ""}`;
	return new TlsRefusal(
		`expected a certificate for ${expected}, found one for ${JSON.stringify(names.slice(0, NAMES_MAX))}`,
	);
}

function pinFault(expected: readonly string[], socket: TLSSocket): TlsRefusal | undefined {
	const key = socket.getPeerX509Certificate()?.publicKey.export({ type: "spki", format: "der" });
	const found = key === undefined ? "no certificate" : createHash("sha256").update(key).digest("base64");
	if (expected.includes(found)) return undefined;
	return new TlsRefusal(`expected a key with the SHA-256 ${expected.join(" or ")}, found ${found}`);
}
