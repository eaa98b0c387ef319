/** What every command is given: where to write, when to stop, how to end. */
import type { PageOptions } from "@plumbline/report/page";
import type { CommandContext } from "@stricli/core";
import type { Progress } from "./progress.ts";

export interface CliContext extends CommandContext {
	readonly process: CommandContext["process"] & {
		readonly env: Readonly<Partial<Record<string, string>>>;
		exitCode?: number | string | null;
	};
	/** Says stop on Ctrl-C: everything that waits listens to it. */
	readonly signal: AbortSignal;
	/**
	 * For work that leaves nothing behind: while it runs, Ctrl-C ends the process at once, as it ends any other. Long
	 * pure work would not hear it, nor would a pipe that nobody writes to.
	 */
	readonly endsAtOnce: <T>(work: () => Promise<T>) => Promise<T>;
	readonly progress: Progress;
	/** Columns and colour of stdout, for the text of a diagnosis. */
	readonly page: PageOptions;
}
