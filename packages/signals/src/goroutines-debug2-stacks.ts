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
import { COLON, NEWLINE, PAREN_CLOSE, PAREN_OPEN, RETURN, SPACE, TAB } from "./goroutines-debug2-bytes.ts";
import { doubled } from "./goroutines-debug2-columns.ts";
import { creatorSuffix } from "./goroutines-debug2-creator.ts";
import { NONE, Slots } from "./goroutines-debug2-slots.ts";
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

const NODES_AT_START = 1024;
const CREATED_BY_LENGTH = "created by ".length;

export class StackTree {
	readonly #bytes: Uint8Array;
	readonly #spans: SpanTable;
	readonly #slots = new Slots();
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
	/** Last node of each stack. */
	readonly #leaves: number[] = [];

	constructor(bytes: Uint8Array, spans: SpanTable) {
		this.#bytes = bytes;
		this.#spans = spans;
		// TOP is a node like any other, with a kind that no call has.
		this.#add(0, TOP, 0, 0, 0);
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
		p = kind === CALL ? pastArguments(bytes, p) : pastName(bytes, p, kind === CREATED);
		if (p < 0 || bytes[p] !== TAB) return -1;
		p = this.#past(file, p + 1);
		return p < 0 ? -1 : pastPlace(bytes, p);
	}

	isCreated(node: number): boolean {
		return this.#kind[node] === CREATED;
	}

	/** The child of `node` for this call, made if new. */
	child(node: number, kind: number, func: number, file: number): number {
		const hash = hashOf(node, kind, func, file);
		const known = this.#slots.find(hash, (it) => this.#is(it, node, kind, func, file));
		const child = known === NONE ? this.#add(hash, node, kind, func, file) : known;
		this.lastChild[node] = child;
		return child;
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

	#add(hash: number, parent: number, kind: number, func: number, file: number): number {
		const node = this.#slots.add(hash);
		if (node >= this.#parent.length) this.#grow();
		this.#parent[node] = parent;
		this.#kind[node] = kind;
		this.#func[node] = func;
		this.#file[node] = file;
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
}

/** Past the line whose function name ends at `at`, if arguments follow to its end; else -1. */
function pastArguments(bytes: Uint8Array, at: number): number {
	if (bytes[at] !== PAREN_OPEN) return -1;
	let p = at + 1;
	// Names end at the last parenthesis that opens, so a second one means another name.
	for (let byte = bytes[p]; byte !== NEWLINE; byte = bytes[++p]) {
		if (byte === undefined || byte === PAREN_OPEN) return -1;
	}
	return bytes[bytes[p - 1] === RETURN ? p - 2 : p - 1] === PAREN_CLOSE ? p + 1 : -1;
}

/** Past the line whose name ends at `at`, if nothing but a creator's id follows; else -1. */
function pastName(bytes: Uint8Array, at: number, created: boolean): number {
	let p = created && bytes[at] === SPACE ? creatorSuffix(bytes, at) : at;
	if (p >= 0 && bytes[p] === RETURN) p++;
	return p >= 0 && bytes[p] === NEWLINE ? p + 1 : -1;
}

/** Past the place line whose line number ends at `at`, if it does end there; else -1. */
function pastPlace(bytes: Uint8Array, at: number): number {
	let p = at;
	let byte = bytes[p];
	if (byte !== SPACE && byte !== RETURN && byte !== NEWLINE) return -1;
	// A later colon would mean that the line number is elsewhere.
	for (; byte !== NEWLINE; byte = bytes[++p]) {
		if (byte === undefined || byte === COLON) return -1;
	}
	return p + 1;
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
