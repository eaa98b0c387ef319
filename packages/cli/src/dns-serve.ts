/** `plumbline dns serve`: serves until it is told to stop, and takes a new configuration as it comes. */
import { readFileSync } from "node:fs";
import { visibleLines } from "@plumbline/report/visible";
import { type ConfigRead, readServeConfig, type ServeConfig } from "@plumbline/resolver/config";
import type { GivenConfig } from "@plumbline/resolver/config-shape";
import { type FileWatch, watchFiles } from "@plumbline/resolver/file-watch";
import { takeSignals } from "@plumbline/resolver/server-signals";
import type { CliContext } from "./context.ts";
import { OwnServerError, type RunningServer, runServer } from "./dns-serve-running.ts";
import { CommandError, EXIT_INTERRUPTED, EXIT_UNEXAMINED, usageError } from "./exit-code.ts";

export interface DnsServeFlags {
	readonly listen?: readonly string[];
	readonly upstream?: readonly string[];
	readonly upstreamCa?: string;
	readonly config?: string;
	readonly allow?: readonly string[];
	readonly tlsCert?: string;
	readonly tlsKey?: string;
	readonly dot?: readonly string[];
	readonly doh?: readonly string[];
	readonly health?: string;
	readonly healthName?: string;
	readonly snapshot?: string;
	/** Empty for the usual file. */
	readonly watchResolvConf?: string;
	readonly trust?: readonly string[];
	readonly stale?: "after" | "immediate";
}

export async function dnsServe(this: CliContext, flags: DnsServeFlags): Promise<void> {
	const say = (line: string) => {
		for (const visible of visibleLines(line)) this.process.stderr.write(`plumbline dns: ${visible}\n`);
	};
	if (flags.trust !== undefined && flags.watchResolvConf === undefined)
		throw usageError("--trust is for --watch-resolv-conf: whose servers may stand in that file", "dns serve");
	const read = readConfig(flags);
	if (read.kind === "refused") throw usageError(read.faults.join("\n"), "dns serve");
	const stop = new AbortController();
	this.signal.addEventListener("abort", () => stop.abort(), { once: true });
	let reloadIsWanted = false;
	let reload = () => {
		reloadIsWanted = true;
	};
	// Before the start: who has only just started it may already want it to read its configuration again.
	const release = takeStopAndReload(stop, () => reload());
	try {
		const running = await start(read.config, say);
		await served(running);
	} finally {
		release();
	}

	async function served(running: RunningServer): Promise<void> {
		let changing: Promise<void> = Promise.resolve();
		reload = () => {
			// One after another; a second change while the first is made is made after it.
			changing = changing.then(() => reloaded(flags, running, say)).then(() => watchAgain());
		};
		let watched = running.files();
		let watch = watchOf();
		function watchOf(): FileWatch {
			const files = [...(flags.config === undefined ? [] : [flags.config]), ...watched];
			return watchFiles(files, reload, (folder, why) =>
				say(`changes in ${folder} are not seen (${why}): send SIGHUP after one`),
			);
		}
		function watchAgain(): void {
			if (stop.signal.aborted || watched.join("\n") === running.files().join("\n")) return;
			watch.close();
			watched = running.files();
			watch = watchOf();
		}
		try {
			say(running.words());
			if (reloadIsWanted) reload();
			await new Promise<void>((resolve) => {
				if (stop.signal.aborted) resolve();
				stop.signal.addEventListener("abort", () => resolve(), { once: true });
			});
			say("stopping");
			watch.close();
			await changing;
			await running.close();
		} finally {
			watch.close();
		}
	}
}

/** What was asked for cannot be had here: one line, and the system's code in it. */
async function start(config: ServeConfig, say: (line: string) => void): Promise<RunningServer> {
	try {
		return await runServer(config, say);
	} catch (error) {
		if (error instanceof OwnServerError) throw usageError(error.message, "dns serve");
		const message = error instanceof Error ? error.message : String(error);
		throw new CommandError(`the name server could not be started: ${message}`, EXIT_UNEXAMINED, error);
	}
}

async function reloaded(
	flags: DnsServeFlags,
	running: RunningServer,
	say: (line: string) => void,
): Promise<void> {
	const read = readConfig(flags);
	if (read.kind === "refused") {
		say(`the new configuration is not taken, the old one stays: ${read.faults.join("; ")}`);
		return;
	}
	try {
		const kept = await running.change(read.config);
		say(`configuration read again: ${running.words()}`);
		if (kept.length > 0) say(`needs a new start to take effect: ${kept.join(", ")}`);
	} catch (error) {
		const message = error instanceof Error ? error.message : String(error);
		say(`the new configuration is not taken, the old one stays: ${message}`);
	}
}

function readConfig(flags: DnsServeFlags): ConfigRead {
	const above: GivenConfig = {
		...(flags.listen && { listen: [...flags.listen] }),
		...(flags.upstream && { upstreams: [...flags.upstream] }),
		...(flags.upstreamCa !== undefined && { upstreamAuthority: flags.upstreamCa }),
		...(flags.allow && { allow: [...flags.allow] }),
		...(flags.tlsCert !== undefined && { certificate: flags.tlsCert }),
		...(flags.tlsKey !== undefined && { key: flags.tlsKey }),
		...(flags.dot && { dot: [...flags.dot] }),
		...(flags.doh && { doh: [...flags.doh] }),
		...(flags.health !== undefined && { health: flags.health }),
		...(flags.healthName !== undefined && { healthName: flags.healthName }),
		...(flags.snapshot !== undefined && { snapshot: flags.snapshot }),
		...(flags.stale !== undefined && { stale: flags.stale }),
		...(flags.watchResolvConf !== undefined && {
			resolvConf: {
				...(flags.watchResolvConf !== "" && { path: flags.watchResolvConf }),
				trusted: [...(flags.trust ?? [])],
			},
		}),
	};
	if (flags.config === undefined) return readServeConfig(undefined, above);
	try {
		return readServeConfig({ name: flags.config, text: readFileSync(flags.config, "utf8") }, above);
	} catch (error) {
		const message = error instanceof Error ? error.message : String(error);
		return { kind: "refused", faults: [`${flags.config} cannot be read: ${message}`] };
	}
}

/** The process's own handlers are put back by what is returned. */
function takeStopAndReload(stop: AbortController, reload: () => void): () => void {
	const end = () => {
		// The second one is a person who does not want to wait.
		if (stop.signal.aborted) process.exit(EXIT_INTERRUPTED);
		stop.abort();
	};
	return takeSignals({ SIGINT: end, SIGTERM: end, SIGHUP: reload });
}
