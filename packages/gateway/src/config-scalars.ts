/** The kinds of value that the configuration has, each with what is expected in words. */
import * as z from "zod";
import {
	DURATION_PATTERN,
	durationMs,
	type Place,
	place,
	RATE_PATTERN,
	rate,
	SHARE_PATTERN,
	SIZE_PATTERN,
	share,
	sizeBytes,
	sizeText,
} from "./config-units.ts";
import { unknownKeys } from "./config-unknown-key.ts";
import type { KeySource } from "./settings.ts";

const LIST_MAX = 1024;
const TEXT_CHARS_MAX = 4096;
const DAY_MS = 86_400_000;
const NAME = /^[^\s\p{Cc}]+$/u;

/** Strict: a key that is not known is a typing error, not a wish. */
export function keys<Shape extends z.core.$ZodLooseShape>(shape: Shape) {
	const known = Object.keys(shape);
	return z.strictObject(shape, {
		error: (issue) => {
			if (issue.code === "unrecognized_keys") return unknownKeys(issue.keys, known);
			return `keys and values are expected: ${known.join(", ")}`;
		},
	});
}

export const text = z.string({ error: "text is expected" }).min(1, "empty").max(TEXT_CHARS_MAX, "too long");
/** What metrics and logs show: no blanks. */
export const name = text.max(200, "longer than 200 characters").regex(NAME, "a name has no blanks");
export const file = text.describe("a file");
export const flag = z.boolean({ error: "true or false is expected" });

export function count(min: number, max: number) {
	const error = `a whole number from ${min} to ${max} is expected`;
	return z.number({ error }).int(error).min(min, error).max(max, error);
}

/** A whole number, or `none` for no bound. */
export function countOrNone(min: number, max: number) {
	const error = `a whole number from ${min} to ${max}, or none, is expected`;
	return z
		.union([z.literal("none"), count(min, max)], { error })
		.transform((value) => (value === "none" ? Infinity : value));
}

export function duration(min = "1ms", max = "7d") {
	return durationOf(
		DURATION_PATTERN,
		min,
		max,
		`a time such as 250ms, 10s or 1h is expected, from ${min} to ${max}`,
	);
}

export function durationOrNone(min = "1ms", max = "7d") {
	const pattern = new RegExp(`^none$|${DURATION_PATTERN.source}`);
	return durationOf(
		pattern,
		min,
		max,
		`a time such as 10s or 1h from ${min} to ${max}, or none, is expected`,
	);
}

function durationOf(pattern: RegExp, min: string, max: string, error: string) {
	const least = durationMs(min) ?? 0;
	const most = durationMs(max) ?? 7 * DAY_MS;
	return bounded(
		pattern,
		(given) => (given === "none" ? Infinity : durationMs(given)),
		error,
		(ms) => ms === Infinity || (ms >= least && ms <= most),
	);
}

export function size(min: number, max: number) {
	const error = `a size such as 64KiB is expected, from ${sizeText(min)} to ${sizeText(max)}`;
	return bounded(SIZE_PATTERN, sizeBytes, error, (bytes) => bytes >= min && bytes <= max);
}

export function sizeOrNone(max: number) {
	const pattern = new RegExp(`^none$|${SIZE_PATTERN.source}`);
	const error = `a size such as 10MiB, or none, is expected, at most ${sizeText(max)}`;
	return bounded(
		pattern,
		(given) => (given === "none" ? Infinity : sizeBytes(given)),
		error,
		(bytes) => bytes === Infinity || bytes <= max,
	);
}

const SHARE_ERROR = "a share such as 5% is expected, from 0% to 100%";
export const percent = bounded(SHARE_PATTERN, share, SHARE_ERROR, (value) => value >= 0 && value <= 1);

const RATE_ERROR = "a rate such as 100/s, 5/min or 20/10s is expected";
const REQUESTS_MAX = 1e9;
export const rateOf = z
	.string({ error: RATE_ERROR })
	.regex(RATE_PATTERN, RATE_ERROR)
	.transform((given, context) => {
		const parsed = rate(given);
		const isSound =
			parsed !== undefined &&
			parsed.requests >= 1 &&
			parsed.requests <= REQUESTS_MAX &&
			parsed.perMs >= 1 &&
			parsed.perMs <= DAY_MS;
		return isSound ? parsed : refuse(context, RATE_ERROR);
	});

const KEY_ERROR = "client, path, route, header:NAME or cookie:NAME is expected";
const KEY_PATTERN = /^(?:client|path|route|header:[!#$%&'*+.^_`|~\w-]+|cookie:[!#$%&'*+.^_`|~\w-]+)$/;
export const keySource = z
	.string({ error: KEY_ERROR })
	.regex(KEY_PATTERN, KEY_ERROR)
	.transform((given): KeySource => {
		const [kind = "", named = ""] = given.split(/:(.*)/s, 2);
		if (kind === "header") return { kind, name: named.toLowerCase() };
		if (kind === "cookie") return { kind, name: named };
		return { kind: kind === "client" || kind === "path" ? kind : "route" };
	});

const PLACE_ERROR =
	"an address and port are expected: 127.0.0.1:8080, [::1]:8080, :8080 for all addresses, or unix:/run/gateway.sock";
export const placeOf = z.string({ error: PLACE_ERROR }).transform((given, context): Place => {
	return place(given) ?? refuse(context, `${PLACE_ERROR}, not ${JSON.stringify(given)}`);
});

/** One, or a list of them. */
export function oneOrMore<Item extends z.ZodType>(item: Item) {
	return z.union([item, z.array(item, { error: "a list of these" }).min(1, "an empty list").max(LIST_MAX)]);
}

export function listOf<Item extends z.ZodType>(item: Item) {
	return z.array(item, { error: "a list is expected" }).max(LIST_MAX);
}

/** `X-Name: value` each; what a client could not send is refused, as it would split a head. */
const FIELD_NAME = /^[!#$%&'*+.^_`|~\w-]+$/;
const FIELD_ERROR = "the name of a header is expected";
export const fieldName = z
	.string({ error: FIELD_ERROR })
	.regex(FIELD_NAME, FIELD_ERROR)
	.transform((given) => given.toLowerCase());
const VALUE_ERROR = "the value of a header has no line breaks or control characters";
export const fieldValue = z
	.string({ error: "text is expected" })
	.regex(/^[\t\x20-\x7e\x80-\u{ff}]*$/u, VALUE_ERROR);

function bounded(
	pattern: RegExp,
	parse: (text: string) => number | undefined,
	error: string,
	isWithin: (value: number) => boolean,
) {
	return z
		.string({ error })
		.regex(pattern, error)
		.transform((given, context): number => {
			const value = parse(given);
			return value !== undefined && isWithin(value) ? value : refuse(context, `${error}, not ${given}`);
		});
}

function refuse(context: z.RefinementCtx, message: string): never {
	context.addIssue({ code: "custom", message });
	return z.NEVER;
}
