/** The server at the end of a chain: keeps every message it gets, read the plain way, and says which it was. */
import { createServer, type Socket } from "node:net";
import { naiveRequest } from "../h1-naive.ts";

export interface SeenMessage {
	readonly method: string;
	readonly target: string;
	readonly host: string;
	/** Latin-1. */
	readonly body: string;
	readonly fields: readonly (readonly [name: string, value: string])[];
}

export interface RecordingOrigin {
	readonly port: number;
	readonly seen: readonly SeenMessage[];
	/** What is no HTTP that two would read alike. */
	readonly unreadable: readonly string[];
	close(): Promise<void>;
}

const TEXT_MAX = 1024 * 1024;
const CHUNK_LINE = /^([0-9a-f]{1,8})\r\n/i;
const CONTINUE = "HTTP/1.1 100 Continue\r\n\r\n";

export async function recordingOrigin(): Promise<RecordingOrigin> {
	const seen: SeenMessage[] = [];
	const unreadable: string[] = [];
	const sockets = new Set<Socket>();
	const server = createServer({ noDelay: true }, (socket) => {
		let text = "";
		let hasContinued = false;
		sockets.add(socket);
		socket.on("error", () => undefined);
		socket.on("close", () => sockets.delete(socket));
		socket.on("data", (bytes) => {
			text += bytes.toString("latin1");
			while (text.length > 0) {
				const read = readMessage(text);
				if (read === "refused" || text.length > TEXT_MAX) {
					unreadable.push(text.slice(0, 2000));
					socket.destroy();
					return;
				}
				if (read === "begun") return;
				if (read === "head") {
					if (!hasContinued && /\r\nexpect:/i.test(text)) socket.write(CONTINUE);
					hasContinued = true;
					return;
				}
				hasContinued = false;
				text = text.slice(read.length);
				seen.push(read.message);
				socket.write(answerTo(read.message));
			}
		});
	});
	await new Promise<void>((resolve) => server.listen({ port: 0, host: "127.0.0.1", backlog: 4096 }, resolve));
	return {
		port: (server.address() as { port: number }).port,
		seen,
		unreadable,
		close: () =>
			new Promise((resolve) => {
				server.close(() => resolve());
				for (const socket of sockets) socket.destroy();
			}),
	};
}

function readMessage(
	text: string,
): "begun" | "head" | "refused" | { readonly length: number; readonly message: SeenMessage } {
	const head = naiveRequest(text);
	if (head === undefined) return "begun";
	if (head === "refused") return "refused";
	const body =
		head.framing === "chunked"
			? readChunks(text, head.length)
			: {
					body: text.slice(head.length, head.length + (head.bodyLength ?? 0)),
					end: head.length + (head.bodyLength ?? 0),
				};
	if (body === "refused") return "refused";
	if (body === undefined || body.end > text.length) return "head";
	const [method = "", target = ""] = head.first;
	const fields: [string, string][] = [];
	for (let at = 0; at < head.fields.length; at += 2)
		fields.push([head.fields[at] as string, head.fields[at + 1] as string]);
	return { length: body.end, message: { method, target, host: head.authority, body: body.body, fields } };
}

/** Without extensions: nobody in the garden has a reason to send one on. */
function readChunks(
	text: string,
	from: number,
): { readonly body: string; readonly end: number } | "refused" | undefined {
	let body = "";
	let at = from;
	for (;;) {
		const rest = text.slice(at, at + 12);
		if (!rest.includes("\n")) return rest.length < 12 ? undefined : "refused";
		const size = CHUNK_LINE.exec(rest);
		if (size === null) return "refused";
		at += size[0].length;
		const length = Number.parseInt(size[1] ?? "", 16);
		if (length === 0) break;
		if (text.length < at + length + 2) return undefined;
		body += text.slice(at, at + length);
		at += length;
		if (text.slice(at, at + 2) !== "\r\n") return "refused";
		at += 2;
	}
	const end = text.startsWith("\r\n", at) ? at : text.indexOf("\r\n\r\n", at) + 2;
	return end < at ? undefined : { body, end: end + 2 };
}

function answerTo({ method, target, fields }: SeenMessage): string {
	const trace = fields.find(([name]) => name === "traceparent")?.[1].split("-")[1];
	const body = `seen-${trace} ${target}\n`;
	return `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\nContent-Type: text/plain\r\n\r\n${method === "HEAD" ? "" : body}`;
}
