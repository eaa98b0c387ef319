/** Random diagnoses whose every string may be hostile, long or in another script. */
import type { Diagnosis, Finding, FindingId } from "@plumbline/diagnosis/finding";
import fc from "fast-check";

const IDS: readonly FindingId[] = ["tx-open", "rows-open", "conn-held", "pool-starved", "db-lock-wait"];

const word = fc.oneof(
	fc.string({ unit: "grapheme", maxLength: 30 }),
	fc.string({ unit: "binary", maxLength: 30 }),
	fc.constantFrom("\x1b[31m", "日本語".repeat(30), "x".repeat(200), "`a b`", "```", "\n", "\t", "\r\n"),
	fc.constantFrom("/src/orders/create.go:42", "db.(*DB).Query", "and", "a", "goroutine"),
);
const text = fc.array(word, { maxLength: 12 }).map((words) => words.join(" "));
const share = fc.double({ min: 0, max: 1, noNaN: true });
const number = fc.nat({ max: 1_000_000 });
const line = fc.constantFrom("sockets" as const, "runtime" as const, "pool" as const);
const texts = fc.array(text, { maxLength: 3 });

const holder = fc.record({ func: text, file: text, line: number, how: text, confidence: share });
const evidence = fc.record({ line, says: text, quote: text, part: text, offset: number, atMs: number });
const link = fc.record({ between: fc.tuple(line, line), confidence: share, reason: text });
const finding: fc.Arbitrary<Finding> = fc.record(
	{
		id: fc.constantFrom(...IDS),
		severity: fc.constantFrom("critical" as const, "warning" as const, "note" as const),
		level: fc.constantFrom("confirmed" as const, "suspected" as const),
		confidence: share,
		count: number,
		title: text,
		story: text,
		holder,
		candidates: fc.array(holder, { maxLength: 7 }),
		holderGap: text,
		evidence: fc.array(evidence, { maxLength: 10 }),
		joins: fc.array(link, { maxLength: 5 }),
		otherwise: texts,
		fix: texts,
		stop: texts,
		verify: texts,
		causes: fc.subarray([...IDS]),
	},
	{
		requiredKeys: [
			"id",
			"severity",
			"level",
			"confidence",
			"count",
			"title",
			"story",
			"candidates",
			"evidence",
			"joins",
			"otherwise",
			"fix",
			"stop",
			"verify",
			"causes",
		],
	},
);

export const diagnoses: fc.Arbitrary<Diagnosis> = fc.record({
	target: fc.record(
		{ pid: number, pprof: text, metrics: text, db: text, files: texts },
		{ requiredKeys: [] },
	),
	service: fc.record({ goVersion: text, command: text, modules: texts }, { requiredKeys: ["modules"] }),
	window: fc.record({ startWallMs: fc.integer(), durationMs: number }),
	examined: fc.array(
		fc.record({
			line,
			state: fc.constantFrom("read" as const, "partly" as const, "unexamined" as const),
			what: text,
		}),
		{ maxLength: 3 },
	),
	gaps: fc.array(
		fc.record(
			{ line, what: text, why: text, at: text, weight: fc.constantFrom("loss" as const, "note" as const) },
			{ requiredKeys: ["line", "what", "why", "weight"] },
		),
		{ maxLength: 25 },
	),
	links: fc.array(link, { maxLength: 3 }),
	findings: fc.array(finding, { maxLength: 6 }),
});
