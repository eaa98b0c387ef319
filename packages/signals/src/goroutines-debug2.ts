/**
 * Decodes a full goroutine dump: /debug/pprof/goroutine?debug=2, runtime.Stack(buf, true), or the
 * trace of a panic or SIGQUIT.
 *
 *     goroutine 34 [select, 2 minutes]:
 *     database/sql.(*DB).connectionOpener(0xc000134000, {0x7a1e58, 0xc00011a050})
 *     	/usr/local/go/src/database/sql/sql.go:1261 +0x87
 *     created by database/sql.OpenDB in goroutine 1
 *     	/usr/local/go/src/database/sql/sql.go:841 +0x130
 *
 *     goroutine 35 [chan receive]:
 *     …
 *
 * Specification: src/runtime/traceback.go and src/runtime/pprof/pprof.go of Go 1.19.8, 1.26.8 and
 * 1.27.1. Grammar of the parts: goroutines-debug2-header.ts, -lines.ts, -labels.ts.
 *
 *     DUMP      := {other text} GOROUTINE {blank GOROUTINE} {other text}
 *     GOROUTINE := HEADER {FRAME | ELIDED} [CREATED] {ANCESTOR}
 *
 * How a dump may lie: net/http/pprof stops at exactly 64 MiB without a word; "N minutes" counts from a
 * garbage collection; arguments marked "?" are stale; goroutines of the runtime are left out.
 */
import type { Decoded } from "./decoded.ts";
import { Flaws } from "./flaws.ts";
import {
	GOROUTINE_LOCKED_TO_THREAD,
	GOROUTINE_STACK_UNAVAILABLE,
	type GoroutineTable,
	type Labels,
} from "./goroutines.ts";
import { BodyReader } from "./goroutines-debug2-body.ts";
import { isDigit, lineEnd, NEWLINE, startsWith, textEnd, textOf } from "./goroutines-debug2-bytes.ts";
import { GoroutineColumns } from "./goroutines-debug2-columns.ts";
import { GOROUTINE, Header, type Status, splitStatus } from "./goroutines-debug2-header.ts";
import { parseLabels } from "./goroutines-debug2-labels.ts";
import { firstArgument, quoteGoroutine } from "./goroutines-debug2-reread.ts";
import { SpanTable } from "./goroutines-debug2-spans.ts";
import { StackTree, TOP } from "./goroutines-debug2-stacks.ts";
import { quoteBytes } from "./quote-bytes.ts";

/** Offsets are kept in 32 bits; what lies beyond 4 GiB is reported as cut. */
const BYTES_MAX = 0xffff_fffe;
/** writeGoroutineStacks gives up growing its buffer here and writes what fits. */
const PPROF_BYTES_MAX = 64 * 1024 * 1024;
/** Go has about 50 states. A dump with more than this is not from Go; the rest share OTHER_STATE. */
const STATES_MAX = 1000;
const OTHER_STATE = "(other state)";

export function decodeGoroutinesDebug2(bytes: Uint8Array): Decoded<GoroutineTable> {
	return new DumpReader(bytes.subarray(0, BYTES_MAX)).decode(bytes.length);
}

class DumpReader {
	readonly #bytes: Uint8Array;
	readonly #flaws = new Flaws();
	readonly #columns: GoroutineColumns;
	readonly #header = new Header();
	readonly #spans: SpanTable;
	readonly #tree: StackTree;
	readonly #body: BodyReader;
	readonly #states: string[] = [];
	/** By span of the raw status. */
	readonly #statuses = new Map<number, { readonly state: number; readonly flags: number }>();
	readonly #labels: Labels[] = [];
	/** By span of the printed labels: index + 1 into #labels, 0 if unreadable. */
	readonly #labelsBySpan = new Map<number, number>();
	/** After a broken header: its frames belong to nobody, and one flaw has said so. */
	#lost = false;
	#recognised = false;

	constructor(bytes: Uint8Array) {
		this.#bytes = bytes;
		this.#columns = new GoroutineColumns(bytes.length);
		this.#spans = new SpanTable(bytes);
		this.#tree = new StackTree(bytes, this.#spans);
		this.#body = new BodyReader(bytes, this.#spans, this.#tree, this.#flaws);
	}

