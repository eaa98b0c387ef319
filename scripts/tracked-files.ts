/** The files of the house: those git tracks and those it would, so that a fault is found before it is committed. */
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";

const LISTING_BYTES_MAX = 16 * 1024 * 1024;

/** Paths from `root`, with forward slashes, sorted. */
export function trackedFiles(root: string): readonly string[] {
	const listing = execFileSync("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], {
		cwd: root,
		encoding: "utf8",
		maxBuffer: LISTING_BYTES_MAX,
	});
	const paths = new Set(listing.split("\0").filter((path) => path !== ""));
	return [...paths].filter((path) => existsSync(`${root}/${path}`)).toSorted();
}
