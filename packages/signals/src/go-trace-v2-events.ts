/**
 * The events of a Go execution trace as far as goroutines are concerned, and how many arguments each event has,
 * so that the others can be passed over. Numbers and counts are those of `internal/trace/tracev2` in Go 1.27.1:
 * each release since 1.22 only added events at the end (1.23: 45 to 49, 1.25: 50 and 51, 1.26: 52), so one table
 * reads them all.
 */

/** A batch starts with one of these two ... */
export const EVENT_BATCH = 1;
export const EXPERIMENTAL_BATCH = 49;
/** ... or this closes a generation (Go 1.26). */
export const END_OF_GENERATION = 52;

/** First byte of a batch's data that holds a table or clocks instead of events, and of the entries in it. */
export const STACKS = 2;
export const STACK = 3;
export const STRINGS = 4;
export const STRING = 5;
export const CPU_SAMPLES = 6;
/** Units of time in a second: a batch of its own until Go 1.24, then in a batch that starts with SYNC. */
export const FREQUENCY = 8;
export const SYNC = 50;

/** Each has its time, as the difference to the event before it, and then these arguments. */
export const GO_CREATE = 14; // new goroutine, stack it starts in, stack of the go statement
export const GO_CREATE_SYSCALL = 15; // new goroutine
export const GO_START = 16; // goroutine, sequence number
export const GO_DESTROY = 17;
export const GO_DESTROY_SYSCALL = 18;
export const GO_STOP = 19; // reason, stack
export const GO_BLOCK = 20; // reason, stack
export const GO_UNBLOCK = 21; // goroutine, sequence number, stack
export const GO_SYSCALL_BEGIN = 22; // sequence number of the processor, stack
export const GO_SYSCALL_END = 23;
export const GO_SYSCALL_END_BLOCKED = 24;
export const GO_STATUS = 25; // goroutine, thread, status
export const GO_SWITCH = 45; // goroutine switched to, its sequence number
export const GO_SWITCH_DESTROY = 46; // the same
export const GO_CREATE_BLOCKED = 47; // as GO_CREATE
export const GO_STATUS_STACK = 48; // goroutine, thread, status, stack

/** The statuses of GO_STATUS. */
export const STATUS_RUNNING = 2;
export const STATUS_SYSCALL = 3;
export const STATUS_WAITING = 4;

/** Arguments after the time, by event; `undefined` is no event of a thread. */
const ARGUMENTS: readonly (readonly [first: number, last: number, counts: readonly number[]])[] = [
	[9, 13, [2, 2, 0, 3, 2]], // processors
	[14, 25, [3, 1, 2, 0, 0, 2, 2, 3, 2, 0, 0, 3]], // goroutines
	[26, 38, [2, 0, 1, 2, 1, 1, 1, 2, 1, 1, 0, 1, 1]], // stops of the world, the collector, the heap
	[39, 44, [1, 4, 2, 3, 3, 4]], // labels, tasks, regions, logs
	[45, 48, [2, 2, 3, 4]], // coroutines
	[128, 136, [3, 3, 1, 2, 2, 1, 2, 2, 1]], // GODEBUG=traceallocfree=1
];

/** Of a byte that starts no event of a thread. */
export const NO_EVENT = 255;

/** Number of arguments by first byte, NO_EVENT for what is none. */
export const ARGUMENTS_OF: Uint8Array = (() => {
	const table = new Uint8Array(256).fill(NO_EVENT);
	for (const [first, , counts] of ARGUMENTS) table.set(counts, first);
	return table;
})();
