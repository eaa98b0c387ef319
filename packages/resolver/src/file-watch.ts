/**
 * Tells when the content of files has changed. The folders are watched, not the files: editors and Kubernetes put a new
 * file in the old one's place, and who watches the file watches one that is gone.
 */
import { createHash } from "node:crypto";
import { type FSWatcher, readFileSync, watch } from "node:fs";
import { dirname } from "node:path";

export interface FileWatch {
	/** Looks now, as after SIGHUP. True if something had changed and was told. */
	look(): boolean;
	close(): void;
}

/** Writers write in pieces; after the last one there is this much silence. */
const QUIET_MS = 150;

/** Throws nothing: a folder that cannot be watched is told once by `onBlind`, and `look` still works. */
export function watchFiles(
	files: readonly string[],
	onChange: () => void,
	onBlind: (folder: string, why: string) => void = () => {},
): FileWatch {
	let known = digestOf(files);
	let timer: NodeJS.Timeout | undefined;
	const watchers: FSWatcher[] = [];

	function look(): boolean {
		const digest = digestOf(files);
		if (digest === known) return false;
		known = digest;
		onChange();
		return true;
	}

	for (const folder of new Set(files.map((file) => dirname(file)))) {
		const blind = (error: unknown) => onBlind(folder, error instanceof Error ? error.message : String(error));
		try {
			const watcher = watch(folder, { persistent: false }, () => {
				clearTimeout(timer);
				timer = setTimeout(look, QUIET_MS);
				timer.unref();
			});
			watcher.on("error", blind);
			watchers.push(watcher);
		} catch (error) {
			blind(error);
		}
	}
	return {
		look,
		close() {
			clearTimeout(timer);
			for (const watcher of watchers) watcher.close();
		},
	};
}

/** A file that is not there is a content too: it may be back in a moment. */
function digestOf(files: readonly string[]): string {
	const hash = createHash("sha256");
	for (const file of files) {
		try {
			const bytes = readFileSync(file);
			hash.update(`${bytes.length}:`).update(bytes);
		} catch {
			hash.update("absent:");
		}
	}
	return hash.digest("hex");
}
