/** JSON as it is printed: safe on a terminal, the same for a program. */

/**
 * JSON.stringify leaves these as they are; written as escapes they mean the same to a program and cannot
 * steer a terminal that the JSON is printed on.
 */
const STEERING = /[\u007f-\u009f\p{DI}\p{Zl}\p{Zp}]/gu;

function asEscapes(char: string): string {
	const units = Array.from({ length: char.length }, (_, at) => char.charCodeAt(at));
	return units.map((unit) => `\\u${unit.toString(16).padStart(4, "0")}`).join("");
}

/** Two-space JSON that ends in a line break. */
export function jsonText(value: object): string {
	return `${JSON.stringify(value, undefined, 2).replace(STEERING, asEscapes)}\n`;
}
