/** Captures for tests of views: parts given as text, at given times of a window of ten seconds. */
import type { Capture, Instant, MonoMs, Part, PartFormat, WallMs } from "@plumbline/signals/capture";

/** Anything but zero, so that a view that forgets to subtract it shows. */
const START_MS = 40_000;

function instant(atMs: number): Instant {
	return { wallMs: (1_790_000_000_000 + atMs) as WallMs, monoMs: (START_MS + atMs) as MonoMs };
}

export function part(name: string, format: PartFormat, sample: number, atMs: number, text: string): Part {
	const bytes = new TextEncoder().encode(text);
	const times = { start: instant(atMs), end: instant(atMs + 4) };
	return { name, format, sample, source: `http://127.0.0.1:6060/${name}`, ...times, bytes };
}

export function capture(parts: readonly Part[]): Capture {
	const window = { start: instant(0), end: instant(10_000) };
	return { takenBy: "0.1.0", target: { pid: 4711 }, window, parts, gaps: [] };
}
