/** Secrets do not stand in the file: `${NAME}` is taken from the environment. What is found is never printed. */
import type { ConfigPath, Fault } from "./config-fault.ts";

export type Environment = Readonly<Partial<Record<string, string>>>;

const REFERENCE = /\$\{([A-Za-z_]\w*)\}/g;

/** Within URLs a password is written as URLs want it. */
export function withEnvironment(
	text: string,
	environment: Environment,
	path: ConfigPath,
	faults: Fault[],
	encode: (value: string) => string = (value) => value,
): string {
	return text.replaceAll(REFERENCE, (_, name: string) => {
		const value = environment[name];
		if (value === undefined || value === "") {
			faults.push({ path, message: `\${${name}} is not set in the environment` });
			return "";
		}
		return encode(value);
	});
}

export function holdsReference(text: string): boolean {
	return text.search(REFERENCE) !== -1;
}
