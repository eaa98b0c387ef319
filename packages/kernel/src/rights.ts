/** What this host and this user allow: read, and tried where trying harms nothing. */

import type { Reading } from "./reading.ts";
import { type Capabilities, readCapabilities } from "./rights-capabilities.ts";
import { type Confinement, readConfinement } from "./rights-confinement.ts";
import { type KernelSettings, readKernelSettings } from "./rights-settings.ts";
import { type Trials, tryRights } from "./rights-trials.ts";

export interface HostRights {
	/** Effective user id. */
	readonly uid: number;
	readonly capabilities: Reading<Capabilities>;
	readonly confinement: Confinement;
	readonly settings: KernelSettings;
	readonly trials: Trials;
}

/** `searchPath` as of $PATH. */
export async function readHostRights(searchPath: string): Promise<HostRights> {
	return {
		uid: process.geteuid?.() ?? 0,
		capabilities: readCapabilities(),
		confinement: readConfinement(),
		settings: readKernelSettings(),
		trials: await tryRights(searchPath),
	};
}
