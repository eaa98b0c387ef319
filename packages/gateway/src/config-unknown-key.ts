/** What somebody may have meant by a key that is not known. */

/** One line a key, in their order; config-faults.ts takes them apart again. */
export function unknownKeys(keys: readonly string[], known: readonly string[]): string {
	return keys
		.map((key) => {
			const meant = nearest(key, known);
			const hint = meant === undefined ? `known here: ${known.join(", ")}` : `did you mean ${meant}?`;
			return `not a key that is known; ${hint}`;
		})
		.join("\n");
}

/** Two typing errors, and less than half of the word. */
const DISTANCE_MAX = 2;
/** Longer ones are no typing errors of ours. */
const KEY_CHARS_MAX = 64;

export function nearest(word: string, known: readonly string[]): string | undefined {
	if (word.length > KEY_CHARS_MAX) return undefined;
	const lower = word.toLowerCase();
	const ranked = known
		.map((each) => ({ each, distance: distance(lower, each.toLowerCase()) }))
		.filter(({ each, distance: far }) => far <= DISTANCE_MAX && far * 2 < Math.max(each.length, 2))
		.toSorted((left, right) => left.distance - right.distance);
	const [best] = ranked;
	return (
		best?.each ??
		known.find(
			(each) =>
				lower.length > 2 && (each.toLowerCase().startsWith(lower) || lower.startsWith(each.toLowerCase())),
		)
	);
}

/** Levenshtein's, row by row. */
function distance(left: string, right: string): number {
	let row = Array.from({ length: right.length + 1 }, (_, at) => at);
	for (let i = 1; i <= left.length; i++) {
		const next = [i];
		for (let j = 1; j <= right.length; j++) {
			const replaced = (row[j - 1] ?? 0) + (left[i - 1] === right[j - 1] ? 0 : 1);
			next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
		}
		row = next;
	}
	return row[right.length] ?? 0;
}
