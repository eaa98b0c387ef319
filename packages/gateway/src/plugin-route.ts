/**
 * The plugins of a route, loaded. Each is asked in its turn and sees the head as the client, or the upstream, sent it;
 * what they change is laid together, a later word on a field stands. The first that answers, or fails where the route
 * would rather refuse, ends it.
 *
 * A reload opens the new ones before the old ones are let go: requests that are under way keep theirs, as they keep
 * their route.
 */
import { readFile, stat } from "node:fs/promises";
import type { RequestHead, ResponseHead } from "./message.ts";
import type { Observe } from "./observer.ts";
import type { PluginCounts, PluginEdits, PluginVerdict, RoutePlugins } from "./plugin-api.ts";
import { engine } from "./plugin-engine.ts";
import { PluginInstance } from "./plugin-instance.ts";
import { readVerdict, requestText, responseText } from "./plugin-text.ts";
import { PluginModuleError } from "./plugin-wasm-bytes.ts";
import { MODULE_BYTES_MAX, safeModule } from "./plugin-wasm-module.ts";
import type { PluginSettings } from "./settings.ts";

export interface PluginParts {
	readonly observe: Observe;
	/** What a plugin has to say; one line, bounded. */
	readonly log: (plugin: string, line: string) => void;
}

export interface OpenedPlugins {
	readonly plugins: RoutePlugins;
	/** Those that could not be loaded, and why: a reload may be refused for it. Their `onFailure` holds meanwhile. */
	readonly faults: readonly string[];
}

/** Never fails: one that cannot be loaded is a fault. */
export async function openPlugins(
	settings: readonly PluginSettings[],
	parts: PluginParts,
): Promise<OpenedPlugins> {
	const loaded: LoadedPlugin[] = [];
	const faults: string[] = [];
	for (const each of settings) {
		const plugin = new LoadedPlugin(each, parts);
		const fault = await plugin.load();
		if (fault !== undefined) faults.push(`plugin ${each.name}: ${fault}`);
		loaded.push(plugin);
	}
	return { plugins: new PluginsInTurn(loaded), faults };
}

class LoadedPlugin {
	readonly settings: PluginSettings;
	readonly #parts: PluginParts;
	#instance: PluginInstance | undefined;
	#calls = 0;
	#faults = 0;
	#stopped = 0;

	constructor(settings: PluginSettings, parts: PluginParts) {
		this.settings = settings;
		this.#parts = parts;
	}

	/** Why it could not be. */
	async load(): Promise<string | undefined> {
		const { name, module, memoryBytesMax } = this.settings;
		try {
			if ((await stat(module)).size > MODULE_BYTES_MAX)
				throw new PluginModuleError(`the module is larger than ${MODULE_BYTES_MAX} bytes`);
			const bytes = await readFile(module);
			const compiled = new engine.Module(safeModule(bytes, memoryBytesMax));
			this.#instance = new PluginInstance(compiled, this.settings, (line) => this.#parts.log(name, line));
			return undefined;
		} catch (error) {
			const fault = error instanceof Error ? error.message : String(error);
			this.#fault(fault);
			return fault;
		}
	}

	get counts(): PluginCounts {
		return {
			plugin: this.settings.name,
			calls: this.#calls,
			faults: this.#faults,
			stopped: this.#stopped,
			logLinesDropped: this.#instance?.logLinesDropped ?? 0,
		};
	}

	ask(hook: "onRequest" | "onResponse", text: string): PluginVerdict {
		if (this.#instance === undefined) return this.#failed();
		this.#calls++;
		const outcome = this.#instance.call(hook, text);
		switch (outcome.kind) {
			case "nothing":
				return UNCHANGED;
			case "fault":
				if (outcome.stopped) this.#stopped++;
				this.#fault(outcome.fault);
				return this.#failed();
			case "text":
				if (outcome.bytes.length === 0) return UNCHANGED;
				try {
					return readVerdict(outcome.bytes, hook === "onRequest" ? "request" : "response");
				} catch (error) {
					this.#fault(error instanceof Error ? error.message : String(error));
					return this.#failed();
				}
		}
	}

	#failed(): PluginVerdict {
		const { name, onFailure } = this.settings;
		return onFailure === "pass" ? UNCHANGED : { kind: "failed", plugin: name };
	}

	#fault(fault: string): void {
		this.#faults++;
		this.#parts.observe({ kind: "plugin", plugin: this.settings.name, fault });
	}
}

const UNCHANGED: PluginVerdict = { kind: "continue", edits: undefined };

class PluginsInTurn implements RoutePlugins {
	readonly #plugins: readonly LoadedPlugin[];

	constructor(plugins: readonly LoadedPlugin[]) {
		this.#plugins = plugins;
	}

	get empty(): boolean {
		return this.#plugins.length === 0;
	}

	get counts(): readonly PluginCounts[] {
		return this.#plugins.map(({ counts }) => counts);
	}

	onRequest(head: RequestHead, clientAddress: string): PluginVerdict {
		return this.empty ? UNCHANGED : this.#ask("onRequest", requestText(head, clientAddress));
	}

	onResponse(head: ResponseHead): PluginVerdict {
		return this.empty ? UNCHANGED : this.#ask("onResponse", responseText(head));
	}

	#ask(hook: "onRequest" | "onResponse", text: string): PluginVerdict {
		let edits: PluginEdits | undefined;
		for (const plugin of this.#plugins) {
			const verdict = plugin.ask(hook, text);
			if (verdict.kind !== "continue") return verdict;
			if (verdict.edits !== undefined) edits = together(edits, verdict.edits);
		}
		return edits === undefined ? UNCHANGED : { kind: "continue", edits };
	}
}

/** The later one's word stands. */
function together(before: PluginEdits | undefined, after: PluginEdits): PluginEdits {
	if (before === undefined) return after;
	const changed = new Set(after.remove);
	for (let at = 0; at < after.set.length; at += 2) changed.add(after.set[at] ?? "");
	const kept: string[] = [];
	for (let at = 0; at < before.set.length; at += 2) {
		const name = before.set[at] ?? "";
		if (!changed.has(name)) kept.push(name, before.set[at + 1] ?? "");
	}
	return {
		remove: [...before.remove, ...after.remove],
		set: [...kept, ...after.set],
		path: after.path ?? before.path,
		status: after.status ?? before.status,
	};
}
