/**
 * An upstream for chaos, as a program of its own so that it can be killed and stopped: `HOST PORT ID`.
 *
 *     any method, any path     200, 1 KiB, `x-server: ID`; `?bytes=N` for another length
 *     /stream                  200, a chunk every TICK_MS without end
 *     Upgrade: websocket       101, and every byte comes back
 *
 * Lines of JSON on stdin say how it behaves from now on (`Behaviour`); lines on stdout tell its port and every POST.
 */
import { randomInt } from "node:crypto";
import { createServer, type Socket } from "node:net";
import { createInterface } from "node:readline";

export interface Behaviour {
	/** Before each answer. */
	readonly delayMs: number;
	/** Each nth answer is cut by a reset: before its head, or in the middle of its body; 0: none. */
	readonly resetEvery: number;
	readonly resetAt: "head" | "body";
	/** Closes connections that have been idle for so long; 0: never. */
	readonly idleMs: number;
	/** Closes after so many answers, the last of which says so; 0: never. */
	readonly requestsMax: number;
}

const WELL: Behaviour = { delayMs: 0, resetEvery: 0, resetAt: "head", idleMs: 0, requestsMax: 0 };

const BODY_BYTES = 1_024;
const TICK_MS = 200;
/** The gateway is no attacker: a longer head is a fault of this program's tests. */
const HEAD_CHARS_MAX = 65_536;
const PORT_FIRST = 20_000;
const PORT_LAST = 32_000;
const LISTENS_MAX = 100;

let behaviour = WELL;
let answers = 0;
let listens = 0;
const [host = "127.0.0.1", port = "0", id = "one"] = process.argv.slice(2);

const server = createServer({ noDelay: true }, (socket) => new Connection(socket));
server.on("error", (error: NodeJS.ErrnoException) => {
	if (error.code !== "EADDRINUSE" || Number(port) !== 0 || ++listens > LISTENS_MAX) throw error;
	listen();
});
listen();
createInterface({ input: process.stdin }).on("line", (line) => {
	behaviour = { ...WELL, ...JSON.parse(line) };
	tell({ behaves: true });
});

/**
 * Port 0: a free one below those that the kernel gives to clients. While this program is dead nobody else gets it, and
 * nobody who dials it is connected to himself.
 */
function listen(): void {
	const wanted = Number(port) || randomInt(PORT_FIRST, PORT_LAST);
	server.listen({ host, port: wanted, backlog: 4_096 }, () => tell({ port: wanted }));
}

function tell(value: object): void {
	process.stdout.write(`${JSON.stringify(value)}\n`);
}

class Connection {
	readonly #socket: Socket;
	#text = "";
	#served = 0;
	#isTunnel = false;
	#isBusy = false;
	#isAskedToClose = false;
	#idle: NodeJS.Timeout | undefined;
	#ticks: NodeJS.Timeout | undefined;

	constructor(socket: Socket) {
		this.#socket = socket;
		socket.on("data", (bytes) => this.#read(bytes));
		socket.on("error", () => undefined);
		socket.on("close", () => {
			clearTimeout(this.#idle);
			clearInterval(this.#ticks);
		});
	}

	#read(bytes: Buffer): void {
		if (this.#isTunnel) {
			this.#socket.write(bytes);
			return;
		}
		clearTimeout(this.#idle);
		this.#text += bytes.toString("latin1");
		if (this.#text.length > HEAD_CHARS_MAX) this.#socket.destroy();
		this.#next();
	}

	#next(): void {
		if (this.#isBusy) return;
		const end = this.#text.indexOf("\r\n\r\n");
		if (end < 0) return;
		const head = this.#text.slice(0, end);
		const length = Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0);
		if (this.#text.length < end + 4 + length) return;
		const body = this.#text.slice(end + 4, end + 4 + length);
		this.#text = this.#text.slice(end + 4 + length);
		const [method = "", path = ""] = head.split(" ", 2);
		if (/^upgrade: *websocket/im.test(head)) this.#becomeTunnel();
		else {
			if (method === "POST") tell({ post: body });
			this.#isBusy = true;
			this.#isAskedToClose = /^connection: *close/im.test(head);
			if (behaviour.delayMs === 0) this.#answer(method, path);
			else setTimeout(() => this.#answer(method, path), behaviour.delayMs);
		}
	}

	#becomeTunnel(): void {
		this.#isTunnel = true;
		this.#socket.write(
			`HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\nx-server: ${id}\r\n\r\n${this.#text}`,
		);
	}

	#answer(method: string, path: string): void {
		if (this.#socket.destroyed) return;
		if (path.startsWith("/stream")) {
			this.#stream();
			return;
		}
		answers++;
		this.#served++;
		const { resetEvery, resetAt, requestsMax, idleMs } = behaviour;
		const isReset = resetEvery > 0 && answers % resetEvery === 0;
		const isLast = this.#isAskedToClose || (requestsMax > 0 && this.#served >= requestsMax);
		const bytes = Number(/[?&]bytes=(\d+)/.exec(path)?.[1] ?? BODY_BYTES);
		const head = `HTTP/1.1 200 OK\r\nx-server: ${id}\r\ncontent-length: ${bytes}\r\n${isLast ? "connection: close\r\n" : ""}\r\n`;
		const whole = method === "HEAD" ? head : head + "x".repeat(bytes);
		this.#isBusy = false;
		if (isReset) {
			if (resetAt === "head") this.#socket.resetAndDestroy();
			// Half of it must have left before the reset does.
			else this.#socket.write(whole.slice(0, -bytes / 2), () => this.#socket.resetAndDestroy());
		} else if (isLast) this.#socket.end(whole);
		else {
			this.#socket.write(whole);
			if (idleMs > 0) this.#idle = setTimeout(() => this.#socket.end(), idleMs);
			this.#next();
		}
	}

	#stream(): void {
		this.#socket.write(
			`HTTP/1.1 200 OK\r\nx-server: ${id}\r\ntransfer-encoding: chunked\r\n\r\n5\r\ntick\n\r\n`,
		);
		this.#ticks = setInterval(() => this.#socket.write("5\r\ntick\n\r\n"), TICK_MS);
	}
}
