/** Refuses options that a policy cannot keep, when it is made: a limit of NaN would let everything through. */

/** What a policy was given cannot be kept. Nothing was made. */
export class OptionError extends Error {
	override readonly name = "OptionError";
	readonly code = "policy-option";
	/** The option's name, such as `burst`. */
	readonly option: string;
	readonly found: unknown;

	constructor(option: string, expected: string, found: unknown) {
		super(
			`${option} must be ${expected}, not ${typeof found === "string" ? JSON.stringify(found) : String(found)}`,
		);
		this.option = option;
		this.found = found;
	}
}

/** A finite number from `min` to `max`. Throws OptionError. */
export function numberOption(option: string, value: number, min: number, max: number): number {
	if (!(typeof value === "number" && value >= min && value <= max)) {
		throw new OptionError(option, `a number from ${min} to ${max}`, value);
	}
	return value;
}

/** A whole number from `min` to `max`. Throws OptionError. */
export function countOption(option: string, value: number, min: number, max: number): number {
	if (!(Number.isSafeInteger(value) && value >= min && value <= max)) {
		throw new OptionError(option, `a whole number from ${min} to ${max}`, value);
	}
	return value;
}
