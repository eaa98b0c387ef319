/** Captures for tests of the HTML report: recorded ones, one with a line missing, and one written by an enemy. */
import { join } from "node:path";
import { readCapture } from "@plumbline/capture/file";
import { diagnose } from "@plumbline/diagnosis/diagnose";
import type { Diagnosis } from "@plumbline/diagnosis/finding";
import { renderHtml } from "@plumbline/report/html";
import { reportView } from "@plumbline/report/view-report";
import type { Capture, Part } from "@plumbline/signals/capture";
import { decodeCapture } from "@plumbline/signals/decode";
import { CAPTURES_FOLDER } from "../captures-folder.ts";

export function recorded(name: string): Promise<Capture> {
	return readCapture(join(CAPTURES_FOLDER, `${name}.plumb`));
}

export interface Report {
	readonly diagnosis: Diagnosis;
	readonly html: string;
}

export function reportOf(capture: Capture): Report {
	const signals = decodeCapture(capture);
	const diagnosis = diagnose(signals);
	return { diagnosis, html: renderHtml(diagnosis, reportView(diagnosis, signals, capture)) };
}

/** The runtime refused to be read. */
export function withoutRuntime(capture: Capture): Capture {
	const parts = capture.parts.filter(({ format }) => !/^(?:go-debug|ledger)/.test(format));
	const why = "connection refused by 127.0.0.1:6060; is net/http/pprof served there?";
	return {
		...capture,
		parts,
		gaps: [...capture.gaps, { line: "runtime", what: "goroutines", why, weight: "loss" }],
	};
}

/** As from loose files: all parts bear the moment of reading. */
export function withoutTimes({ parts, window: { start }, ...rest }: Capture): Capture {
	const atOnce = parts.map((part): Part => ({ ...part, start, end: start }));
	return { ...rest, window: { start, end: start }, parts: atOnce };
}

/** What an enemy would write in names, to run a script, to load something, or to reorder what is read. */
export const SPITE = `<script>alert(1)</script><img/src=x:1/onerror=alert(2)>&lt;\u202e\u2066\u200b'onfocus='alert(3)`;

const TEXT = /^(?:go-debug|prometheus|postgres-sessions|mysql-sessions)/;

/** The same capture with SPITE in the names of functions, pools and statements. */
export function withSpite(capture: Capture): Capture {
	const spoil = ({ format, bytes, ...rest }: Part): Part => {
		if (!TEXT.test(format)) return { ...rest, format, bytes };
		const text = new TextDecoder()
			.decode(bytes)
			.replaceAll("/lab/orders.", `/lab/orders.${SPITE}.`)
			.replaceAll('db_name="orders"', `db_name="${SPITE}"`)
			.replaceAll(/SELECT |INSERT INTO /g, (verb) => `${verb}${SPITE} `);
		return { ...rest, format, bytes: new TextEncoder().encode(text) };
	};
	const gap = { line: "sockets", what: SPITE, why: `\`${SPITE}\``, at: SPITE, weight: "loss" } as const;
	const target = { ...capture.target, pprof: `http://${SPITE}` };
	return { ...capture, target, parts: capture.parts.map(spoil), gaps: [...capture.gaps, gap] };
}
