/**
 * The names of generic functions. Until Go 1.20 the table has them short, from Go 1.21 on in full, and the
 * runtime shortens them when it prints a stack:
 *
 * ```
 *  github.com/jackc/puddle/v2.(*Pool[...]).Acquire                                 as printed
 *  github.com/jackc/puddle/v2.(*Pool[go.shape.*uint8]).Acquire                     the code, one a shape
 *  github.com/jackc/puddle/v2.(*Pool[*example.com/conn.resource]).Acquire          a wrapper around it
 * ```
 * Type arguments reach from the first bracket to the last, whatever they hold.
 */

const ABBREVIATED = "[...]";

/** The name as a goroutine dump has it. */
export function printedName(name: string): string {
	const start = name.indexOf("[");
	const end = name.lastIndexOf("]");
	return start < 0 || end < start ? name : `${name.slice(0, start)}${ABBREVIATED}${name.slice(end + 1)}`;
}

/** A name with `[...]` stands for every instance; any other for itself. */
export function namePattern(wanted: string): { readonly prefix: string; matches(name: string): boolean } {
	const at = wanted.indexOf(ABBREVIATED);
	if (at < 0) return { prefix: wanted, matches: (name) => name === wanted };
	return { prefix: wanted.slice(0, at + 1), matches: (name) => printedName(name) === wanted };
}

/** An instance that only hands its dictionary on to the shape's code (from Go 1.21 on told by its name). */
export function isInstanceWrapper(name: string): boolean {
	return name.includes("[") && !name.includes(ABBREVIATED) && !name.includes("go.shape.");
}
