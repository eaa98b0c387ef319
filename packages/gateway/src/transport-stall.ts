/** Whether the other end takes what waits for it on a socket: it need not take all of it in time, but some. */
import type { Socket } from "node:net";
import { type TimerWheel, WheelTimer } from "./timer-wheel.ts";

export class WriteWatch {
	readonly #socket: Socket;
	readonly #wheel: TimerWheel;
	readonly #lost: () => void;
	/** Made when it is first needed, which for most connections is never. */
	#timer: WheelTimer | undefined = undefined;
	/** Written and taken by the kernel, when that was last looked at. */
	#taken = 0;
	#ms = 0;

	/** `lost`: nothing was taken for the time that `start` was given. */
	constructor(socket: Socket, wheel: TimerWheel, lost: () => void) {
		this.#socket = socket;
		this.#wheel = wheel;
		this.#lost = lost;
	}

	start(ms: number): void {
		if (this.#timer === undefined) this.#timer = new WheelTimer(() => this.#due());
		this.#ms = ms;
		this.hasTaken();
		this.#wheel.start(this.#timer, ms);
	}

	stop(): void {
		if (this.#timer !== undefined) this.#wheel.stop(this.#timer);
	}

	/** Since it was last asked. */
	hasTaken(): boolean {
		const taken = this.#socket.bytesWritten - this.#socket.writableLength;
		const isMore = taken > this.#taken;
		this.#taken = taken;
		return isMore;
	}

	#due(): void {
		if (this.hasTaken()) this.#wheel.start(this.#timer as WheelTimer, this.#ms);
		else this.#lost();
	}
}
