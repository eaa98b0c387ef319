/** Figures of many rounds as one: the median, and how far the rounds lay apart. */

function median(all: readonly number[]): number {
	const sorted = all.toSorted((a, b) => a - b);
	const half = sorted.length >> 1;
	const upper = sorted[half] ?? Number.NaN;
	return sorted.length % 2 === 1 ? upper : (upper + (sorted[half - 1] ?? upper)) / 2;
}

/** `0.97 (0.94 – 1.01)`: median, least and largest; or the median alone. */
export function spread(all: readonly number[], digits: number, medianOnly = false): string {
	if (medianOnly || all.length === 1) return median(all).toFixed(digits);
	const [least, most] = [Math.min(...all), Math.max(...all)];
	return `${median(all).toFixed(digits)} (${least.toFixed(digits)} – ${most.toFixed(digits)})`;
}

export function printTable(head: readonly string[], rows: readonly (readonly string[])[]): void {
	const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
	console.log(line(head));
	console.log(`|${head.map((_, i) => (i < 2 ? "---" : "---:")).join("|")}|`);
	for (const row of rows) console.log(line(row));
	console.log("");
}
