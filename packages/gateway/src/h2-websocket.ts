/**
 * WebSocket begins in HTTP/1.1 with a key and 101, in HTTP/2 with an extended CONNECT and 200 (RFC 8441). The gateway
 * speaks the first above the protocols; here is what the second lacks for it.
 *
 *     Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==   ─▶   Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=
 */
import { createHash, randomBytes } from "node:crypto";

/** RFC 6455, 1.3. */
const ACCEPT_SUFFIX = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const KEY_BYTES = 16;

export function websocketKey(): string {
	return randomBytes(KEY_BYTES).toString("base64");
}

export function websocketAccept(key: string): string {
	return createHash("sha1").update(key).update(ACCEPT_SUFFIX).digest("base64");
}
