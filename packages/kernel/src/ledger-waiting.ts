/**
 * Where a parked goroutine stands, from process memory: its saved registers, then the chain of frame pointers.
 * amd64. So waiting callers cost the target nothing but their entry in a table.
 *
 * ```
 * g   +0 stack.lo   +8 stack.hi   +56 sched.sp   +64 sched.pc   +72 sched.g   …  sched.bp   …  status  goid
 *     Go 1.18-1.24: bp at +104;  1.25-1.27: at +96 (gobuf.ret went);  status is the word before goid
 * ```
 *
 * It runs on while we read: a goroutine that is not parked, or whose saved g is not itself, gives nothing.
 */
import type { ProcessMemory } from "./process-memory.ts";

/** _Gwaiting of runtime2.go; the collector may set a bit above while it scans the stack. */
const STATUS_WAITING = 4;
const STATUS_MASK = 0xfff;
const SCHED_PC = 64;
const SCHED_G = 72;
const G_BYTES = 168;
const FRAMES_MAX = 64;

/** Return addresses, innermost first; none when it cannot be told. `goidAt` as in ledger-plan.ts. */
export function parkedFrames(memory: ProcessMemory, g: number, goMinor: number, goidAt: number): number[] {
	const bytes = memory.read(g, G_BYTES);
	if (bytes === undefined) return [];
	const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
	const word = (at: number) => Number(view.getBigUint64(at, true));
	const status = view.getUint32(goidAt - 8, true) & STATUS_MASK;
	if (status !== STATUS_WAITING || word(SCHED_G) !== g) return [];
	const [low, high] = [word(0), word(8)];
	const addresses = [word(SCHED_PC)];
	let frame = word(goMinor >= 25 ? 96 : 104);
	while (addresses.length < FRAMES_MAX && frame >= low && frame + 16 <= high) {
		const pair = memory.read(frame, 16);
		if (pair === undefined) break;
		const at = new DataView(pair.buffer, pair.byteOffset, pair.byteLength);
		addresses.push(Number(at.getBigUint64(8, true)));
		const next = Number(at.getBigUint64(0, true));
		// Frames lie upwards; anything else is no chain any more.
		if (next <= frame) break;
		frame = next;
	}
	return addresses.filter((address) => address !== 0);
}
