/**
 * Parts that are a JSON object with one long list, a row a line:
 *
 * ```
 *   {"pid":7,"peers":[
 *   {"address":"10.0.0.1", …},
 *   {"address":"10.0.0.2", …}
 *   ]}
 * ```
 * Such a part that was cut short is closed after its last whole row.
 */
import type { Flaws } from "./flaws.ts";

export type JsonObject = Readonly<Record<string, unknown>>;

/** `list` is the key of the rows. Undefined: no such object, whole or cut. */
export function readJsonFrame(bytes: Uint8Array, list: string, flaws: Flaws): JsonObject | undefined {
	const text = new TextDecoder().decode(bytes);
	const whole = parseJsonObject(text);
	if (whole !== undefined) return whole;
	const opening = `"${list}":[\n`;
	const opened = text.indexOf(opening);
	if (opened < 0) return undefined;
	const rowEnd = text.lastIndexOf("},\n");
	const end = rowEnd > opened ? rowEnd + 1 : opened + opening.length;
	const mended = parseJsonObject(`${text.slice(0, end)}]}`);
	if (mended !== undefined)
		flaws.truncated(`expected more ${list}, found the end of the bytes`, bytes.length);
	return mended;
}

export function parseJsonObject(text: string): JsonObject | undefined {
	try {
		const parsed: unknown = JSON.parse(text);
		return isJsonObject(parsed) ? parsed : undefined;
	} catch {
		return undefined;
	}
}

export function isJsonObject(value: unknown): value is JsonObject {
	return typeof value === "object" && value !== null && !Array.isArray(value);
}
