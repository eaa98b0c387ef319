/** An upstream that speaks HTTP/2 frame by frame: what it does with a stream is the test's. */
import { type AddressInfo, createServer } from "node:net";
import { frame, PREFACE, RawPeer, SETTINGS } from "./h2-raw.ts";

export interface RawUpstream {
	readonly port: number;
	/** The first connection, once it has said its preface. */
	readonly peer: Promise<RawPeer>;
	close(): void;
}

export async function openRawUpstream(settings: Buffer = Buffer.alloc(0)): Promise<RawUpstream> {
	const accepted = Promise.withResolvers<RawPeer>();
	const server = createServer({ noDelay: true }, (socket) => {
		const heard: Buffer[] = [];
		const hear = (bytes: Buffer) => {
			heard.push(bytes);
			const all = Buffer.concat(heard);
			if (all.length < PREFACE.length) return;
			socket.off("data", hear);
			const peer = new RawPeer(socket);
			peer.write(frame(SETTINGS, 0, 0, settings));
			accepted.resolve(peer);
			const rest = all.subarray(PREFACE.length);
			if (rest.length > 0) socket.emit("data", rest);
		};
		socket.on("data", hear);
	});
	await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
	return {
		port: (server.address() as AddressInfo).port,
		peer: accepted.promise,
		close() {
			server.close();
			accepted.promise.then((peer) => peer.socket.destroy()).catch(() => undefined);
		},
	};
}
