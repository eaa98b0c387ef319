/**
 * Makes the kernel forget sockets, by SOCK_DESTROY of NETLINK_SOCK_DIAG (Linux 4.5; of TIME_WAIT since 6.0).
 * For TIME_WAIT no segment is sent. Needs CAP_NET_ADMIN in the sockets' network namespace.
 *
 * ```
 * one message: nlmsghdr (16)  length 72 · type 21 · flags REQUEST|ACK · sequence
 *              inet_diag_req_v2 (56)  family · protocol 6 · ext · pad · u32 states · id[48]
 * its answer:  type 2 (error) with our sequence; an i32 follows: 0 = done, or a negative errno
 * ```
 * SOCK_DESTROY looks at addresses and cookie and not at the state: with the cookie left out it kills a live
 * connection that has reused the ports since the dump. So each id goes back as the dump gave it, and a
 * socket that is no longer the same is answered with ENOENT.
 */
import { setTimeout as pause } from "node:timers/promises";
import { type Libc, loadLibc } from "./libc.ts";
import { type Reading, type Refusal, read, refused } from "./reading.ts";
import { openSockDiag } from "./sock-diag.ts";
import type { TimeWaitRow } from "./time-wait-rows.ts";

/** Sockets asked for at once: their answers fit in the smallest receive buffer by far. */
export const BATCH_MAX = 64;
/** A second has so many batches at least, so that a low rate is a trickle and not a burst. */
const BATCHES_PER_SECOND_MIN = 4;

/** What became of one socket: `gone` had ended by itself, or its ports serve another connection now. */
export type Fate = "destroyed" | "gone" | "failed";

export interface Answered {
	readonly row: TimeWaitRow;
	readonly fate: Fate;
	/** For `failed`: `EOPNOTSUPP (95)`, or that no answer came. */
	readonly why?: string;
}

export interface DestroyWish {
	readonly namespaceOf?: number;
	readonly ratePerSecond: number;
	/** Stops between two batches; that is no error. */
	readonly signal?: AbortSignal;
	/** Called before a batch is sent; an abort from within keeps it from being sent. */
	readonly onAsk?: (rows: readonly TimeWaitRow[]) => void;
	readonly onAnswer?: (answers: readonly Answered[]) => void;
}

export interface DestroyOutcome {
	readonly asked: number;
	readonly destroyed: number;
	readonly gone: number;
	readonly failed: number;
	/** Why the rest was not asked for: the kernel refuses on principle. */
	readonly stopped?: Refusal;
	readonly interrupted: boolean;
}

const HEADER_BYTES = 16;
const MESSAGE_BYTES = 72;
const TYPE_DESTROY = 21;
const TYPE_ERROR = 2;
const FLAGS_REQUEST_ACK = 0x5;
const PROTOCOL_TCP = 6;
const EPERM = 1;
const ENOENT = 2;
const EAGAIN = 11;
const EINTR = 4;
const EOPNOTSUPP = 95;
const RECV_BYTES = 65536;
/** The kernel answers before send returns; a batch without a word for so long gets none. */
const SILENCE_MS_MAX = 2000;
const SILENCE_STEP_MS = 5;

export async function destroySockets(
	rows: readonly TimeWaitRow[],
	wish: DestroyWish,
): Promise<Reading<DestroyOutcome>> {
	const libc = await loadLibc();
	if (libc.kind === "refused") return libc;
	const opened = openSockDiag(libc.value, wish.namespaceOf);
	if (opened.kind === "refused") return opened;
	try {
		return read(await new Destruction(libc.value, opened.value, wish).run(rows));
	} finally {
		libc.value.close(opened.value);
	}
}

class Destruction {
	readonly #libc: Libc;
	readonly #fd: number;
	readonly #wish: DestroyWish;
	readonly #counts = { destroyed: 0, gone: 0, failed: 0 };
	readonly #room = Buffer.allocUnsafe(RECV_BYTES);
	#asked = 0;

	constructor(libc: Libc, fd: number, wish: DestroyWish) {
		this.#libc = libc;
		this.#fd = fd;
		this.#wish = wish;
	}

