/** For tests: profile.proto written field by field, whole or wrong in any way a test wants. */

/** A field of a message: its number, and a number or the bytes of what it holds. */
export type Field = readonly [
	number: number,
	value: bigint | number | string | Uint8Array | readonly Field[],
];

function varint(value: bigint | number): number[] {
	const bytes: number[] = [];
	let rest = BigInt.asUintN(64, BigInt(value));
	do {
		const seven = Number(rest & 0x7fn);
		rest >>= 7n;
		bytes.push(rest === 0n ? seven : seven | 0x80);
	} while (rest > 0n);
	return bytes;
}

export function message(...fields: readonly Field[]): Uint8Array {
	return Uint8Array.from(fields.flatMap(fieldBytes));
}

function fieldBytes([number, value]: Field): number[] {
	if (typeof value === "number" || typeof value === "bigint")
		return [...varint(number << 3), ...varint(value)];
	const bytes = contents(value);
	return [...varint((number << 3) | 2), ...varint(bytes.length), ...bytes];
}

function contents(value: string | Uint8Array | readonly Field[]): readonly number[] {
	if (typeof value === "string") return [...Buffer.from(value)];
	return value instanceof Uint8Array ? [...value] : value.flatMap(fieldBytes);
}

/** Numbers in one field. */
export function packed(...values: readonly (bigint | number)[]): Uint8Array {
	return Uint8Array.from(values.flatMap(varint));
}

/** Fields of the message Profile. */
const SAMPLE_TYPE = 1;
export const SAMPLE = 2;
export const LOCATION = 4;
export const FUNCTION = 5;
export const STRING = 6;

/** A whole profile: three calls, one of them inlined, two samples, one of them labelled. */
export const SMALL: readonly Field[] = [
	[
		SAMPLE_TYPE,
		[
			[1, 1],
			[2, 2],
		],
	],
	[
		SAMPLE,
		[
			[1, packed(1, 2)],
			[2, packed(5)],
		],
	],
	[
		SAMPLE,
		[
			[1, packed(2)],
			[2, packed(7)],
			[
				3,
				[
					[1, 8],
					[2, 9],
				],
			],
			[
				3,
				[
					[1, 10],
					[3, 64],
					[4, 11],
				],
			],
		],
	],
	[
		LOCATION,
		[
			[1, 1],
			[3, 0x1000],
			[
				4,
				[
					[1, 1],
					[2, 42],
				],
			],
			[
				4,
				[
					[1, 2],
					[2, 50],
				],
			],
		],
	],
	[
		LOCATION,
		[
			[1, 2],
			[3, 0x2000],
			[
				4,
				[
					[1, 3],
					[2, 9],
				],
			],
		],
	],
	[
		FUNCTION,
		[
			[1, 1],
			[2, 3],
			[4, 6],
			[5, 40],
		],
	],
	[
		FUNCTION,
		[
			[1, 2],
			[2, 4],
			[4, 6],
		],
	],
	[
		FUNCTION,
		[
			[1, 3],
			[2, 5],
			[4, 7],
		],
	],
	...["", "samples", "count", "main.a", "main.b", "main.main", "/srv/a.go", "/srv/main.go"].map(
		(text): Field => [STRING, text],
	),
	...["user", "anna", "bytes", "bytes"].map((text): Field => [STRING, text]),
];
