/**
 * The listening sockets of a gateway, one a listener and worker slot. They stay open here whoever serves them, so that
 * the accept queue of a worker that ends is there for the next one.
 */
import { rmSync } from "node:fs";
import { placeText } from "./config-units.ts";
import type { GatewaySettings } from "./settings.ts";
import type { SocketLibc } from "./supervisor-libc.ts";
import { type Listening, listenAt, listenBeside } from "./supervisor-listen.ts";
import { ADMIN_SOCKET, type ListeningPlace, type ListenSockets } from "./worker-contract.ts";

/** A listener as far as sockets go. */
interface Wanted {
	readonly name: string;
	readonly host: string | undefined;
	readonly port: number | undefined;
	readonly path: string | undefined;
	/** One for all of them: a unix socket, and admin, which the first worker has alone. */
	readonly isSingle: boolean;
}

/** A socket on its way from one gateway to the next one; `key` says what it was opened for. */
export interface InheritedSocket {
	readonly key: string;
	readonly place: string;
	readonly fd: number;
}

export class GatewaySockets {
	readonly #libc: SocketLibc;
	readonly #slots: number;
	readonly #open = new Map<string, Listening>();

	constructor(libc: SocketLibc, slots: number) {
		this.#libc = libc;
		this.#slots = slots;
	}

	/** Those of the process before. What nobody wants any more is closed by `release`. */
	inherit(sockets: readonly InheritedSocket[]): void {
		for (const { key, place, fd: given } of sockets) {
			// A copy that workers do not get by accident: what they hold could not be closed any more.
			const fd = this.#libc.duplicate(given);
			this.#libc.close(given);
			const known = this.#open.get(key);
			this.#open.set(key, { place, fds: [...(known?.fds ?? []), fd] });
		}
	}

	/** Opens what is not there yet. Throws ListenRefused, and then has opened nothing. */
	ensure(settings: GatewaySettings): void {
		const keys: string[] = [];
		try {
			for (const wanted of wantedBy(settings)) {
				const key = keyOf(wanted);
				const known = this.#open.get(key);
				const count = wanted.isSingle ? 1 : this.#slots;
				if (known === undefined) {
					this.#open.set(
						key,
						listenAt(this.#libc, wanted, count, wanted.name === ADMIN_SOCKET ? "owner" : "mask"),
					);
					keys.push(key);
				} else if (known.fds.length < count) this.#open.set(key, this.#more(wanted, known, count));
			}
		} catch (error) {
			for (const key of keys) this.#close(key);
			throw error;
		}
	}

	/** Closes what these settings do not have, and sockets of slots that are no more. */
	release(settings: GatewaySettings): void {
		const wanted = new Map(wantedBy(settings).map((each) => [keyOf(each), each]));
		for (const [key, { fds, place }] of this.#open) {
			const each = wanted.get(key);
			if (each === undefined) this.#close(key);
			else {
				const count = each.isSingle ? 1 : this.#slots;
				for (const fd of fds.slice(count)) this.#libc.close(fd);
				this.#open.set(key, { place, fds: fds.slice(0, count) });
			}
		}
	}

	/** At the end: what nobody has a copy of is refused to clients from now on. */
	closeAll(): void {
		for (const key of [...this.#open.keys()]) this.#close(key);
	}

	/** The next process has its own copies, and the files of unix sockets are its now. */
	leave(): void {
		for (const { fds } of this.#open.values()) for (const fd of fds) this.#libc.close(fd);
		this.#open.clear();
	}

	/** Those of a slot, all or those of these names; they stay this process's own. */
	ofSlot(slot: number, settings: GatewaySettings, names?: readonly string[]): ListenSockets {
		const sockets = new Map<string, number>();
		for (const wanted of wantedBy(settings)) {
			if (names?.includes(wanted.name) === false) continue;
			const fds = this.#open.get(keyOf(wanted))?.fds ?? [];
			const fd = wanted.isSingle ? fds[0] : fds[slot];
			if (fd !== undefined && (slot === 0 || wanted.name !== ADMIN_SOCKET)) sockets.set(wanted.name, fd);
		}
		return sockets;
	}

	/** Copies for a server in this very process, which closes what it is given. */
	copies(slot: number, settings: GatewaySettings, names?: readonly string[]): ListenSockets {
		const own = [...this.ofSlot(slot, settings, names)];
		return new Map(own.map(([name, fd]) => [name, this.#libc.duplicate(fd)] as const));
	}

	places(settings: GatewaySettings): readonly ListeningPlace[] {
		return wantedBy(settings).flatMap((wanted) => {
			const place = this.#open.get(keyOf(wanted))?.place;
			return place === undefined ? [] : [{ listener: wanted.name, place }];
		});
	}

	/** All of them, for the next process. */
	all(): readonly InheritedSocket[] {
		return [...this.#open].flatMap(([key, { fds, place }]) => fds.map((fd) => ({ key, place, fd })));
	}

	#more(wanted: Wanted, known: Listening, count: number): Listening {
		const [first = -1] = known.fds;
		const added: number[] = [];
		while (known.fds.length + added.length < count) added.push(listenBeside(this.#libc, wanted, first));
		return { place: known.place, fds: [...known.fds, ...added] };
	}

	#close(key: string): void {
		const { fds, place } = this.#open.get(key) ?? { fds: [], place: "" };
		for (const fd of fds) this.#libc.close(fd);
		if (place.startsWith("unix:")) rmSync(place.slice("unix:".length), { force: true });
		this.#open.delete(key);
	}
}

function wantedBy({ listeners, tcp, admin }: GatewaySettings): readonly Wanted[] {
	const wanted = [...listeners, ...tcp].map(({ name, host, port, path }) => ({
		name,
		host,
		port,
		path,
		isSingle: path !== undefined,
	}));
	if (admin === undefined) return wanted;
	const { host, port, path } = admin;
	return [...wanted, { name: ADMIN_SOCKET, host, port, path, isSingle: true }];
}

/**
 * A listener that moves to another place has another socket; one of another name or kind at the same place takes over
 * the one that is there. Of ports that the system chooses each has its own.
 */
function keyOf(wanted: Wanted): string {
	return wanted.port === 0 ? `${wanted.name} ${placeText(wanted)}` : placeText(wanted);
}
