/** What is fuzzed, by name. */
import type { Target } from "./target.ts";
import { bodiesTarget } from "./target-h1-bodies.ts";
import { requestHeadsTarget, responseHeadsTarget } from "./target-h1-heads.ts";

export const TARGETS: { readonly [name: string]: () => Target } = {
	"h1-requests": requestHeadsTarget,
	"h1-responses": responseHeadsTarget,
	"h1-bodies": bodiesTarget,
};
