/** Dials and connections that a test answers, ends and breaks by hand, for what stands above connections. */
import type { FieldPairs, HeadEdits, RequestHead } from "../message.ts";
import type { ClientStream, Failure, ResponseReceiver } from "../stream.ts";
import type { ConnectionOwner, Dial, DialTarget, UpstreamConnection } from "../upstream-connection.ts";

export class FakeConnection implements UpstreamConnection {
	readonly multiplexes: boolean;
	readonly times = { beganMs: 0, connectedMs: 0, securedMs: undefined };
	readonly localPort = 1;
	served = 0;
	open = 0;
	isRetired = false;
	isClosed = false;
	roomMax: number;
	/** Of exchanges under way, the oldest first. */
	readonly receivers: ResponseReceiver[] = [];
	readonly heads: RequestHead[] = [];
	readonly #owner: ConnectionOwner;
	readonly #dials: FakeDials;

	constructor(owner: ConnectionOwner, dials: FakeDials, roomMax: number | undefined) {
		this.#owner = owner;
		this.#dials = dials;
		this.multiplexes = roomMax !== undefined;
		this.roomMax = roomMax ?? 1;
	}

	get room(): number {
		return this.isRetired || this.isClosed ? 0 : this.roomMax - this.open;
	}

	begin(receiver: ResponseReceiver): ClientStream {
		if (this.room <= 0) throw new Error("begun without room");
		this.served++;
		this.open++;
		this.receivers.push(receiver);
		return new FakeStream(this.heads);
	}

	/** The oldest exchange on it ends well. */
	finish(): void {
		this.receivers.shift();
		this.open--;
		this.#owner.roomChanged(this);
		if (this.isRetired && this.open === 0) this.#close();
	}

	/** The peer says that it takes so many from now on. */
	allow(roomMax: number): void {
		this.roomMax = roomMax;
		this.#owner.roomChanged(this);
	}

	retire(): void {
		this.isRetired = true;
		if (this.open === 0) this.#close();
	}

	destroy(): void {
		this.#close();
	}

	/** The peer closes it. */
	drop(): void {
		this.#close();
	}

	#close(): void {
		if (this.isClosed) return;
		this.isClosed = true;
		this.#dials.later(() => {
			this.open = 0;
			this.#dials.connections.delete(this);
			this.#owner.closed(this);
		});
	}
}

interface PendingDial {
	readonly target: DialTarget;
	readonly owner: ConnectionOwner;
}

export class FakeDials {
	readonly pending: PendingDial[] = [];
	readonly connections = new Set<FakeConnection>();
	/** Connections tell of their end only when `tellClosed` is called. */
	closesLate = false;
	dialled = 0;
	readonly #late: (() => void)[] = [];

	readonly dial: Dial = (target, owner) => {
		this.dialled++;
		const pending = { target, owner };
		this.pending.push(pending);
		return {
			abandon: () => {
				const at = this.pending.indexOf(pending);
				if (at >= 0) this.pending.splice(at, 1);
			},
		};
	};

	/** The oldest dial succeeds. With `roomMax` the connection carries so many exchanges at a time. */
	succeed(roomMax?: number): FakeConnection {
		const { owner } = this.#next();
		const connection = new FakeConnection(owner, this, roomMax);
		this.connections.add(connection);
		owner.ready(connection);
		return connection;
	}

	/** The oldest dial fails. */
	fail(failure: Failure = { kind: "connect", detail: "refused" }): void {
		this.#next().owner.failed(failure);
	}

	tellClosed(): void {
		for (const tell of this.#late.splice(0)) tell();
	}

	later(tell: () => void): void {
		if (this.closesLate) this.#late.push(tell);
		else tell();
	}

	#next(): PendingDial {
		const next = this.pending.shift();
		if (next === undefined) throw new Error("nobody dials");
		return next;
	}
}

class FakeStream implements ClientStream {
	readonly unsent = false;
	readonly #heads: RequestHead[];

	constructor(heads: RequestHead[]) {
		this.#heads = heads;
	}

	head(head: RequestHead, _edits: HeadEdits): void {
		this.#heads.push(head);
	}

	data(_bytes: Uint8Array): boolean {
		return true;
	}

	end(_trailers: FieldPairs | undefined): void {}

	reset(_failure: Failure): void {}

	flush(): void {}

	pause(): void {}

	resume(): void {}
}
