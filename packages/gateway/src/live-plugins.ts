/**
 * The plugins of routes, over reloads. A route whose plugins are the same files with the same content keeps them; another
 * content is loaded beside the old one, which those who are under way still have.
 */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { isDeepStrictEqual } from "node:util";
import type { PluginsOf } from "./live-site.ts";
import type { RoutePlugins } from "./plugin-api.ts";
import { openPlugins, type PluginParts } from "./plugin-route.ts";
import type { PluginSettings, RouteSettings } from "./settings.ts";

interface Loaded {
	readonly settings: readonly PluginSettings[];
	/** Of the modules, in their order. */
	readonly digests: readonly string[];
	readonly plugins: RoutePlugins;
}

export class LivePlugins {
	readonly #parts: PluginParts;
	#byRoute: ReadonlyMap<string, Loaded> = new Map();

	constructor(parts: PluginParts) {
		this.#parts = parts;
	}

	/** Rejects with what could not be loaded; those of before stay in force then. */
	async open(routes: readonly RouteSettings[]): Promise<PluginsOf> {
		const next = new Map<string, Loaded>();
		for (const { name, plugins } of routes) {
			if (plugins.length > 0) next.set(name, await this.#load(this.#byRoute.get(name), plugins));
		}
		this.#byRoute = next;
		return ({ name }) => next.get(name)?.plugins;
	}

	async #load(before: Loaded | undefined, settings: readonly PluginSettings[]): Promise<Loaded> {
		const digests = await Promise.all(settings.map(({ module }) => digestOf(module)));
		if (before !== undefined && isDeepStrictEqual([before.settings, before.digests], [settings, digests]))
			return before;
		const { plugins, faults } = await openPlugins(settings, this.#parts);
		if (faults.length > 0) throw new Error(faults.join("; "));
		return { settings, digests, plugins };
	}
}

/** Of a file that is not there, nothing: whoever loads it says so in better words. */
async function digestOf(path: string): Promise<string> {
	try {
		return createHash("sha256")
			.update(await readFile(path))
			.digest("hex");
	} catch {
		return "";
	}
}
