/** What return sites and call sites need to know of an instruction, on either architecture. */
export interface Instruction {
	/** Offsets in the code: [at, end). */
	readonly at: number;
	readonly end: number;
	/** "branch" is conditional; a jump by register or memory is "indirect". */
	readonly kind: "call" | "jump" | "branch" | "return" | "indirect-jump" | "other";
	/** Offset that a call, jump or branch names, in the code or outside of it. */
	readonly target?: number;
}
