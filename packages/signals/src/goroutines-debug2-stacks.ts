/**
 * Distinct stacks as a tree of calls, innermost at the top: a stack is a path, so equal stacks end in
 * the same node and need no comparison of their own.
 *
 *     (top) ─ runtime.gopark ─┬─ main.worker ─ created by main.main        stack 0
 *                             └─ net.(*conn).Read ─ main.serve ─ created by …  stack 1
 *
 * Each node remembers the child taken last. In a real dump that is nearly always the next line, and
 * `follow` checks it by comparing bytes: no hash, no string, no look-up.
 */

import type { Frame, Stack } from "./goroutines.ts";
import {
	COLON,
	isDigit,
	NEWLINE,
	PAREN_CLOSE,
	PAREN_OPEN,
	RETURN,
	SPACE,
	TAB,
} from "./goroutines-debug2-bytes.ts";
import { doubled } from "./goroutines-debug2-columns.ts";
import { creatorSuffix } from "./goroutines-debug2-creator.ts";
import type { SpanTable } from "./goroutines-debug2-spans.ts";

/** `main.work(0x1, ...)` and its file line. */
export const CALL = 1;
/** A line with a name only: C functions. */
export const BARE = 2;
/** `created by main.main in goroutine 1` and its file line; the span includes `created by `. */
export const CREATED = 3;
/** `...23 frames elided...` */
export const ELIDED = 4;

/** The node above every innermost call; a goroutine without frames ends here. */
export const TOP = 0;
/** In place of a file span: the frame has none. */
export const NO_FILE = 0xffff_ffff;

/** See PROBES_MAX in goroutines-debug2-spans.ts: colliding nodes are duplicated, never merged. */
const PROBES_MAX = 256;

const NODES_AT_START = 1024;
const CREATED_BY_LENGTH = "created by ".length;

export class StackTree {
	readonly #bytes: Uint8Array;
	readonly #spans: SpanTable;
	#count = 1;
	#parent = new Uint32Array(NODES_AT_START);
	#kind = new Uint8Array(NODES_AT_START);
	/** Span of the function name; of the whole line for ELIDED. */
	#func = new Uint32Array(NODES_AT_START);
	/** Span of `FILE:LINE`, or NO_FILE. */
	#file = new Uint32Array(NODES_AT_START);
	/** The child followed or made last; 0 is none. */
	lastChild = new Uint32Array(NODES_AT_START);
	/** Stack number + 1 of the path that ends here; 0 is none yet. */
	#stackOf = new Uint32Array(NODES_AT_START);
	#slots = new Uint32Array(NODES_AT_START * 2);
	/** Last node of each stack. */
	readonly #leaves: number[] = [];

	constructor(bytes: Uint8Array, spans: SpanTable) {
		this.#bytes = bytes;
		this.#spans = spans;
	}

