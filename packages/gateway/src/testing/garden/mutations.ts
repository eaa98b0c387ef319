/** Which mutation has which number, for a seed: by turns of every family, each cell of a family once before any twice. */
import { Chance } from "@plumbline/resolver/testing/fuzz/chance";
import { type Family, type Mutation, withId } from "./mutation.ts";
import { FAMILIES } from "./mutation-families.ts";

export function mutationOf(seed: number, number: number): Mutation {
	const family = FAMILIES[number % FAMILIES.length] as Family;
	const turn = Math.floor(number / FAMILIES.length);
	const cell = cellOf(family, seed, turn);
	const text = family.make(cell, new Chance(seed, number));
	return { number, family: family.name, text: withId(text, number) };
}

/** A walk through the box by a stride that shares no factor with its size comes to every cell. */
function cellOf({ sides }: Family, seed: number, turn: number): number[] {
	const size = sides.reduce((product, side) => product * side, 1);
	const chance = new Chance(seed, sides.length);
	let stride = Math.floor(size * 0.618) + chance.below(1000);
	while (commonFactor(stride, size) !== 1) stride++;
	let index = (chance.below(size) + turn * stride) % size;
	return sides.map((side) => {
		const place = index % side;
		index = Math.floor(index / side);
		return place;
	});
}

function commonFactor(one: number, other: number): number {
	return other === 0 ? one : commonFactor(other, one % other);
}
