/** A client's socket without a kernel: what is said to it is kept, and what it is told comes in pieces when it wants them. */
import { EventEmitter } from "node:events";
import type { Socket } from "node:net";

export class PipeSocket extends EventEmitter {
	readonly writableLength = 0;
	readableEnded = false;
	destroyed = false;
	isPaused = false;
	bytesWritten = 0;
	out = "";
	#isEnded = false;

	/** For those who only use of it what is here. */
	asSocket(): Socket {
		return this as unknown as Socket;
	}

	write(bytes: Uint8Array): boolean {
		if (this.#isEnded || this.destroyed) return false;
		this.out += Buffer.from(bytes).toString("latin1");
		this.bytesWritten += bytes.length;
		return true;
	}

	end(): void {
		this.#isEnded = true;
		if (this.readableEnded) this.destroy();
	}

	destroy(): void {
		if (this.destroyed) return;
		this.destroyed = true;
		queueMicrotask(() => this.emit("close"));
	}

	destroySoon(): void {
		this.destroy();
	}

	resetAndDestroy(): void {
		this.out += "(reset)";
		this.destroy();
	}

	pause(): void {
		this.isPaused = true;
	}

	resume(): void {
		this.isPaused = false;
	}

	cork(): void {}

	uncork(): void {}

	/** The client has ended its side. */
	hearEnd(): void {
		this.readableEnded = true;
		this.emit("end");
		if (this.#isEnded) this.destroy();
	}
}
