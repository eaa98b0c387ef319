/**
 * Where a lab program borrows what it does not give back: the one line of its file that ends in
 * `// LEAK`. Expected answers take their line from here, so that editing a program moves them along.
 *
 *	tx := s.db.Begin() // LEAK
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { GO_FOLDER } from "./build-service.ts";

const MARKER = /\/\/ LEAK$/;

/** 1-based line of the marker in a file of lab/go (`orders/tx_panic.go`). */
export function leakLine(file: string): number {
	return markedLine(file, readFileSync(join(GO_FOLDER, file), "utf8"));
}

/** 1-based line of the marker in a text. Throws unless there is exactly one. */
export function markedLine(file: string, text: string): number {
	const marked = text.split("\n").flatMap((line, index) => (MARKER.test(line) ? [index + 1] : []));
	const [line] = marked;
	if (line === undefined || marked.length > 1) {
		throw new Error(`${file}: expected one line that ends in "// LEAK", found ${marked.length}`);
	}
	return line;
}
