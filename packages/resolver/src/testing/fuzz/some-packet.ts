/** Packets as clients, and as others, send them to a server: queries of many kinds, damaged or not, and noise. */
import { type Chance, wounded } from "./chance.ts";
import { REAL_MESSAGES } from "./seed-messages.ts";

const NAMES = ["h7", "h8", "H7", "many", "big", "short", "missing", "fail", "stale", "a.b.c", "x".repeat(63)];
const TYPES = [1, 1, 1, 28, 16, 65, 255, 0, 41, 251, 252, 65_535];
const CLASSES = [1, 1, 1, 1, 1, 1, 3, 254, 255];
const FLAGS = [0x0100, 0x0100, 0x0100, 0x0120, 0x0110, 0x0000, 0x2100, 0x8180, 0x0300, 0x7900];
const SIZES = [0, 512, 513, 1232, 4096, 65_535];
const OPTIONS: readonly (readonly number[])[] = [
	[],
	[],
	[0, 12, 0, 3, 0, 0, 0],
	[0, 8, 0, 7, 0, 1, 24, 0, 192, 0, 2],
	[0, 8, 0, 8, 0, 1, 33, 0, 192, 0, 2, 1],
	[0, 10, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8],
	[0, 10, 0, 9, 1],
	[255, 255, 0, 0],
];
const NOISE_OCTETS_MAX = 80;

export function somePacket(chance: Chance): Uint8Array {
	if (chance.oneIn(20))
		return Uint8Array.from({ length: chance.below(NOISE_OCTETS_MAX) }, () => chance.below(256));
	const packet = chance.oneIn(10) ? asQuery(chance.of(REAL_MESSAGES)) : someQuery(chance);
	return chance.oneIn(3) ? packet : wounded(packet, REAL_MESSAGES, chance);
}

/** A real message as if it asked. */
function asQuery(message: Uint8Array): Uint8Array {
	const copy = message.slice();
	copy[2] = (copy[2] ?? 0) & 0x7f;
	return copy;
}

export function someQuery(chance: Chance): Uint8Array {
	const pair = (value: number) => [value >> 8, value & 0xff];
	const name = `${chance.of(NAMES)}.test`
		.split(".")
		.flatMap((label) => [label.length, ...Buffer.from(label)]);
	const hasOpt = chance.oneIn(2);
	const options = chance.of(OPTIONS);
	const version = chance.oneIn(20) ? 1 : 0;
	const size = pair(chance.of(SIZES));
	const opt = [
		0,
		0,
		41,
		...size,
		0,
		version,
		chance.oneIn(3) ? 0x80 : 0,
		0,
		...pair(options.length),
		...options,
	];
	return Uint8Array.from([
		...pair(chance.below(0x1_0000)),
		...pair(chance.of(FLAGS)),
		...[0, 1, 0, 0, 0, 0, 0, hasOpt ? 1 : 0],
		...[...name, 0, ...pair(chance.of(TYPES)), ...pair(chance.of(CLASSES))],
		...(hasOpt ? opt : []),
	]);
}
