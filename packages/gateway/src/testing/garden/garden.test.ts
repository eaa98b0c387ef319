/** A slice of the garden, behind and before each server that is here; `main.ts` walks all of it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { walkGarden } from "./main.ts";
import { missingServer } from "./server.ts";
import { GARDEN } from "./servers.ts";

const MUTATIONS = 420;
/** What scripts/test-tools.ts brings; the others are large, and looked at by hand. */
const BROUGHT: ReadonlySet<string> = new Set(["nginx", "haproxy", "apache"]);

for (const kind of GARDEN)
	test(`never two views of one message: ${kind.name}`, async (t) => {
		const missing = missingServer(kind);
		if (missing !== false)
			return t.skip(BROUGHT.has(kind.name) ? missing : `not possible here: no ${kind.name}`);
		const chains: string[] = [];
		await walkGarden(
			{ mutations: MUTATIONS, seed: 5, from: 0, only: [kind.name] },
			({ name, course, disagreements }) => {
				chains.push(name);
				assert.deepEqual(disagreements, [], name);
				assert.equal(course.heard.size, MUTATIONS);
				// A garden in which nothing comes through would agree on everything.
				assert.ok(course.seen.length > MUTATIONS / 20, `${name}: ${course.seen.length} seen`);
			},
			assert.fail,
		);
		assert.equal(chains.length, 3);
	});
