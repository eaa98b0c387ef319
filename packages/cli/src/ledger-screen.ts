/**
 * The live view's place on a terminal: the alternate screen, redrawn in place line by line, so that what was there
 * before comes back when it ends, however it ends. It goes to stderr, as all progress does.
 */

interface Screen {
	readonly write: (text: string) => unknown;
	readonly isTTY?: boolean;
	readonly columns?: number;
	readonly rows?: number;
}

interface Keyboard {
	readonly isTTY?: boolean;
	setRawMode(raw: boolean): unknown;
	on(event: "data", heard: (bytes: Uint8Array) => void): unknown;
	off(event: "data", heard: (bytes: Uint8Array) => void): unknown;
	resume(): unknown;
	pause(): unknown;
}

/** Alternate screen, cursor hidden. */
const ENTER = "\x1b[?1049h\x1b[?25l";
const LEAVE = "\x1b[?25h\x1b[?1049l";
/** Terminals that know it show the frame at once; the others ignore it. */
const FRAME_BEGIN = "\x1b[?2026h\x1b[H";
const FRAME_END = "\x1b[J\x1b[?2026l";
const ERASE_TO_END = "\x1b[K";
const CTRL_C = 0x03;
const COLUMNS_DEFAULT = 80;
const ROWS_DEFAULT = 24;

/** Whether both streams lead to a terminal that can be redrawn. `terminal` is $TERM. */
export function canDrawLive(
	stdout: Pick<Screen, "isTTY">,
	screen: Pick<Screen, "isTTY">,
	terminal?: string,
): boolean {
	return stdout.isTTY === true && screen.isTTY === true && terminal !== "dumb";
}

export interface LedgerScreen {
	/** What fits now; a window may change its size at any time. */
	readonly window: () => { readonly columns: number; readonly rows: number };
	/** Lines that fit, safe to print. */
	readonly draw: (lines: readonly string[]) => void;
	/** Gives the terminal back. May be called twice. */
	readonly close: () => void;
}

/** `onQuit`: q was pressed. Ctrl-C comes as a key while keys are read one by one: it becomes SIGINT again. */
export function openLedgerScreen(
	screen: Screen,
	keyboard: Keyboard,
	onQuit: () => unknown,
	onInterrupt: () => unknown = () => process.kill(process.pid, "SIGINT"),
): LedgerScreen {
	const heard = (bytes: Uint8Array) => {
		for (const byte of bytes) {
			if (byte === CTRL_C) onInterrupt();
			else if (byte === 0x71 || byte === 0x51) onQuit();
		}
	};
	const listens = keyboard.isTTY === true;
	let open = true;
	const close = () => {
		if (!open) return;
		open = false;
		process.off("exit", close);
		screen.write(LEAVE);
		if (!listens) return;
		keyboard.off("data", heard);
		keyboard.setRawMode(false);
		keyboard.pause();
	};
	// A second Ctrl-C ends the process at once.
	process.on("exit", close);
	screen.write(ENTER);
	if (listens) {
		keyboard.setRawMode(true);
		keyboard.on("data", heard);
		keyboard.resume();
	}
	return {
		window: () => ({
			// The last column stays free: a line that fills it leaves the cursor where erasing would eat it.
			columns: (screen.columns ?? COLUMNS_DEFAULT) - 1,
			rows: screen.rows ?? ROWS_DEFAULT,
		}),
		draw(lines) {
			if (!open) return;
			const text = lines.map((line) => line + ERASE_TO_END).join("\r\n");
			screen.write(FRAME_BEGIN + text + FRAME_END);
		},
		close,
	};
}
