/** Why a path is refused with 400, in one sentence; undefined: it is sound. `*` is. */
export function pathFault(path: string): string | undefined {
	return path === "" ? "The path is empty." : undefined;
}
