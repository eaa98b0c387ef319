/**
 * Dumps the TCP sockets of a network namespace by NETLINK_SOCK_DIAG (sock_diag(7)). Needs no right in the
 * own namespace. Gives the kernel's messages as they came; signals/src/sockets-sock-diag.ts reads them.
 *
 * ```
 * request:  nlmsghdr (16)  length 72 · type 20 · flags REQUEST|DUMP · sequence
 *           inet_diag_req_v2 (56)  family · protocol 6 · ext (2 = tcp_info) · pad · u32 states · id[48]
 * answer:   messages of type 20, at most 32 kB a recv, until type 3 (done) or 2 (error)
 * ```
 * The kernel keeps the cursor between two recv calls, so we hand the thread back to the event loop after
 * every few of them. The socket never blocks; an answer that stops coming ends at a deadline.
 */
import { setImmediate as nextTurn, setTimeout as pause } from "node:timers/promises";
import { type Libc, loadLibc } from "./libc.ts";
import { inNetworkNamespace } from "./network-namespace.ts";
import { type Reading, type Refusal, read, refused } from "./reading.ts";

/** TCP states as a mask: bit n = state n. The twelve states that ss shows. */
const ALL_STATES = 0xfff;
export const LISTEN_STATE = 1 << 10;
export const TIME_WAIT_STATE = 1 << 6;

export interface SockDiagQuery {
	/** Whose network namespace, if not ours. */
	readonly namespaceOf?: number;
	/** Mask of states, default ALL_STATES. */
	readonly states?: number;
	/** Only sockets whose peer has this port. */
	readonly peerPort?: number;
	/** Rows taken at most, over both families. */
	readonly rowsMax: number;
	readonly signal?: AbortSignal;
}

export interface SockDiagDump {
	/** Netlink messages: the IPv4 dump with its end, then the IPv6 dump with its end. */
	readonly bytes: Uint8Array;
	readonly rows: number;
	/** Present when rows are missing: the reason. */
	readonly truncated?: string;
	/** Present when the table changed in a way that may have lost or doubled rows. */
	readonly note?: string;
}

const AF_NETLINK = 16;
const SOCK_RAW_CLOEXEC_NONBLOCK = 3 | 0x80000 | 0x800;
const NETLINK_SOCK_DIAG = 4;
const FAMILIES = [2, 10] as const;
const REQUEST_BYTES = 72;
const HEADER_BYTES = 16;
const TYPE_ERROR = 2;
const TYPE_DONE = 3;
const TYPE_SOCKET = 20;
const FLAG_DUMP_INTERRUPTED = 0x10;
const EAGAIN = 11;
const EINTR = 4;
const ENOENT = 2;
const ENOBUFS = 105;

/** Room kept for one recv; the kernel fills at most 32 kB. */
const RECV_BYTES = 65536;
const FIRST_BUFFER_BYTES = 1 << 20;
/** Turns of the event loop are given after so many recv calls: about 1 ms of kernel work. */
const RECVS_PER_TURN = 16;
/** An interrupted dump is asked for again so often. */
const DUMP_ATTEMPTS_MAX = 3;
/** Without an answer for so long the dump is given up. */
const SILENCE_MS_MAX = 2000;
const SILENCE_STEP_MS = 5;

/** Dumps IPv4 and IPv6 TCP sockets. Rejects only when `signal` says stop. */
export async function dumpSockets(query: SockDiagQuery): Promise<Reading<SockDiagDump>> {
	const libc = await loadLibc();
	if (libc.kind === "refused") return libc;
	const opened = openSockDiag(libc.value, query.namespaceOf);
	if (opened.kind === "refused") return opened;
	const dump = new Dump(libc.value, opened.value, query);
	try {
		return await dump.run();
	} finally {
		libc.value.close(opened.value);
	}
}

/** A socket that asks the kernel about sockets, in the namespace of `namespaceOf`. The caller closes it. */
export function openSockDiag(libc: Libc, namespaceOf: number | undefined): Reading<number> {
	const open = () => {
		const fd = libc.socket(AF_NETLINK, SOCK_RAW_CLOEXEC_NONBLOCK, NETLINK_SOCK_DIAG);
		return { fd, errno: fd < 0 ? libc.errno() : 0 };
	};
	const opened = namespaceOf === undefined ? read(open()) : inNetworkNamespace(libc, namespaceOf, open);
	if (opened.kind === "refused") return opened;
	const { fd, errno } = opened.value;
	if (fd >= 0) return read(fd);
	return refused("unsupported", `this kernel gives no NETLINK_SOCK_DIAG socket: ${libc.errorName(errno)}`);
}

/** What one recv brought. */
type Received =
	| { readonly kind: "more" }
	| { readonly kind: "done" }
	| { readonly kind: "error"; readonly errno: number };

/** One run over both families, into one growing buffer. */
class Dump {
	readonly #libc: Libc;
	readonly #fd: number;
	readonly #query: SockDiagQuery;
	#buffer = Buffer.allocUnsafe(FIRST_BUFFER_BYTES);
	#size = 0;
	#rows = 0;
	#interrupted = false;
	#sequence = 0;

	constructor(libc: Libc, fd: number, query: SockDiagQuery) {
		this.#libc = libc;
		this.#fd = fd;
		this.#query = query;
	}

