/** What is fuzzed, by name. */
import type { Target } from "./target.ts";
import { bodiesTarget } from "./target-h1-bodies.ts";
import { connectionsTarget } from "./target-h1-connections.ts";
import { requestHeadsTarget, responseHeadsTarget } from "./target-h1-heads.ts";
import { configsTarget, importsTarget, pathsTarget, wordsTarget } from "./target-texts.ts";
import { wasmTarget } from "./target-wasm.ts";

export const TARGETS: { readonly [name: string]: () => Target } = {
	"h1-requests": requestHeadsTarget,
	"h1-responses": responseHeadsTarget,
	"h1-bodies": bodiesTarget,
	"h1-connections": connectionsTarget,
	paths: pathsTarget,
	words: wordsTarget,
	wasm: wasmTarget,
	imports: importsTarget,
	configs: configsTarget,
};