	/**
	 * If the lines at `at` are the call of `node`, whole: the start of the line after them; else -1.
	 * -1 also for what is rare (calls without a file line, elisions): the caller reads those itself.
	 */
	follow(node: number, at: number): number {
		const bytes = this.#bytes;
		const file = this.#file[node] ?? NO_FILE;
		if (file === NO_FILE) return -1;
		let p = this.#past(this.#func[node] ?? 0, at);
		if (p < 0) return -1;
		const kind = this.#kind[node];
		if (kind === CALL) {
			if (bytes[p] !== PAREN_OPEN) return -1;
			// Names end at the last parenthesis that opens, so a second one means another name.
			let byte = bytes[++p];
			while (byte !== NEWLINE) {
				if (byte === undefined || byte === PAREN_OPEN) return -1;
				byte = bytes[++p];
			}
			if (bytes[bytes[p - 1] === RETURN ? p - 2 : p - 1] !== PAREN_CLOSE) return -1;
		} else {
			if (kind === CREATED && bytes[p] === SPACE) p = creatorSuffix(bytes, p);
			if (p < 0) return -1;
			if (bytes[p] === RETURN) p++;
			if (bytes[p] !== NEWLINE) return -1;
		}
		if (bytes[++p] !== TAB) return -1;
		p = this.#past(file, p + 1);
		if (p < 0) return -1;
		let byte = bytes[p];
		if (isDigit(byte)) return -1;
		// A later colon would mean that the line number is elsewhere.
		while (byte !== NEWLINE) {
			if (byte === undefined || byte === COLON) return -1;
			byte = bytes[++p];
		}
		this.lastChild[this.#parent[node] ?? TOP] = node;
		return p + 1;
	}

	isCreated(node: number): boolean {
		return this.#kind[node] === CREATED;
	}

	/** The child of `node` for this call, made if new. */
	child(node: number, kind: number, func: number, file: number): number {
		const mask = this.#slots.length - 1;
		let slot = hashOf(node, kind, func, file) & mask;
		let free = -1;
		for (let probe = 1; probe <= PROBES_MAX; probe++) {
			const taken = this.#slots[slot] ?? 0;
			if (taken === 0) {
				free = slot;
				break;
			}
			if (this.#is(taken, node, kind, func, file)) return this.#remember(node, taken);
			slot = (slot + probe) & mask;
		}
		return this.#remember(node, this.#add(node, kind, func, file, free));
	}

	/** The stack that ends at `node`, numbered when first seen. */
	stackAt(node: number): number {
		const known = this.#stackOf[node] ?? 0;
		if (known !== 0) return known - 1;
		this.#stackOf[node] = this.#leaves.push(node);
		return this.#leaves.length - 1;
	}

	/** All stacks, in the order of their numbers. Equal frames are one object. */
	stacks(): Stack[] {
		const frames = new Map<string, Frame>();
		return this.#leaves.map((leaf, id) => this.#stack(leaf, id, frames));
	}

	#stack(leaf: number, id: number, known: Map<string, Frame>): Stack {
		const path: number[] = [];
		for (let node = leaf; node !== TOP; node = this.#parent[node] ?? TOP) path.push(node);
		const frames: Frame[] = [];
		let createdBy: Frame | undefined;
		let elided: Stack["elided"];
		for (const node of path.reverse()) {
			const kind = this.#kind[node];
			if (kind === CREATED) createdBy = this.#frame(node, known);
			else if (kind !== ELIDED) frames.push(this.#frame(node, known));
			else elided ??= { after: frames.length - 1, ...elidedCount(this.#spans.text(this.#func[node] ?? 0)) };
		}
		return { id, frames, ...(createdBy && { createdBy }), ...(elided && { elided }) };
	}

	#frame(node: number, known: Map<string, Frame>): Frame {
		const func = this.#func[node] ?? 0;
		const file = this.#file[node] ?? NO_FILE;
		const key = `${func} ${file}`;
		let frame = known.get(key);
		if (frame === undefined) {
			const name = this.#spans.text(func);
			const place = file === NO_FILE ? "" : this.#spans.text(file);
			const colon = place.lastIndexOf(":");
			frame = {
				func: this.#kind[node] === CREATED ? name.slice(CREATED_BY_LENGTH) : name,
				file: place.slice(0, Math.max(colon, 0)),
				line: Number(place.slice(colon + 1)),
			};
			known.set(key, frame);
		}
		return frame;
	}

	/** The index past the bytes of `span` if they stand at `at`, else -1. */
	#past(span: number, at: number): number {
		const bytes = this.#bytes;
		const end = this.#spans.ends[span] ?? 0;
		for (let known = this.#spans.starts[span] ?? 0; known < end; known++, at++) {
			if (bytes[known] !== bytes[at]) return -1;
		}
		return at;
	}

	#is(it: number, node: number, kind: number, func: number, file: number): boolean {
		return (
			this.#parent[it] === node &&
			this.#func[it] === func &&
			this.#file[it] === file &&
			this.#kind[it] === kind
		);
	}

	#remember(parent: number, node: number): number {
		this.lastChild[parent] = node;
		return node;
	}

	#add(parent: number, kind: number, func: number, file: number, slot: number): number {
		const node = this.#count++;
		if (node >= this.#parent.length) this.#grow();
		this.#parent[node] = parent;
		this.#kind[node] = kind;
		this.#func[node] = func;
		this.#file[node] = file;
		if (slot >= 0) this.#slots[slot] = node;
		if (this.#count * 2 > this.#slots.length) this.#rehash();
		return node;
	}

	#grow(): void {
		this.#parent = doubled(this.#parent);
		this.#kind = doubled(this.#kind);
		this.#func = doubled(this.#func);
		this.#file = doubled(this.#file);
		this.lastChild = doubled(this.lastChild);
		this.#stackOf = doubled(this.#stackOf);
	}

	#rehash(): void {
		const slots = new Uint32Array(this.#slots.length * 2);
		const mask = slots.length - 1;
		for (let node = 1; node < this.#count; node++) {
			const parent = this.#parent[node] ?? 0;
			let slot = hashOf(parent, this.#kind[node] ?? 0, this.#func[node] ?? 0, this.#file[node] ?? 0) & mask;
			for (let probe = 1; probe <= PROBES_MAX; probe++) {
				if (slots[slot] === 0) {
					slots[slot] = node;
					break;
				}
				slot = (slot + probe) & mask;
			}
		}
		this.#slots = slots;
	}
}

function hashOf(node: number, kind: number, func: number, file: number): number {
	let hash = Math.imul(node ^ 0x9e3779b9, 0x85ebca6b);
	hash = Math.imul((hash ^ (hash >>> 13)) + func, 0xc2b2ae35);
	hash = Math.imul((hash ^ (hash >>> 16)) + file, 0x27d4eb2f) + kind;
	return hash ^ (hash >>> 15);
}

function elidedCount(line: string): { count?: number } {
	const count = /\d+/.exec(line);
	return count ? { count: Number(count[0]) } : {};
}
