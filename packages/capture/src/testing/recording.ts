/** For collector tests: a recorder with the machine's clock, and what it holds in the end. */
import assert from "node:assert/strict";
import type { Gap, Part } from "@plumbline/signals/capture";
import { systemClock } from "../clock.ts";
import { type Clock, Recorder } from "../recorder.ts";

export interface Recording {
	readonly parts: readonly Part[];
	readonly gaps: readonly Gap[];
	/** The only part of that name. */
	readonly part: (name: string) => Part;
}

export async function recordingOf(
	collect: (recorder: Recorder) => Promise<unknown>,
	clock: Clock = systemClock,
): Promise<Recording> {
	const recorder = new Recorder(clock);
	await collect(recorder);
	const { parts, gaps } = recorder.collected();
	const part = (name: string) => {
		const [found, ...more] = parts.filter((one) => one.name === name);
		assert.ok(
			found !== undefined && more.length === 0,
			`one part ${name} among ${parts.map((one) => one.name)}`,
		);
		return found;
	};
	return { parts, gaps, part };
}
