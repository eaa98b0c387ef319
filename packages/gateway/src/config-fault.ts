/** What is wrong in a configuration, and where it stands. */
import { keyLineOf, lineOf, type YamlRead } from "@plumbline/resolver/config-yaml";
import type * as z from "zod";

/** Of the value that is wrong: `["routes", 0, "to"]`. */
export type ConfigPath = readonly PropertyKey[];

export interface Fault {
	readonly path: ConfigPath;
	readonly message: string;
	/** The key is wrong, not its value. */
	readonly isKey?: boolean;
}

/** `gateway.yaml line 3: routes.0.to: …`, in the order of the file. */
export function faultTexts(
	file: string,
	yaml: Extract<YamlRead, { kind: "yaml" }>,
	faults: readonly Fault[],
): readonly string[] {
	const placed = faults.map((fault) => ({
		...fault,
		line: (fault.isKey === true ? keyLineOf : lineOf)(yaml, fault.path),
	}));
	return placed
		.toSorted((left, right) => (left.line ?? 0) - (right.line ?? 0))
		.map(({ path, message, line }) => {
			const at = path.length === 0 ? "" : `${path.join(".")}: `;
			return `${file}${line === undefined ? "" : ` line ${line}`}: ${at}${message}`;
		});
}

/** Where a value may be one thing or another, what is wrong with the likelier one. */
export function shapeFaults(issue: z.core.$ZodIssue): readonly Fault[] {
	if (issue.code === "unrecognized_keys") {
		const hints = issue.message.split("\n");
		return issue.keys.map((key, at) => ({
			path: [...issue.path, key],
			message: hints[at] ?? hints[0] ?? "",
			isKey: true,
		}));
	}
	if (issue.code !== "invalid_union" || issue.errors.length === 0) return [issue];
	const readings = issue.errors.map((issues) =>
		issues.flatMap((inner) => shapeFaults({ ...inner, path: [...issue.path, ...inner.path] })),
	);
	// Deepest first: whoever wrote a map meant the map, not the short form.
	const depth = (faults: readonly Fault[]) => Math.max(0, ...faults.map(({ path }) => path.length));
	const most = Math.max(...readings.map(depth));
	const likely = readings.filter((faults) => depth(faults) === most);
	if (most > issue.path.length) return likely.toSorted((left, right) => left.length - right.length)[0] ?? [];
	const words = [...new Set(likely.flatMap((faults) => faults.map(({ message }) => message)))];
	return [{ path: issue.path, message: words.join("; or ") }];
}