	decode(length: number): Decoded<GoroutineTable> {
		const bytes = this.#bytes;
		for (let p = 0; p < bytes.length; ) {
			if (bytes[p] === NEWLINE) p++;
			else p = startsWith(bytes, p, GOROUTINE) ? this.#goroutine(p) : this.#otherText(p);
		}
		if (!this.#recognised) return { kind: "foreign", found: quoteBytes(bytes, 0, bytes.length) };
		this.#checkEnd(length);
		return { kind: "decoded", value: this.#table(), flaws: this.#flaws.list() };
	}

	#goroutine(at: number): number {
		const bytes = this.#bytes;
		const newline = lineEnd(bytes, at);
		if (!this.#header.read(bytes, at, newline)) return this.#brokenHeader(at, newline);
		this.#recognised = true;
		this.#lost = false;
		const next = this.#body.read(Math.min(newline + 1, bytes.length));
		this.#add(at);
		if (next >= bytes.length && this.#body.node === TOP && !this.#body.unavailable) {
			this.#flaws.truncated("the dump ends after a goroutine's header", at);
		}
		return next;
	}

	#add(at: number): void {
		const columns = this.#columns;
		const header = this.#header;
		const row = columns.add();
		const status = this.#status(this.#spans.intern(header.statusStart, header.statusEnd));
		let { flags } = status;
		if (header.locked) flags |= GOROUTINE_LOCKED_TO_THREAD;
		if (this.#body.unavailable) flags |= GOROUTINE_STACK_UNAVAILABLE;
		columns.goid[row] = header.goid;
		columns.stackOf[row] = this.#tree.stackAt(this.#body.node);
		columns.stateOf[row] = status.state;
		columns.minutes[row] = header.minutes;
		columns.flags[row] = flags;
		columns.creatorGoid[row] = this.#body.creatorGoid;
		columns.offset[row] = at;
		if (header.labelsEnd > 0) columns.labelsOf[row] = this.#labelsAt(header.labelsStart, header.labelsEnd);
	}

	#status(span: number): { readonly state: number; readonly flags: number } {
		let status = this.#statuses.get(span);
		if (status === undefined) {
			const { state, flags }: Status = splitStatus(this.#spans.text(span));
			status = { state: this.#state(state), flags };
			this.#statuses.set(span, status);
		}
		return status;
	}

	#state(name: string): number {
		const shown = this.#states.length < STATES_MAX ? name : OTHER_STATE;
		const known = this.#states.indexOf(shown);
		return known >= 0 ? known : this.#states.push(shown) - 1;
	}

	#labelsAt(start: number, end: number): number {
		const span = this.#spans.intern(start, end);
		let index = this.#labelsBySpan.get(span);
		if (index === undefined) {
			const labels = parseLabels(this.#spans.text(span));
			index = labels === undefined ? 0 : this.#labels.push(labels);
			this.#labelsBySpan.set(span, index);
			if (labels === undefined) {
				this.#flaws.malformed(`expected labels, found "${quoteBytes(this.#bytes, start, end)}"`, start);
			}
		}
		return index;
	}

	#brokenHeader(at: number, newline: number): number {
		const bytes = this.#bytes;
		if (newline === bytes.length) {
			// Cut before its colon; what is left may be as little as "goroutine 1".
			if (isDigit(bytes[at + GOROUTINE.length])) this.#recognised = true;
			return newline;
		}
		if (
			!/^goroutine (?:\d+(?: gp=.*)? ?\[|[^ ]* \[.*\]:$)/.test(textOf(bytes, at, Math.min(newline, at + 200)))
		) {
			return this.#otherText(at);
		}
		this.#recognised = true;
		this.#lost = true;
		const found = quoteBytes(bytes, at, textEnd(bytes, at, newline));
		this.#flaws.malformed(`expected "goroutine N [state]:", found "${found}"`, at);
		return newline + 1;
	}

	/** Before the first goroutine stands what panicked; after the last, registers or an exit status. */
	#otherText(at: number): number {
		const bytes = this.#bytes;
		const newline = lineEnd(bytes, at);
		const end = textEnd(bytes, at, newline);
		const next = Math.min(newline + 1, bytes.length);
		const expected = !this.#recognised || this.#lost || end === at || newline === bytes.length;
		if (!expected && !AROUND_PANICS.test(textOf(bytes, at, Math.min(end, at + 80))))
			this.#body.stray(at, end, next);
		return next;
	}

	#checkEnd(length: number): void {
		const bytes = this.#bytes;
		if (length === PPROF_BYTES_MAX) {
			const why = "the dump is exactly 64 MiB long, where Go stops writing: further goroutines are missing";
			this.#flaws.truncated(why, length);
		} else if (length > bytes.length) {
			this.#flaws.truncated(`the dump has ${length} bytes, of which ${BYTES_MAX} were read`, bytes.length);
		} else if (bytes[bytes.length - 1] !== NEWLINE) {
			const start = bytes.lastIndexOf(NEWLINE) + 1;
			const found = quoteBytes(bytes, start, bytes.length);
			this.#flaws.truncated(`the dump ends in the middle of the line "${found}"`, start);
		}
	}

	#table(): GoroutineTable {
		const bytes = this.#bytes;
		const columns = this.#columns.trimmed();
		return {
			...columns,
			stacks: this.#tree.stacks(),
			states: this.#states,
			labels: this.#labels,
			firstArgument: (goroutine, frame) => firstArgument(bytes, columns.offset[goroutine], frame),
			quote: (goroutine, lines) => quoteGoroutine(bytes, columns.offset[goroutine], lines),
		};
	}
}

const AROUND_PANICS =
	/^(?:exit status \d|panic: |\tpanic: |fatal error: |runtime: |\[signal |SIG[A-Z]+: |PC=|[a-z]{1,6}\d*\s+0x[\da-f]+$|-{3,})/;
