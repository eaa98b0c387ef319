/** What each kind of wait is called, what it means, and what ends it. */
import type { WaitKind } from "./parked-wait.ts";

export interface WaitWords {
	/** After "7 goroutines". */
	readonly does: string;
	/** Why they will not go on, or how this can be told. */
	readonly means: string;
	readonly fix: readonly string[];
}

const CONTEXT_FIX =
	"give every goroutine a context and a way out: `case <-ctx.Done(): return` beside what it waits for";

export const WAIT_WORDS: Readonly<Record<WaitKind, WaitWords>> = {
	"chan send": {
		does: "are stuck sending on a channel that nobody receives from",
		means: "whoever was to receive has left, by a timeout, an error or a return before the loop was over",
		fix: [
			"room for the one value: `make(chan T, 1)`, so that the sender can leave even if nobody reads",
			"or send in a select beside `<-ctx.Done()`, with the context of whoever waits for the answer",
		],
	},
	"chan receive": {
		does: "wait to receive from a channel and never go on",
		means:
			"nobody sends or closes any more on some path; a loop over a ticker that nobody stops, or a wait for a context, looks the same",
		fix: [
			"close the channel where it was made, on every path: `defer close(ch)` right after `make`",
			"a loop over a ticker or a queue needs a second way out: a select with `<-ctx.Done()`",
		],
	},
	"nil channel": {
		does: "wait on a nil channel, which never happens",
		means: "the channel was declared and not made on this path; nothing can ever wake them",
		fix: ["make the channel before anybody waits on it, on every path, or do not start who would wait"],
	},
	select: {
		does: "wait in a select of which no case comes true",
		means: "a context that nobody cancels, or channels whose other side has left",
		fix: [
			"`defer cancel()` right after context.WithCancel or WithTimeout, on every path; `go vet` finds those that are lost",
			CONTEXT_FIX,
		],
	},
	sleep: {
		does: "wake up again and again and never end",
		means:
			"a loop over a ticker, time.After or time.Sleep whose way out does not come; between their waits they were seen elsewhere",
		fix: [
			"`defer ticker.Stop()` ends the ticks, not the loop over them: that needs a select with `<-ctx.Done()`",
			"bound the loop by a deadline or a number of tries",
		],
	},
	context: {
		does: "watch a context that nobody cancels",
		means:
			"context.WithCancel over a context of a foreign type starts a goroutine, which lives until one of the two is cancelled",
		fix: [
			"`defer cancel()` right after context.WithCancel, WithTimeout or WithDeadline; `go vet` finds those that are lost",
		],
	},
	"gRPC stream": {
		does: "watch gRPC streams that nobody reads or cancels",
		means:
			"grpc-go keeps a stream, and this goroutine, until RecvMsg has answered an error or io.EOF or the stream's context is done",
		fix: [
			"open the stream with a context of its own and `defer cancel()`",
			"or read on until Recv answers an error: io.EOF counts",
		],
	},
	lock: {
		does: "wait for a lock that nobody gives back",
		means: "whoever took it has left without Unlock, or waits for another lock itself",
		fix: [
			"`defer mu.Unlock()` on the line after Lock, in every function that takes it",
			"where two locks are needed, take them in one order everywhere: by address, by id, by name",
		],
	},
	WaitGroup: {
		does: "wait for a WaitGroup whose count never comes down to zero",
		means: "a goroutine returned without Done on some path, or Add was told of more than were started",
		fix: [
			"`defer wg.Done()` as the first line of the goroutine; Add beside its `go` statement, one at a time",
			"or `wg.Go(f)` (Go 1.25), or golang.org/x/sync/errgroup, which do both",
		],
	},
	condition: {
		does: "wait for a condition that is never signalled",
		means: "no path that changes what they wait for calls Signal or Broadcast any more",
		fix: ["Broadcast wherever the condition may have changed, also where the work is given up"],
	},
};
