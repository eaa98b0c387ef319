/**
 * Whether functions were inlined into others: then a probe on their own code misses those calls. A profile-guided
 * build inlines even large functions, so being large is no proof.
 *
 * Every inline tree of the program is looked through, once for all the names: some 100 ms for 60,000 functions.
 */
import { printedName } from "./go-function-names.ts";
import type { InlineTrees } from "./go-inline-tree.ts";
import type { Pclntab } from "./go-pclntab.ts";

/** For each of `names` that was inlined: the name of a function that it was inlined into. */
export function findInlined(
	pclntab: Pclntab,
	trees: InlineTrees,
	names: readonly string[],
): ReadonlyMap<string, string> {
	const wanted = new Set(names);
	const found = new Map<string, string>();
	// Names are shared, so the same offsets come again and again.
	const wantedAt = new Map<number, string | undefined>();
	const nameAt = (offset: number): string | undefined => {
		if (!wantedAt.has(offset)) {
			const name = pclntab.nameText(offset) ?? "";
			// From Go 1.21 on the table has a generic's type arguments, which `names` may leave out.
			wantedAt.set(
				offset,
				[name, printedName(name)].find((one) => wanted.has(one)),
			);
		}
		return wantedAt.get(offset);
	};
	for (let index = 0; index < pclntab.header.functions; index++) {
		const fn = pclntab.functionOf(index);
		if (fn?.inlineTree === undefined) continue;
		const last = (pclntab.inlineIndexes(index) ?? []).reduce((most, { value }) => Math.max(most, value), -1);
		for (let call = 0; call <= last; call++) {
			const inlined = trees.callAt(fn, call);
			const name = inlined === undefined ? undefined : nameAt(inlined.name);
			if (name !== undefined) found.set(name, pclntab.nameText(fn.name) ?? "another function");
		}
	}
	return found;
}
