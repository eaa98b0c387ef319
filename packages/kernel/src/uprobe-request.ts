/** What a caller asks of uprobes.ts and what it gets, by whichever route. */

export interface UprobeRequest {
	/** The executable; `/proc/self/fd/N` of it holds through replaced files, containers and an exec of the process. */
	readonly path: string;
	/** Only this process, all its threads; a second one of the same file is left alone. */
	readonly pid: number;
	/** Offsets in the file (not addresses), each the first byte of an instruction. */
	readonly offsets: readonly number[];
	/** A number for each offset that the program reads by `get_attach_cookie`. Kernel 5.15 by perf. */
	readonly cookies?: readonly bigint[];
	/** The program, from `BpfAssembler.build`; it is loaded in the form the route wants. */
	readonly instructions: Uint8Array;
	readonly name: string;
	/** Default "auto". */
	readonly route?: "auto" | UprobeRoute;
}

export type UprobeRoute = "multi" | "perf";

export interface UprobeAttachment {
	readonly route: UprobeRoute;
	/**
	 * Takes the probes out. The kernel waits for running handlers: tens of ms (multi) up to seconds (perf),
	 * on another thread. Probes may still hit until it resolves. Never rejects.
	 */
	readonly close: () => Promise<void>;
}
