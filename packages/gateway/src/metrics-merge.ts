/**
 * The pages of several processes as one. A family that the table knows is merged as it says there; any other by its
 * TYPE: all are added. The first page's order and words stay.
 *
 *     # TYPE plumbline_gateway_exchanges gauge       # TYPE plumbline_gateway_exchanges gauge
 *     plumbline_gateway_exchanges 3                  plumbline_gateway_exchanges 4              ─▶  7
 */
import { METRIC_FAMILIES, type MetricFamily } from "./metrics-families.ts";

/** Series of the page that comes of it. */
const SERIES_MAX = 1_000_000;

interface Merged {
	readonly comments: string[];
	readonly isMax: boolean;
	/** By name and labels as they are written. */
	readonly values: Map<string, number>;
}

export function mergeMetrics(texts: readonly string[]): string {
	if (texts.length === 1) return texts[0] as string;
	const families = new Map<string, Merged>();
	let series = 0;
	for (const text of texts) {
		let family: Merged | undefined;
		for (const line of text.split("\n")) {
			if (line === "") continue;
			if (line.startsWith("#")) {
				family = familyOf(families, line) ?? family;
				continue;
			}
			const blank = line.lastIndexOf(" ");
			const written = line.slice(blank + 1);
			const value = written === "+Inf" ? Infinity : Number(written);
			if (blank < 0 || family === undefined || series >= SERIES_MAX) continue;
			const key = line.slice(0, blank);
			const before = family.values.get(key);
			if (before === undefined) series++;
			family.values.set(key, before === undefined ? value : together(before, value, family.isMax));
		}
	}
	let page = "";
	for (const { comments, values } of families.values()) {
		page += comments.join("");
		for (const [key, value] of values) page += `${key} ${value === Infinity ? "+Inf" : value}\n`;
	}
	return page;
}

function familyOf(families: Map<string, Merged>, comment: string): Merged | undefined {
	const [, kind, name = ""] = /^# (HELP|TYPE) (\S+)/.exec(comment) ?? [];
	if (kind === undefined) return undefined;
	let family = families.get(name);
	if (family === undefined) {
		const known: Readonly<Record<string, MetricFamily>> = METRIC_FAMILIES;
		family = { comments: [], isMax: known[name]?.merge === "max", values: new Map() };
		families.set(name, family);
	}
	const line = `${comment}\n`;
	if (!family.comments.includes(line)) family.comments.push(line);
	return family;
}

/** NaN is "not known": whoever knows says it. */
function together(a: number, b: number, isMax: boolean): number {
	if (Number.isNaN(a)) return b;
	if (Number.isNaN(b)) return a;
	return isMax ? Math.max(a, b) : a + b;
}
