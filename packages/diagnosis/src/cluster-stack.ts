/**
 * What of a stack stays the same from goroutine to goroutine, from build to build and from one way of reading it
 * to another: the names of its functions.
 *
 *     debug=2            debug=1 or protobuf        both become
 *     main.worker(0x1)   # 0x4a main.worker+0x2f    main.worker
 *     	/srv/a.go:31       0x44 runtime.chanrecv1
 *     created by ...     # 0x43 runtime.goexit
 *
 * A full dump leaves the inside of the runtime out, a protobuf profile tells it; here it is left out of both. Type
 * arguments are `[...]` in text and may be spelled out in a profile.
 */
import type { Frame } from "@plumbline/signals/goroutines";

/** Functions of one stack that are compared; Go prints 100 in a dump, 128 in a profile. */
const FUNCTIONS_MAX = 256;

/** Exported names of the runtime are calls that a program made: `runtime.GC`, `runtime.Gosched`. */
const INSIDE_RUNTIME = /^runtime\.(?:[a-z_]|\(\*?[a-z])/;
const TYPE_ARGUMENTS = /\[.*\]/;

/** A program's function, as it is compared. */
export function functionName(func: string): string {
	return func.includes("[") ? func.replace(TYPE_ARGUMENTS, "[...]") : func;
}

/** `main.serve.func2.1` is a part of `main.serve`: its number changes from build to build. */
const CLOSURE = /(?:\.func\d+|\.gowrap\d+|\.\d+|-fm|-range\d+)+$/;

export function withoutClosure(func: string): string {
	return func.replace(CLOSURE, "");
}

/** The frames that count, innermost first; all of them where the runtime is all there is. */
export function tellingFrames(frames: readonly Frame[]): readonly Frame[] {
	const shown = frames.filter(({ func }) => !INSIDE_RUNTIME.test(func));
	return (shown.length === 0 ? frames : shown).slice(0, FUNCTIONS_MAX);
}

/** The same for stacks that differ in lines, arguments and files only. */
export function stackKey(telling: readonly Frame[]): string {
	return telling.map(({ func }) => functionName(func)).join("\n");
}

/** `chan receive (nil chan)` is another state than `chan receive`; whether a thread has it or is to get it is none. */
export function normalState(state: string): string {
	return state === "runnable" || state === "running" ? "running" : state;
}