	async run(): Promise<Reading<SockDiagDump>> {
		let note: string | undefined;
		const refusals: Refusal[] = [];
		for (const family of FAMILIES) {
			const refusal = await this.#dumpFamily(family);
			if (refusal !== undefined) refusals.push(refusal);
			if (this.#interrupted) {
				note = `the socket table changed during each of ${DUMP_ATTEMPTS_MAX} dumps: single rows may be missing or double`;
			}
			if (this.#rows >= this.#query.rowsMax) break;
		}
		const [first] = refusals;
		if (first !== undefined && (this.#rows === 0 || first.code !== "unsupported")) return first;
		const full = this.#rows >= this.#query.rowsMax;
		return read({
			bytes: this.#buffer.subarray(0, this.#size),
			rows: this.#rows,
			...(full ? { truncated: `stopped at the bound of ${this.#query.rowsMax} sockets` } : {}),
			...(note === undefined ? {} : { note }),
		});
	}

	async #dumpFamily(family: number): Promise<Refusal | undefined> {
		const { size, rows } = { size: this.#size, rows: this.#rows };
		for (let attempt = 1; ; attempt++) {
			this.#size = size;
			this.#rows = rows;
			this.#interrupted = false;
			this.#query.signal?.throwIfAborted();
			const refusal = this.#request(family) ?? (await this.#receive());
			if (refusal !== undefined || !this.#interrupted || attempt === DUMP_ATTEMPTS_MAX) return refusal;
		}
	}

	#request(family: number): Refusal | undefined {
		this.#sequence++;
		const request = buildRequest(family, this.#query, this.#sequence);
		if (this.#libc.send(this.#fd, request, request.length, 0) === request.length) return undefined;
		return refused(
			"failed",
			`the kernel takes no socket dump request: ${this.#libc.errorName(this.#libc.errno())}`,
		);
	}

	async #receive(): Promise<Refusal | undefined> {
		let silenceMs = 0;
		for (let recvs = 1; ; recvs++) {
			this.#makeRoom();
			const room = this.#buffer.subarray(this.#size);
			const count = this.#libc.recv(this.#fd, room, room.length, 0);
			if (count > 0) {
				silenceMs = 0;
				const received = this.#take(count);
				if (received.kind === "error") return this.#explain(received.errno);
				if (received.kind === "done" || this.#rows >= this.#query.rowsMax) return undefined;
				if (recvs % RECVS_PER_TURN === 0) await nextTurn();
			} else {
				const errno = count < 0 ? this.#libc.errno() : EAGAIN;
				if (errno === ENOBUFS) this.#interrupted = true;
				else if (errno !== EAGAIN && errno !== EINTR) return this.#explain(errno);
				if (silenceMs >= SILENCE_MS_MAX) {
					return refused("failed", `the kernel's socket dump stopped for ${SILENCE_MS_MAX} ms`);
				}
				silenceMs += SILENCE_STEP_MS;
				await pause(SILENCE_STEP_MS);
			}
			this.#query.signal?.throwIfAborted();
		}
	}

	/** Walks over the messages just received and keeps the whole ones. */
	#take(count: number): Received {
		const end = this.#size + count;
		while (this.#size + HEADER_BYTES <= end) {
			const at = this.#size;
			const length = this.#buffer.readUInt32LE(at);
			if (length < HEADER_BYTES || at + length > end) return { kind: "error", errno: 0 };
			const type = this.#buffer.readUInt16LE(at + 4);
			if ((this.#buffer.readUInt16LE(at + 6) & FLAG_DUMP_INTERRUPTED) !== 0) this.#interrupted = true;
			this.#size = Math.min(end, at + ((length + 3) & ~3));
			if (type === TYPE_SOCKET) {
				this.#rows++;
				if (this.#rows >= this.#query.rowsMax) return { kind: "done" };
			}
			if (type === TYPE_DONE) return { kind: "done" };
			if (type === TYPE_ERROR) return { kind: "error", errno: -this.#buffer.readInt32LE(at + HEADER_BYTES) };
		}
		return { kind: "more" };
	}

	#makeRoom(): void {
		if (this.#buffer.length - this.#size >= RECV_BYTES) return;
		const larger = Buffer.allocUnsafe(this.#buffer.length * 2);
		this.#buffer.copy(larger, 0, 0, this.#size);
		this.#buffer = larger;
	}

	#explain(errno: number): Refusal {
		if (errno === ENOENT) return refused("unsupported", "this kernel has no TCP socket dump (inet_diag)");
		const name = errno === 0 ? "a broken message" : this.#libc.errorName(errno);
		return refused("failed", `the kernel's socket dump failed: ${name}`);
	}
}

function buildRequest(family: number, { states, peerPort }: SockDiagQuery, sequence: number): Buffer {
	const request = Buffer.alloc(REQUEST_BYTES);
	request.writeUInt32LE(REQUEST_BYTES, 0);
	request.writeUInt16LE(TYPE_SOCKET, 4);
	request.writeUInt16LE(0x301, 6);
	request.writeUInt32LE(sequence, 8);
	request[16] = family;
	request[17] = 6;
	request[18] = 2;
	request.writeUInt32LE(states ?? ALL_STATES, 20);
	request.writeUInt16BE(peerPort ?? 0, 26);
	return request;
}
