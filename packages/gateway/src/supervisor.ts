/**
 * A gateway from its start to its end.
 *
 *   configuration ─▶ sockets ─▶ fleet (this process, or workers) ─▶ … ─▶ drain
 *                                  ▲ reload: what changed; roll: new workers; hand over: a new program
 *
 * What has to be done is done one after another; a broken configuration changes nothing.
 */
import type { GatewayConfigRead } from "./config.ts";
import type { Environment } from "./config-secret.ts";
import { handOver, type Inheritance, inheritance } from "./handover.ts";
import { changesInWords, type FileDigests, isUnchanged, settingsChanges } from "./reload-difference.ts";
import { ConfigSource } from "./reload-source.ts";
import type { GatewaySettings } from "./settings.ts";
import type { Fleet, FleetParts } from "./supervisor-fleet.ts";
import { loadSocketLibc } from "./supervisor-libc.ts";
import { takeWishes } from "./supervisor-signals.ts";
import { openSingle } from "./supervisor-single.ts";
import { GatewaySockets } from "./supervisor-sockets.ts";
import { startWords } from "./supervisor-words.ts";
import { openWorkers } from "./supervisor-workers.ts";
import type { OpenGateway } from "./worker-contract.ts";
import { PublishedTopics } from "./worker-messages.ts";

export interface GatewayRun {
	/** YAML; config.ts says what is in it. */
	readonly file: string;
	readonly environment: Environment;
	readonly open: OpenGateway;
	/** A module that calls `runWorker` with the same. */
	readonly workerModule: URL;
	/** A line for people. */
	say(line: string): void;
	/** Ends the process, after a second signal. */
	atOnce(): void;
}

/** The configuration cannot be taken: each line is one thing to put right. */
export class ConfigRefused extends Error {
	override readonly name = "ConfigRefused";
}

type GoodConfig = Extract<GatewayConfigRead, { kind: "config" }>;

/**
 * Resolves when it was told to stop, or handed over, and all connections have ended. Rejects with ConfigRefused,
 * ListenRefused or what else cannot be had at the start.
 */
export async function runGateway(run: GatewayRun): Promise<void> {
	const heir = await inheritance();
	const source = new ConfigSource(run.file, run.environment);
	const ended = Promise.withResolvers<void>();
	let supervisor: Supervisor | undefined;
	let missed: "stop" | "reload" | undefined;
	const release = takeWishes({
		stop: () => {
			missed = "stop";
			supervisor?.stop();
		},
		atOnce: run.atOnce,
		reload: () => {
			missed ??= "reload";
			supervisor?.reload();
		},
		roll: () => supervisor?.roll(),
		handOver: () => supervisor?.handOver(),
	});
	try {
		const config = source.read();
		if (config.kind === "refused") throw new ConfigRefused(config.faults.join("\n"));
		supervisor = await Supervisor.start(run, source, config, heir, ended.resolve);
		await heir?.report({ kind: "ready" });
		// Who has only just started it may already want something.
		if (missed === "stop") supervisor.stop();
		else if (missed === "reload") supervisor.reload();
		await ended.promise;
	} catch (error) {
		await heir?.report({ kind: "failed", why: error instanceof Error ? error.message : String(error) });
		throw error;
	} finally {
		source.close();
		release();
	}
}

class Supervisor {
	readonly #run: GatewayRun;
	readonly #source: ConfigSource;
	readonly #parts: FleetParts;
	readonly #fleet: Fleet;
	readonly #ended: () => void;
	#settings: GatewaySettings;
	#files: FileDigests;
	#changing: Promise<void> = Promise.resolve();
	#isEnding = false;

	static async start(
		run: GatewayRun,
		source: ConfigSource,
		config: GoodConfig,
		heir: Inheritance | undefined,
		ended: () => void,
	): Promise<Supervisor> {
		const { settings } = config;
		const libc = await loadSocketLibc();
		const sockets = libc && new GatewaySockets(libc, settings.workers);
		const published = new PublishedTopics();
		for (const [topic, value] of heir?.published ?? []) published.set(topic, value);
		const { open, workerModule, say } = run;
		const parts: FleetParts = { open, workerModule, libc, sockets, published, say };
		try {
			sockets?.inherit(heir?.sockets ?? []);
			sockets?.ensure(settings);
			const fleet = await (settings.workers === 1
				? openSingle(parts, settings)
				: openWorkers(parts, settings));
			sockets?.release(settings);
			return new Supervisor(run, source, parts, fleet, config, ended);
		} catch (error) {
			if (heir === undefined) sockets?.closeAll();
			else sockets?.leave();
			throw error;
		}
	}

