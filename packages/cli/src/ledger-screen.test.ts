import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { test } from "node:test";
import { canDrawLive, openLedgerScreen } from "./ledger-screen.ts";

function terminal() {
	const written: string[] = [];
	return { written, isTTY: true, columns: 100, rows: 30, write: (text: string) => written.push(text) };
}

class Keys extends EventEmitter {
	readonly isTTY: boolean;
	raw = false;
	listens = false;
	constructor(isTTY: boolean) {
		super();
		this.isTTY = isTTY;
	}
	setRawMode(raw: boolean) {
		this.raw = raw;
	}
	resume() {
		this.listens = true;
	}
	pause() {
		this.listens = false;
	}
}

test("only on a terminal that can be redrawn", () => {
	const tty = { isTTY: true };
	assert.equal(canDrawLive(tty, tty, "xterm"), true);
	assert.equal(canDrawLive(tty, tty, "dumb"), false);
	assert.equal(canDrawLive({}, tty, "xterm"), false);
	assert.equal(canDrawLive(tty, { isTTY: false }, "xterm"), false);
});

test("frames are drawn in place, and the terminal is given back once", () => {
	const screen = terminal();
	const keys = new Keys(true);
	const exits = process.listenerCount("exit");
	const live = openLedgerScreen(screen, keys, () => {});
	assert.deepEqual([keys.raw, keys.listens], [true, true]);
	assert.deepEqual(live.window(), { columns: 99, rows: 30 });
	live.draw(["one", "two"]);
	live.close();
	live.close();
	live.draw(["too late"]);
	assert.equal(
		screen.written.join(""),
		"\x1b[?1049h\x1b[?25l" +
			"\x1b[?2026h\x1b[Hone\x1b[K\r\ntwo\x1b[K\x1b[J\x1b[?2026l" +
			"\x1b[?25h\x1b[?1049l",
	);
	assert.deepEqual([keys.raw, keys.listens, keys.listenerCount("data")], [false, false, 0]);
	assert.equal(process.listenerCount("exit"), exits);
});

test("q quits, Ctrl-C interrupts, other keys do nothing", () => {
	const keys = new Keys(true);
	const heard: string[] = [];
	const live = openLedgerScreen(
		terminal(),
		keys,
		() => heard.push("quit"),
		() => heard.push("interrupt"),
	);
	for (const key of ["x", "\x1b[A", "q", "\x03"]) keys.emit("data", Buffer.from(key));
	live.close();
	keys.emit("data", Buffer.from("q"));
	assert.deepEqual(heard, ["quit", "interrupt"]);
});

test("without a keyboard it is drawn all the same", () => {
	const screen = terminal();
	const keys = new Keys(false);
	openLedgerScreen(screen, keys, () => {}).close();
	assert.deepEqual([keys.raw, keys.listenerCount("data")], [false, 0]);
	assert.equal(screen.written.length, 2);
});
