/**
 * TLS towards clients: pairs of certificate and key told apart by server name, all of them replaceable while
 * connections live. The names are those the certificates themselves say.
 *
 *     a.example, *.b.example ─▶ pair 2          anything else, or no name ─▶ pair 1
 */
import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import {
	createSecureContext,
	createServer,
	type SecureContext,
	type SecureContextOptions,
	type Server,
	type TLSSocket,
} from "node:tls";
import type { ListenerSettings, ListenerTls } from "./settings.ts";

export interface TlsAcceptor {
	/** A server that does not listen: give it sockets by emitting `connection`. */
	readonly server: Server;
	/** For connections from now on. Throws for files that cannot be read or are no certificate and key. */
	renew(tls: ListenerTls): void;
}

/** Throws as `renew`. */
export function tlsAcceptor(
	tls: ListenerTls,
	protocols: ListenerSettings["protocols"],
	handshakeMs: number,
	secured: (socket: TLSSocket) => void,
): TlsAcceptor {
	let byName = new Map<string, SecureContext>();
	const load = (from: ListenerTls): SecureContextOptions => {
		const pairs = from.pairs.map((pair) => optionsOf(pair, from.clientAuthority));
		const names = new Map<string, SecureContext>();
		for (const options of pairs) {
			const context = createSecureContext(options);
			for (const name of namesOf(options.cert)) if (!names.has(name)) names.set(name, context);
		}
		const [first] = pairs;
		if (first === undefined) throw new Error("a TLS listener needs a certificate and its key");
		byName = names;
		return first;
	};
	const first = load(tls);
	const server = createServer({
		...first,
		ALPNProtocols: protocols.toReversed().map((protocol) => (protocol === "h2" ? "h2" : "http/1.1")),
		requestCert: tls.clientAuthority !== undefined,
		rejectUnauthorized: tls.clientAuthority !== undefined,
		handshakeTimeout: handshakeMs,
		allowHalfOpen: true,
		SNICallback: (name, answer) => answer(null, contextFor(byName, name)),
	});
	server.on("secureConnection", secured);
	server.on("tlsClientError", (_cause, socket) => socket.destroy());
	return { server, renew: (from) => server.setSecureContext(load(from)) };
}

function optionsOf(pair: ListenerTls["pairs"][number], clientAuthority: string | undefined) {
	return {
		cert: readFileSync(pair.certificate, "utf8"),
		key: readFileSync(pair.key, "utf8"),
		minVersion: "TLSv1.2" as const,
		...(clientAuthority !== undefined && { ca: readFileSync(clientAuthority, "utf8") }),
	};
}

/** Undefined: the first pair. */
function contextFor(byName: ReadonlyMap<string, SecureContext>, name: string): SecureContext | undefined {
	const wanted = name.toLowerCase();
	return byName.get(wanted) ?? byName.get(`*${wanted.slice(wanted.indexOf("."))}`);
}

function namesOf(certificate: string): string[] {
	const { subjectAltName, subject } = new X509Certificate(certificate);
	const names = [...(subjectAltName ?? "").matchAll(/DNS:([^,\s]+)/g)].map(([, name]) => name as string);
	const common = /^CN=(.+)$/m.exec(subject ?? "")?.[1];
	return (names.length > 0 || common === undefined ? names : [common]).map((name) => name.toLowerCase());
}
