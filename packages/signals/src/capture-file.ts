/**
 * The file form of a capture: a tar of `manifest.json` and then `parts/<name>`, one file a part, in the
 * order of the manifest. The room `capture` adds gzip around it. docs/capture-format.md tells it to users.
 *
 * The manifest comes first, so a file cut short still says what was in it: every whole part is kept,
 * the others become gaps, one a kind.
 */
import type { Capture, Gap, Part, PartFormat } from "./capture.ts";
import type { ListedPart } from "./capture-file-manifest.ts";
import { manifestOf, readManifest } from "./capture-file-manifest.ts";
import type { TarEntry } from "./capture-file-tar.ts";
import { isTar, readTar, tarChunks } from "./capture-file-tar.ts";
import { FORMATS } from "./decode.ts";
import type { Decoded, Flaw } from "./decoded.ts";

const MANIFEST = "manifest.json";
const FOLDER = "parts/";
/** A manifest of the largest capture is below 1 MB. */
const MANIFEST_BYTES_MAX = 8 << 20;

/** The tar in pieces: parts are handed through without a copy, so a 200 MB dump costs nothing twice. */
export function captureChunks(capture: Capture): Iterable<Uint8Array> {
	const parts = capture.parts.map(({ name, bytes }) => ({ name: FOLDER + name, bytes }));
	return tarChunks([{ name: MANIFEST, bytes: new TextEncoder().encode(manifestOf(capture)) }, ...parts]);
}

/** The tar in one piece. The same capture gives the same bytes. */
export function encodeCapture(capture: Capture): Uint8Array {
	const chunks = [...captureChunks(capture)];
	const tar = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
	let at = 0;
	for (const chunk of chunks) {
		tar.set(chunk, at);
		at += chunk.length;
	}
	return tar;
}

/** The parts share memory with `tar`. Flaws are of the file as a whole; lost parts are gaps. */
export function decodeCaptureFile(tar: Uint8Array): Decoded<Capture> {
	if (!isTar(tar)) return { kind: "foreign", found: opening(tar) };
	const { entries, flaw } = readTar(tar);
	const files = new Map<string, TarEntry>();
	for (const entry of entries) files.set(entry.name.replace(/^(\.\/)+/, ""), entry);

	const manifestFile = files.get(MANIFEST);
	if (!manifestFile) return { kind: "foreign", found: `a tar without ${MANIFEST}` };
	if (manifestFile.bytes.length < manifestFile.size || manifestFile.size > MANIFEST_BYTES_MAX) {
		return { kind: "foreign", found: `a ${MANIFEST} cut short or over ${MANIFEST_BYTES_MAX} bytes` };
	}
	const manifest = readManifest(new TextDecoder().decode(manifestFile.bytes));
	if ("found" in manifest) return { kind: "foreign", found: manifest.found };

	const parts: Part[] = [];
	const lost: Lost[] = [];
	for (const listed of manifest.parts) {
		const found = partOf(listed, files.get(FOLDER + listed.name));
		if ("bytes" in found) parts.push(found);
		else lost.push(found);
	}
	const flaws: Flaw[] = manifest.faults.map((why) => ({ kind: "malformed", why, at: manifestFile.at }));
	if (flaw) flaws.push(flaw);
	const { takenBy, target, window, gaps } = manifest;
	return {
		kind: "decoded",
		value: { takenBy, target, window, parts, gaps: [...gaps, ...gapsOf(lost)] },
		flaws,
	};
}

/** A part the manifest promises and the file does not hold as promised. */
interface Lost {
	readonly name: string;
	readonly format: string;
	/** Bytes of it that are there, if any, of how many. */
	readonly held?: number;
	readonly size: number;
}

function partOf({ size, format, ...listed }: ListedPart, file: TarEntry | undefined): Part | Lost {
	if (isFormat(format) && file?.bytes.length === size) return { ...listed, format, bytes: file.bytes };
	return { name: listed.name, format, size, ...(file ? { held: file.bytes.length } : {}) };
}

function gapsOf(lost: readonly Lost[]): Gap[] {
	const byFormat = Map.groupBy(lost, ({ format }) => format);
	return [...byFormat].map(([format, all]) => {
		const names = all.map(({ name }) => name);
		if (!isFormat(format)) {
			const why = `${listed(names)} in the format ${JSON.stringify(format)}, unknown to this version`;
			return { line: "process", what: names[0] ?? format, why, weight: "loss" };
		}
		const { line, what } = FORMATS[format];
		const cut = all.find(({ held }) => held !== undefined);
		const missing = all.filter(({ held }) => held === undefined).map(({ name }) => name);
		const why = [
			...(cut ? [`holds ${cut.held} of the ${cut.size} bytes of ${cut.name}`] : []),
			...(missing.length > 0 ? [`lacks ${listed(missing)}`] : []),
		].join(" and ");
		return { line, what, why: `the capture file ${why}`, weight: "loss" };
	});
}

function listed(names: readonly string[]): string {
	const others = names.length - 1;
	return others === 0 ? `${names[0]}` : `${names[0]} and ${others} other${others === 1 ? "" : "s"}`;
}

function isFormat(format: string): format is PartFormat {
	return Object.hasOwn(FORMATS, format);
}

function opening(bytes: Uint8Array): string {
	if (bytes.length === 0) return "an empty file";
	const start = JSON.stringify(new TextDecoder().decode(bytes.subarray(0, 24)));
	return `${bytes.length} bytes that open with ${start}, not with a tar header`;
}
