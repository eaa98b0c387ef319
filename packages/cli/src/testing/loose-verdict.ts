/** For tests: the verdict on loose files that need not lie on a disk. */
import { diagnose } from "@plumbline/diagnosis/diagnose";
import type { Gap, Instant, MonoMs, WallMs } from "@plumbline/signals/capture";
import { decodeCapture } from "@plumbline/signals/decode";
import { looseCapture } from "../loose-capture.ts";
import { recognise } from "../loose-recognise.ts";

export interface LooseVerdict {
	/** Of the first finding; "nothing" where there is none. */
	readonly id: string;
	readonly holder: string;
	readonly count: number;
	/** Ids of all findings. */
	readonly findings: readonly string[];
	readonly gaps: readonly Gap[];
	/** Files of which nothing could be read. */
	readonly unread: number;
}

const NOW: Instant = { wallMs: 1_789_000_000_000 as WallMs, monoMs: 0 as MonoMs };

export function looseVerdict(files: readonly (string | Uint8Array)[]): LooseVerdict {
	const read = files.map((file, at) => {
		const found = recognise({ bytes: typeof file === "string" ? new TextEncoder().encode(file) : file });
		const name = `file ${at}`;
		if (found.kind === "pieces") return { name, ...found };
		return { name, pieces: [], losses: [], notes: [], unread: found.kind };
	});
	const capture = looseCapture(read, NOW, "test");
	const { findings, gaps } = diagnose(decodeCapture(capture));
	const [first] = findings;
	const holder = first?.holder ?? first?.candidates[0];
	return {
		id: first?.id ?? "nothing",
		holder: holder === undefined ? "nobody" : `${holder.func} ${holder.file}:${holder.line}`,
		count: first?.count ?? 0,
		findings: findings.map(({ id }) => id),
		gaps,
		unread: read.filter((file) => "unread" in file).length,
	};
}