	private constructor(
		run: GatewayRun,
		source: ConfigSource,
		parts: FleetParts,
		fleet: Fleet,
		{ settings, files, warnings }: GoodConfig,
		ended: () => void,
	) {
		this.#run = run;
		this.#source = source;
		this.#parts = parts;
		this.#fleet = fleet;
		this.#settings = settings;
		this.#files = files;
		this.#ended = ended;
		for (const warning of warnings) run.say(`warning: ${warning}`);
		run.say(startWords(settings, parts.sockets?.places(settings) ?? fleet.listening, fleet.pids));
		this.#watch(files.keys());
	}

	/** One after another; a second change while the first is made is made after it. */
	#next(work: () => Promise<void>): void {
		this.#changing = this.#changing.then(async () => {
			if (!this.#isEnding) await work();
		});
	}

	reload(): void {
		this.#next(() => this.#reloaded());
	}

	roll(): void {
		this.#next(async () => {
			if (this.#settings.workers === 1) return await this.#handedOver();
			this.#run.say("new workers take over in turn");
			try {
				await this.#fleet.roll();
				this.#run.say(`new workers serve: pid ${this.#fleet.pids.join(", ")}`);
			} catch (error) {
				this.#run.say(`the old workers stay: ${wordsOf(error)}`);
			}
		});
	}

	handOver(): void {
		this.#next(() => this.#handedOver());
	}

	stop(): void {
		// Told while it drains for a successor already: no more waiting.
		if (this.#isEnding) void this.#fleet.close().then(this.#ended);
		this.#next(async () => {
			this.#isEnding = true;
			this.#run.say("stopping; again to stop at once");
			this.#source.close();
			// Ours first: whoever waits in a queue is refused when the workers close theirs, and tries elsewhere.
			this.#parts.sockets?.closeAll();
			await this.#fleet.drain();
			this.#ended();
		});
	}

	async #reloaded(): Promise<void> {
		const { say } = this.#run;
		const read = this.#source.read();
		if (read.kind === "refused") {
			this.#fleet.reloaded({ kind: "reload", result: "refused", changed: [], faults: read.faults });
			say("the new configuration is not taken, the old one stays:");
			for (const fault of read.faults) say(`  ${fault}`);
			this.#watch([...this.#files.keys(), ...read.files]);
			return;
		}
		const settings = { ...read.settings, workers: this.#settings.workers };
		const changes = settingsChanges(this.#settings, settings, this.#files, read.files);
		if (read.settings.workers !== settings.workers)
			say("workers: another number needs a new start (SIGUSR2)");
		if (!isUnchanged(changes)) {
			try {
				this.#parts.sockets?.ensure(settings);
				await this.#fleet.apply({ settings, changes });
			} catch (error) {
				this.#parts.sockets?.release(this.#settings);
				const why = wordsOf(error);
				this.#fleet.reloaded({ kind: "reload", result: "refused", changed: [], faults: [why] });
				say(`the new configuration is not taken, the old one stays: ${why}`);
				this.#watch([...this.#files.keys(), ...read.files.keys()]);
				return;
			}
			this.#parts.sockets?.release(settings);
		}
		this.#settings = settings;
		this.#files = read.files;
		this.#watch(read.files.keys());
		for (const warning of read.warnings) say(`warning: ${warning}`);
		const words = changesInWords(changes);
		const result = words.length === 0 ? "unchanged" : "done";
		this.#fleet.reloaded({ kind: "reload", result, changed: words, faults: [] });
		say(`configuration read again: ${words.length === 0 ? "nothing has changed" : words.join(", ")}`);
	}

	async #handedOver(): Promise<void> {
		const { say } = this.#run;
		const { sockets, published } = this.#parts;
		if (sockets === undefined) return say("a handover needs koffi (npm install koffi), and Linux of 64 bits");
		if (process.pid === 1)
			return say("process 1 of a container cannot hand over: its end is the container's end");
		say("a new program is started to take over");
		try {
			const pid = await handOver(sockets.all(), published.all);
			say(`process ${pid} serves now; this one ends when its last connection has`);
		} catch (error) {
			return say(`no handover, this process stays: ${wordsOf(error)}`);
		}
		this.#isEnding = true;
		this.#source.close();
		sockets.leave();
		await this.#fleet.drain();
		this.#ended();
	}

	#watch(files: Iterable<string>): void {
		this.#source.watch(
			files,
			() => this.reload(),
			(line) => this.#run.say(line),
		);
	}
}

function wordsOf(error: unknown): string {
	return error instanceof Error ? error.message : String(error);
}
