/**
 * Where a stack takes a lock, and whose lock that is: `sync.(*Mutex).Lock` and what is around it are passed over.
 */
import type { Frame } from "@plumbline/signals/goroutines";

const LOCK =
	/^(internal\/)?sync\.\(\*(RW)?Mutex\)\.(Lock|lockSlow|RLock|rlockSlow)$|^sync\.\(\*RWMutex\)\.rUnlockSlow$/;
const SEMACQUIRE = /^(internal\/)?sync\.runtime_Semacquire(Mutex|RWMutex|RWMutexR)?$/;
const SYNC = /^(internal\/)?sync\./;
/** Calls of the runtime above the semaphore: gopark, goparkunlock, semacquire1. */
const PARK_FRAMES_MAX = 6;

/** The frame of the service, or of its library, that asks for a lock and does not get it. */
export function lockTaker(frames: readonly Frame[]): number | undefined {
	const semaphore = frames.slice(0, PARK_FRAMES_MAX).findIndex(({ func }) => SEMACQUIRE.test(func));
	if (semaphore < 0 || !LOCK.test(frames[semaphore + 1]?.func ?? "")) return undefined;
	let at = semaphore + 1;
	// A Once, a Map, a Cond or a Locker takes it for somebody.
	while (SYNC.test(frames[at]?.func ?? "")) at++;
	return at < frames.length ? at : undefined;
}

/** `main.(*RateTable)` of `main.(*RateTable).Rate.func1`; a plain function is its own name, closures cut. */
export function ownerOf(func: string): string {
	const path = func.lastIndexOf("/") + 1;
	const method = /^[^.]*\.(\(\*?[^)]*\)|[^.([]*)/.exec(func.slice(path));
	return func.slice(0, path) + (method?.[0] ?? func.slice(path));
}
