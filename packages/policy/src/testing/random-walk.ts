/** Random walks through a state machine beside a model of it. The seed is fixed; a failure tells seed and step. */

const SEED = 20_260_101;

export interface Random {
	/** 0 to below 1. */
	(): number;
	/** A whole number from 0 to below `end`. */
	below(end: number): number;
	pick<T>(of: readonly T[]): T;
}

/** Calls `start` for each walk, and what it returns for each of its steps. `PLUMBLINE_SEED` asks for another seed. */
export function randomWalks(walks: number, steps: number, start: (random: Random) => (step: number) => void) {
	const first = Number(process.env.PLUMBLINE_SEED ?? SEED);
	for (let seed = first; seed < first + walks; seed++) {
		let done = 0;
		try {
			const step = start(randomOf(seed));
			for (; done < steps; done++) step(done);
		} catch (cause) {
			throw new Error(
				`PLUMBLINE_SEED=${seed}, step ${done}: ${cause instanceof Error ? cause.message : cause}`,
				{
					cause,
				},
			);
		}
	}
}

/** xorshift32. */
function randomOf(seed: number): Random {
	let state = (Math.imul(seed, 0x9e3779b1) ^ 0x5bf03635) | 1;
	const next = () => {
		state ^= state << 13;
		state ^= state >>> 17;
		state ^= state << 5;
		return (state >>> 0) / 2 ** 32;
	};
	const below = (end: number) => Math.floor(next() * end);
	const pick = <T>(of: readonly T[]): T => of[below(of.length)] as T;
	return Object.assign(next, { below, pick });
}
