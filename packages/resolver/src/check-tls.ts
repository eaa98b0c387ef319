/**
 * Whose certificate an address holds, with the name in SNI: the tie-break where only addresses differ. Nothing is sent
 * over the connection.
 */
import { connect } from "node:tls";
import type { TlsHandshake } from "@plumbline/signals/dns-verdict-comparison";

export interface HandshakePlan {
	/** With or without the last dot. */
	readonly name: string;
	readonly address: string;
	readonly port: number;
	/** PEM of the authorities that may sign; the ones of Node when absent. */
	readonly certificateAuthority?: string;
}

const HANDSHAKE_MS_MAX = 3_000;
const DETAIL_CHARS_MAX = 200;
const OTHER_NAME = "ERR_TLS_CERT_ALTNAME_INVALID";

/** Never rejects. */
export function shakeHands(plan: HandshakePlan, signal: AbortSignal): Promise<TlsHandshake> {
	const { address, port, certificateAuthority } = plan;
	const host = plan.name.replace(/\.$/, "");
	const limit = AbortSignal.any([signal, AbortSignal.timeout(HANDSHAKE_MS_MAX)]);
	return new Promise((resolve) => {
		const socket = connect({
			host: address,
			port,
			servername: host,
			// What is not valid is told apart below, and nothing is sent to anybody.
			rejectUnauthorized: false,
			...(certificateAuthority === undefined ? {} : { ca: certificateAuthority }),
		});
		const settle = (result: TlsHandshake["result"], detail: string) => {
			limit.removeEventListener("abort", onAbort);
			socket.destroy();
			resolve({ name: plan.name, address, result, detail: detail.slice(0, DETAIL_CHARS_MAX) });
		};
		const onAbort = () => settle("none", `no handshake within ${HANDSHAKE_MS_MAX} ms`);
		limit.addEventListener("abort", onAbort, { once: true });
		if (limit.aborted) onAbort();
		socket.on("error", (error) => settle("none", error.message));
		socket.on("secureConnect", () => {
			const names = socket.getPeerCertificate().subjectaltname ?? "no name";
			if (socket.authorized) return settle("valid", names);
			// Node gives an Error here, though it is typed as one with a code only at times.
			const error: unknown = socket.authorizationError;
			const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
			settle(
				code === OTHER_NAME ? "other-name" : "untrusted",
				code === OTHER_NAME ? names : `${code}; ${names}`,
			);
		});
	});
}
