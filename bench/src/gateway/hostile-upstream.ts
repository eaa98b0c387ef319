/** The server behind the gateway that is attacked, in a thread: small answers, a large one, a stream without end. */
import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { parentPort } from "node:worker_threads";

const LARGE_BYTES = 16 * 1024 * 1024;
const PIECE = Buffer.alloc(65_536, "large ");
const ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

const server = createServer((request, response) => {
	request.on("error", () => undefined);
	response.on("error", () => undefined);
	request.resume();
	if (request.url === "/large") sendLarge(response);
	else response.end("ok");
});
server.on("upgrade", (_, socket: Socket) => {
	socket.on("error", () => undefined);
	socket.write(
		`HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: ${ACCEPT}\r\n\r\n`,
	);
	const more = () => {
		while (!socket.destroyed && socket.write(PIECE));
	};
	socket.on("drain", more);
	more();
});
server.listen(0, "127.0.0.1", 4096);
await once(server, "listening");
parentPort?.postMessage((server.address() as AddressInfo).port);

function sendLarge(response: ServerResponse): void {
	response.setHeader("content-length", String(LARGE_BYTES));
	let left = LARGE_BYTES;
	const more = () => {
		while (left > 0 && !response.destroyed) {
			left -= PIECE.length;
			if (!response.write(PIECE)) return;
		}
		if (left === 0) response.end();
	};
	response.on("drain", more);
	more();
}
