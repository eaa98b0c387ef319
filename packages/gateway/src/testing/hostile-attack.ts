/** What hostile clients do: each attack by name, which runs until it has come to its end or is told to stop. */

export interface HostileTarget {
	/** In the clear, both protocols. */
	readonly port: number;
	/** Behind TLS; undefined: there is none. */
	readonly tlsPort: number | undefined;
	/** An answer of many MiB, and one that never ends after 101. */
	readonly paths: { readonly large: string; readonly endless: string };
}

export interface Attack {
	readonly name: string;
	/** Of connections or frames, in an attack of full size. */
	readonly size: number;
	/** Says what came of it. Nothing of it is left when it resolves. */
	run(target: HostileTarget, size: number, signal: AbortSignal): Promise<string>;
}
