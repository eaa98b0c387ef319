/** An upstream of HTTP/1 that says exactly the bytes a test gives it, and keeps what it was told. */
import { createServer, type Socket } from "node:net";

export interface RawUpstream {
	readonly port: number;
	/** All that came, of each connection in their order. */
	readonly heard: string[];
	readonly sockets: Socket[];
	close(): Promise<void>;
}

/** `heard` is called with each piece that comes, and all of that connection so far. */
export async function rawUpstream(
	answer: (socket: Socket, all: string, connection: number) => void,
): Promise<RawUpstream> {
	const heard: string[] = [];
	const sockets: Socket[] = [];
	const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
		const index = sockets.push(socket) - 1;
		heard.push("");
		socket.on("error", () => undefined);
		socket.on("end", () => socket.end());
		socket.on("data", (bytes) => {
			heard[index] += bytes.toString("latin1");
			answer(socket, heard[index] as string, index);
		});
	});
	await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
	return {
		port: (server.address() as { port: number }).port,
		heard,
		sockets,
		close: () =>
			new Promise((resolve) => {
				server.close(() => resolve());
				for (const socket of sockets) socket.destroy();
			}),
	};
}
