/**
 * What the user sees while waiting: on a terminal one line that is rewritten, otherwise nothing.
 * Notes are whole lines and are shown either way. All of it goes to stderr; results go to stdout.
 */

interface Screen {
	readonly write: (text: string) => unknown;
	readonly isTTY?: boolean;
	readonly columns?: number;
}

export interface Progress {
	/** Replaces the line: what is being done now. */
	readonly step: (text: string) => void;
	/** A line that stays. */
	readonly note: (text: string) => void;
	/** Takes the line away. */
	readonly done: () => void;
}

const ERASE_LINE = "\r\x1b[K";
const COLUMNS_DEFAULT = 80;

/** `terminal` is $TERM: a dumb one cannot erase a line. */
export function progressOn(screen: Screen, terminal?: string): Progress {
	const rewrites = screen.isTTY === true && terminal !== "dumb";
	let shown = "";
	const show = (text: string) => {
		if (!rewrites || text === shown) return;
		shown = text;
		const width = (screen.columns ?? COLUMNS_DEFAULT) - 1;
		screen.write(ERASE_LINE + (text.length > width ? `${text.slice(0, width - 1)}…` : text));
	};
	return {
		step: show,
		note(text) {
			const back = shown;
			show("");
			screen.write(`${text}\n`);
			show(back);
		},
		done: () => show(""),
	};
}
