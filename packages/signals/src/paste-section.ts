/** What reads one kind of text out of pasted lines. */
import type { Piece } from "./paste-piece.ts";

/** A line with what it came in taken off. */
export interface PastedLine {
	/** Without blanks at its ends; never empty. */
	readonly text: string;
	/** Bits of paste-notes.ts: what was taken off. */
	readonly mended: number;
	/** Where in the input the line began. */
	readonly at: number;
	/** It fills the column at which the text was wrapped: what follows may belong to it. */
	readonly full: boolean;
	/** A blank stood before it, or after it: where it is joined to another, so does one. */
	readonly blankBefore: boolean;
	readonly blankAfter: boolean;
	/** A tab stood before it, as before the file line of a frame. */
	readonly tabBefore: boolean;
	/** The input ends here without a line end: the line may be cut. */
	readonly last: boolean;
}

export interface Section {
	/** True if the line belongs here. Called before anything else is tried with the line. */
	take(line: PastedLine): boolean;
	/** A line that nobody takes, in the middle of this section; true if it was kept for a later join. */
	stray(line: PastedLine): boolean;
	/** An empty line. */
	empty(): void;
	/** The end of the section. */
	close(): readonly Piece[];
}

/** Looks for the beginning of a kind of text. */
export interface Opener {
	/** Whether a section of this kind can begin with the line. */
	readonly opens: (text: string) => boolean;
	/** Where in a longer line such a beginning stands, -1 if nowhere: what stands before it is a prefix. */
	readonly find: (text: string) => number;
	readonly open: (surroundings: Surroundings) => Section;
	/** Whether the line tells of a section to come. */
	readonly announces?: (text: string) => boolean;
}

/** What stood before a section. */
export interface Surroundings {
	readonly announced: string | undefined;
	/** Lines of stacks that belong to no goroutine. */
	readonly framesBefore: number;
}
