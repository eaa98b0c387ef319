/**
 * What a goroutine waits for, where a profile tells it: the runtime's own frames at the top of a protobuf profile's
 * stacks, or the entry points that the text form shows too. In the words of a full dump.
 */
import type { Frame } from "@plumbline/signals/goroutines";

/** Frames from the top that are looked at: the wait lies no deeper. */
const FRAMES_LOOKED_AT = 6;

/** First match wins; the top frames are tried from the innermost. */
const STATES: ReadonlyMap<string, string> = new Map([
	["runtime.chanrecv", "chan receive"],
	["runtime.chanrecv1", "chan receive"],
	["runtime.chanrecv2", "chan receive"],
	["runtime.chansend", "chan send"],
	["runtime.chansend1", "chan send"],
	["runtime.selectgo", "select"],
	["runtime.block", "select (no cases)"],
	["runtime.netpollblock", "IO wait"],
	["internal/poll.runtime_pollWait", "IO wait"],
	["time.Sleep", "sleep"],
	["sync.runtime_SemacquireMutex", "sync.Mutex.Lock"],
	["internal/sync.runtime_SemacquireMutex", "sync.Mutex.Lock"],
	["sync.runtime_SemacquireRWMutex", "sync.RWMutex.Lock"],
	["sync.runtime_SemacquireRWMutexR", "sync.RWMutex.RLock"],
	["sync.runtime_SemacquireWaitGroup", "sync.WaitGroup.Wait"],
	["sync.runtime_notifyListWait", "sync.Cond.Wait"],
	["sync.runtime_Semacquire", "semacquire"],
	["os/signal.signal_recv", "syscall"],
	["syscall.Syscall", "syscall"],
	["syscall.Syscall6", "syscall"],
]);

export function stateOfWait(frames: readonly Frame[]): string | undefined {
	for (const { func } of frames.slice(0, FRAMES_LOOKED_AT)) {
		const state = STATES.get(func);
		if (state !== undefined) return state;
	}
	return undefined;
}
