/** The pure rooms see no host types; these two exist in Node and in browsers alike. */
declare class TextDecoder {
	constructor(label?: string, options?: { fatal?: boolean; ignoreBOM?: boolean });
	decode(input?: Uint8Array): string;
}
declare class TextEncoder {
	encode(input: string): Uint8Array;
}
