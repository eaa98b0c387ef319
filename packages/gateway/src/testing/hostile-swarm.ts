/** Many sockets of many clients at once, which are all gone when the attack is over. */
import { connect, type Socket } from "node:net";

/** Of loopback, which the kernel lets anybody come from: 127.0.0.2 and on. */
const ADDRESSES = 16;
/** Connects under way. */
const CONNECTING_MAX = 256;

export interface Joining {
	readonly port: number;
	readonly count: number;
	readonly signal: AbortSignal;
	/** Once connected. */
	readonly begin: (socket: Socket, index: number) => void;
	/** Never read: the kernel's buffer fills, then the peer's. */
	readonly reads?: boolean;
}

export class Swarm {
	readonly #sockets = new Set<Socket>();
	attempted = 0;
	connected = 0;
	/** Refused, reset or closed by the other side. */
	ended = 0;
	bytes = 0;
	/** Status lines of HTTP/1 that came, by status. */
	readonly statuses = new Map<string, number>();

	get open(): number {
		return this.#sockets.size;
	}

	/** Resolves when all have been tried, or it is told to stop. */
	async join({ port, count, signal, begin, reads = true }: Joining): Promise<void> {
		let next = 0;
		const one = async (): Promise<void> => {
			while (next < count && !signal.aborted) {
				const index = next++;
				this.attempted++;
				await new Promise<void>((resolve) => {
					const socket = connect({
						port,
						host: "127.0.0.1",
						localAddress: `127.0.0.${2 + (index % ADDRESSES)}`,
					});
					this.#sockets.add(socket);
					socket.on("error", () => undefined);
					socket.on("close", () => {
						if (this.#sockets.delete(socket)) this.ended++;
						resolve();
					});
					socket.on("connect", () => {
						this.connected++;
						if (reads) socket.on("data", (bytes) => this.#heard(bytes));
						begin(socket, index);
						resolve();
					});
				});
			}
		};
		await Promise.all(Array.from({ length: Math.min(CONNECTING_MAX, count) }, one));
	}

	each(visit: (socket: Socket) => void): void {
		for (const socket of this.#sockets) if (!socket.destroyed && socket.writable) visit(socket);
	}

	/** Resolves when every socket has been closed by the other side, or it is told to stop. */
	async untilEnded(signal: AbortSignal, everyMs: number, visit: (socket: Socket) => void): Promise<void> {
		while (this.open > 0 && !signal.aborted) {
			this.each(visit);
			await pause(everyMs, signal);
		}
	}

	leave(): void {
		for (const socket of this.#sockets) {
			this.#sockets.delete(socket);
			socket.resetAndDestroy();
		}
	}

	toString(): string {
		const statuses = [...this.statuses].map(([status, count]) => `${count} × ${status}`).join(", ");
		const told = statuses === "" ? "" : `, answered ${statuses}`;
		return `${this.connected} of ${this.attempted} connected, ${this.ended} ended by it${told}`;
	}

	#heard(bytes: Buffer): void {
		this.bytes += bytes.length;
		if (bytes[0] !== 0x48 || bytes.length < 12) return;
		const status = /^HTTP\/1\.[01] (\d{3})/.exec(bytes.toString("latin1", 0, 12))?.[1];
		if (status !== undefined) this.statuses.set(status, (this.statuses.get(status) ?? 0) + 1);
	}
}

export function pause(ms: number, signal: AbortSignal): Promise<void> {
	return new Promise((resolve) => {
		if (signal.aborted) {
			resolve();
			return;
		}
		const timer = setTimeout(resolve, ms);
		signal.addEventListener(
			"abort",
			() => {
				clearTimeout(timer);
				resolve();
			},
			{ once: true },
		);
	});
}
