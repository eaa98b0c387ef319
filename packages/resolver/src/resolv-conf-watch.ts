/**
 * Watches a resolv.conf and tells when other servers stand in it than before, and which of them nobody knows.
 *
 *   something in a folder on the way changed ─┐
 *                                             ├─▶ look ── another text? ── look again, still that? ─▶ tell
 *   every few seconds, whatever happened ─────┘
 *
 * Folders are watched, not the file: an editor, NetworkManager and Kubernetes (`..data` swapped by a rename) put a new
 * file in its place, and a watch on the old one hears nothing ever after. And it polls besides: a file that was mounted
 * into a container is changed in a folder of the host, of which no watch in the container hears.
 *
 * A text must be seen twice in a row before it counts: whoever writes in place empties the file first.
 */
import { constants, type FSWatcher, watch } from "node:fs";
import { open, readlink, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import type { ResolverFacts } from "@plumbline/signals/process";
import { parseResolvConf } from "@plumbline/signals/resolv-conf";
import { realTimers, type Timers } from "./timers.ts";
import type { Trust } from "./trust.ts";

export type ResolvConfEvent =
	/** The first reading, and the first one after a gap that brought nothing new. */
	| { readonly kind: "read"; readonly facts: ResolverFacts; readonly strangers: readonly string[] }
	| {
			readonly kind: "changed";
			readonly before: ResolverFacts;
			readonly after: ResolverFacts;
			/** Servers of `after` that are not on the list of trust. */
			readonly strangers: readonly string[];
			/** Servers. Both are empty if only the search list or options changed. */
			readonly added: readonly string[];
			readonly removed: readonly string[];
	  }
	/** It is missing or cannot be read; it is looked for further on. */
	| { readonly kind: "gap"; readonly why: string };

export interface ResolvConfWatchOptions {
	/** Default `/etc/resolv.conf`. */
	readonly path?: string;
	readonly trust: Trust;
	/** In order, never two at a time. Must not throw. */
	readonly onEvent: (event: ResolvConfEvent) => void;
	readonly timers?: Timers;
	/** From a change until it is looked at, and between the two looks; default 50. */
	readonly settleMs?: number;
	/** Default 5000. */
	readonly pollMs?: number;
}

type Look = { readonly kind: "text"; readonly text: string } | { readonly kind: "gap"; readonly why: string };

const BYTES_MAX = 64 << 10;
const LINKS_MAX = 8;
/** A file that never stands still is taken as it is after so many looks. */
const LOOKS_MAX = 10;

/** Returns at once; the first event comes soon. It does not keep the process alive. */
export function watchResolvConf(options: ResolvConfWatchOptions): { close(): void } {
	const { path = "/etc/resolv.conf", timers = realTimers, settleMs = 50, pollMs = 5000 } = options;
	const tell = teller(options);
	const folders = new WatchedFolders(() => lookWithin(settleMs));
	let closed = false;
	let looking = false;
	let stirred = false;
	let candidate: Look | undefined;
	let looks = 0;
	let told: Look | undefined;
	let next: { readonly settling: boolean; readonly stop: () => void } | undefined;

	function lookWithin(ms: number): void {
		const settling = ms === settleMs;
		stirred ||= looking && settling;
		if (closed || looking || next?.settling) return;
		next?.stop();
		next = { settling, stop: timers.after(ms, () => void look()) };
	}

	async function look(): Promise<void> {
		looking = true;
		stirred = false;
		// First the watch, then the look: what changes between the two is heard.
		await folders.follow(path);
		const seen = await read(path);
		looking = false;
		next = undefined;
		if (closed) return;
		const isNew = told === undefined || !same(seen, told);
		const isSettled = told === undefined || (candidate !== undefined && same(seen, candidate));
		looks = isNew ? looks + 1 : 0;
		candidate = isNew ? seen : undefined;
		if (isNew && (isSettled || looks >= LOOKS_MAX)) {
			told = seen;
			candidate = undefined;
			tell(seen);
		}
		if (!closed) lookWithin(candidate !== undefined || stirred ? settleMs : pollMs);
	}

	void look();
	return {
		close() {
			closed = true;
			next?.stop();
			folders.close();
		},
	};
}

function teller({ trust, onEvent }: ResolvConfWatchOptions): (seen: Look) => void {
	let before: ResolverFacts | undefined;
	let inGap = true;
	return (seen) => {
		if (seen.kind === "gap") {
			inGap = true;
			onEvent(seen);
			return;
		}
		const after = parseResolvConf(seen.text);
		const strangers = after.nameservers.filter((server) => !trust.trusts(server));
		const isSame = before === undefined || JSON.stringify(before) === JSON.stringify(after);
		if (before !== undefined && !isSame) {
			const old = before.nameservers;
			const added = after.nameservers.filter((server) => !old.includes(server));
			const removed = old.filter((server) => !after.nameservers.includes(server));
			onEvent({ kind: "changed", before, after, strangers, added, removed });
		} else if (inGap) onEvent({ kind: "read", facts: after, strangers });
		inGap = false;
		before = after;
	};
}

/** The folders that lead to a file: its own, and that of each file it is a link to. */
class WatchedFolders {
	readonly #onChange: () => void;
	/** By device, inode and path: a folder that was replaced is another one. */
	readonly #watchers = new Map<string, FSWatcher>();
	#closed = false;

	constructor(onChange: () => void) {
		this.#onChange = onChange;
	}

	async follow(path: string): Promise<void> {
		const wanted = new Map<string, string>();
		let file: string | undefined = resolve(path);
		for (let links = 0; file !== undefined && links <= LINKS_MAX; links++) {
			const folder = dirname(file);
			const found = await stat(folder).catch(() => undefined);
			if (found !== undefined) wanted.set(`${found.dev}:${found.ino}:${folder}`, folder);
			const target: string | undefined = await readlink(file).catch(() => undefined);
			file = target === undefined ? undefined : resolve(folder, target);
		}
		for (const [key, watcher] of this.#watchers) if (!wanted.has(key)) this.#drop(key, watcher);
		for (const [key, folder] of wanted) if (!this.#watchers.has(key)) this.#watch(key, folder);
	}

	close(): void {
		this.#closed = true;
		for (const [key, watcher] of this.#watchers) this.#drop(key, watcher);
	}

	/** A folder that cannot be watched (no inotify instance left) is polled like the rest. */
	#watch(key: string, folder: string): void {
		if (this.#closed) return;
		try {
			const watcher = watch(folder, { persistent: false }, this.#onChange);
			watcher.on("error", () => this.#drop(key, watcher));
			this.#watchers.set(key, watcher);
		} catch {
			// Polled; tried again at the next look.
		}
	}

	#drop(key: string, watcher: FSWatcher): void {
		watcher.close();
		this.#watchers.delete(key);
	}
}

async function read(path: string): Promise<Look> {
	try {
		// Without O_NONBLOCK a FIFO in its place would hold a thread for ever.
		await using file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
		if (!(await file.stat()).isFile()) return { kind: "gap", why: `${path} is no regular file` };
		const bytes = new Uint8Array(BYTES_MAX + 1);
		const { bytesRead } = await file.read(bytes, 0, bytes.length, 0);
		if (bytesRead > BYTES_MAX) return { kind: "gap", why: `${path} is larger than ${BYTES_MAX} bytes` };
		return { kind: "text", text: new TextDecoder().decode(bytes.subarray(0, bytesRead)) };
	} catch (error) {
		return { kind: "gap", why: error instanceof Error ? error.message : String(error) };
	}
}

function same(left: Look, right: Look): boolean {
	return left.kind === "text"
		? right.kind === "text" && left.text === right.text
		: right.kind === "gap" && left.why === right.why;
}