	async run(rows: readonly TimeWaitRow[]): Promise<DestroyOutcome> {
		const { ratePerSecond, signal, onAsk, onAnswer } = this.#wish;
		const size = batchSize(ratePerSecond);
		let stopped: Refusal | undefined;
		for (let at = 0; at < rows.length && stopped === undefined && !signal?.aborted; at += size) {
			if (at > 0) await pauseFor((size * 1000) / ratePerSecond, signal);
			if (signal?.aborted) break;
			const batch = rows.slice(at, at + size);
			onAsk?.(batch);
			if (signal?.aborted) break;
			const errnos = await this.#ask(batch);
			const answers = batch.map((row, i) => this.#answered(row, errnos[i]));
			for (const { fate } of answers) this.#counts[fate]++;
			this.#asked += batch.length;
			onAnswer?.(answers);
			stopped = refusalOnPrinciple(errnos);
		}
		return {
			asked: this.#asked,
			...this.#counts,
			interrupted: signal?.aborted === true && this.#asked < rows.length,
			...(stopped === undefined ? {} : { stopped }),
		};
	}

	/** The errno of each row, 0 for done; undefined where no answer came. */
	async #ask(batch: readonly TimeWaitRow[]): Promise<readonly (number | undefined)[]> {
		const request = Buffer.alloc(batch.length * MESSAGE_BYTES);
		const first = this.#asked + 1;
		for (const [i, row] of batch.entries()) writeRequest(request, i * MESSAGE_BYTES, row, first + i);
		const errnos = new Array<number | undefined>(batch.length).fill(undefined);
		if (this.#libc.send(this.#fd, request, request.length, 0) !== request.length) {
			return errnos.fill(this.#libc.errno());
		}
		for (let left = batch.length, silenceMs = 0; left > 0 && silenceMs < SILENCE_MS_MAX; ) {
			const count = this.#libc.recv(this.#fd, this.#room, this.#room.length, 0);
			if (count > 0) {
				left -= takeAnswers(this.#room.subarray(0, count), first, errnos);
				continue;
			}
			const errno = this.#libc.errno();
			if (errno !== EAGAIN && errno !== EINTR) break;
			silenceMs += SILENCE_STEP_MS;
			await pause(SILENCE_STEP_MS);
		}
		return errnos;
	}

	#answered(row: TimeWaitRow, errno: number | undefined): Answered {
		if (errno === 0) return { row, fate: "destroyed" };
		if (errno === ENOENT) return { row, fate: "gone" };
		return { row, fate: "failed", why: errno === undefined ? "no answer" : this.#libc.errorName(errno) };
	}
}

function batchSize(ratePerSecond: number): number {
	return Math.min(BATCH_MAX, Math.max(1, Math.floor(ratePerSecond / BATCHES_PER_SECOND_MIN)));
}

/** An abort ends the pause early and is seen by the caller. */
async function pauseFor(ms: number, signal: AbortSignal | undefined): Promise<void> {
	await pause(ms, undefined, signal === undefined ? {} : { signal }).catch(() => undefined);
}

function writeRequest(request: Buffer, at: number, row: TimeWaitRow, sequence: number): void {
	request.writeUInt32LE(MESSAGE_BYTES, at);
	request.writeUInt16LE(TYPE_DESTROY, at + 4);
	request.writeUInt16LE(FLAGS_REQUEST_ACK, at + 6);
	request.writeUInt32LE(sequence, at + 8);
	request[at + HEADER_BYTES] = row.family;
	request[at + HEADER_BYTES + 1] = PROTOCOL_TCP;
	request.set(row.id, at + MESSAGE_BYTES - row.id.length);
}

/** Puts each answer to its question by sequence; how many came. */
function takeAnswers(bytes: Buffer, first: number, errnos: (number | undefined)[]): number {
	let taken = 0;
	for (let at = 0; at + HEADER_BYTES + 4 <= bytes.length; ) {
		const length = bytes.readUInt32LE(at);
		if (length < HEADER_BYTES) break;
		const index = bytes.readUInt32LE(at + 8) - first;
		if (bytes.readUInt16LE(at + 4) === TYPE_ERROR && index >= 0 && index < errnos.length) {
			if (errnos[index] === undefined) taken++;
			errnos[index] = -bytes.readInt32LE(at + HEADER_BYTES);
		}
		at += (length + 3) & ~3;
	}
	return taken;
}

/** What would be answered to every further socket too. */
function refusalOnPrinciple(errnos: readonly (number | undefined)[]): Refusal | undefined {
	if (errnos.includes(EPERM)) {
		return refused("denied", "the kernel lets nobody destroy sockets without CAP_NET_ADMIN");
	}
	if (errnos.includes(EOPNOTSUPP)) {
		return refused("unsupported", "this kernel destroys no sockets in TIME_WAIT (Linux 6.0 and newer do)");
	}
	return undefined;
}
