import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { createPlaces, type Places } from "./server-places.ts";

/** How many the client gets who takes what it can. */
function grab(places: Places, client: number): number {
	let got = 0;
	while (got < 2000 && places.take(client)) got++;
	return got;
}

test("one client alone has half, and each that comes after it half of what is left", () => {
	const places = createPlaces(1024);
	assert.deepEqual(
		[1, 2, 3, 1].map((client) => grab(places, client)),
		[512, 256, 128, 0],
	);
	assert.equal(places.taken(), 896);
});

test("clients that all want more than there is come to equal shares as their questions end", () => {
	const places = createPlaces(1024);
	const got = [1, 2, 3].map((client) => grab(places, client));
	for (let round = 0; round < 4096; round++) {
		const client = round % 3;
		if ((got[client] ?? 0) === 0) continue;
		places.leave(client + 1);
		got[client] = (got[client] ?? 0) - 1;
		// The others are always sooner there than who has just had its answer.
		for (const next of [(client + 1) % 3, (client + 2) % 3, client]) {
			if (places.take(next + 1)) got[next] = (got[next] ?? 0) + 1;
		}
	}
	for (const count of got) assert.ok(count >= 255 && count <= 257, got.join(" "));
});

test("one place is a place", () => {
	const places = createPlaces(1);
	assert.deepEqual([places.take(7), places.take(8)], [true, false]);
	places.leave(7);
	assert.equal(places.take(8), true);
});

test("whatever comes and goes: never more than there are, and nobody above what was free", () => {
	fc.assert(
		fc.property(
			fc.integer({ min: 1, max: 40 }),
			fc.array(fc.tuple(fc.integer({ min: 0, max: 5 }), fc.boolean()), { maxLength: 300 }),
			(placesMax, steps) => {
				const places = createPlaces(placesMax);
				const model = new Map<number, number>();
				for (const [client, isTake] of steps) {
					const holds = model.get(client) ?? 0;
					const all = [...model.values()].reduce((sum, count) => sum + count, 0);
					assert.equal(places.taken(), all);
					if (isTake) {
						const isTaken = places.take(client);
						assert.equal(isTaken, holds < placesMax - all);
						if (isTaken) model.set(client, holds + 1);
					} else if (holds > 0) {
						places.leave(client);
						model.set(client, holds - 1);
					}
				}
			},
		),
	);
});
