/** The configuration's file: read when asked, and watched together with the files that it names. */
import { readFileSync } from "node:fs";
import { type FileWatch, watchFiles } from "@plumbline/resolver/file-watch";
import { type GatewayConfigRead, readGatewayConfig } from "./config.ts";
import { digestOf } from "./config-files.ts";
import type { Environment } from "./config-secret.ts";
import type { FileDigests } from "./reload-difference.ts";

export class ConfigSource {
	readonly #file: string;
	readonly #environment: Environment;
	/** As they were read last. */
	#text: string | undefined;
	#digests: FileDigests = new Map();
	#watched: readonly string[] = [];
	#watch: FileWatch | undefined;

	constructor(file: string, environment: Environment) {
		this.#file = file;
		this.#environment = environment;
	}

	read(): GatewayConfigRead {
		this.#text = textOf(this.#file);
		const read = readGatewayConfigFile(this.#file, this.#environment);
		this.#digests = read.kind === "config" ? read.files : new Map();
		return read;
	}

	/**
	 * From now on these too, and no others. A refused configuration is watched as well: it may be put right. What was
	 * written between the reading and the watching is told at once.
	 */
	watch(files: Iterable<string>, onChange: () => void, say: (line: string) => void): void {
		const wanted = [...new Set([this.#file, ...files])].toSorted();
		if (this.#watch !== undefined && wanted.join("\n") === this.#watched.join("\n")) return;
		this.#watch?.close();
		this.#watched = wanted;
		this.#watch = watchFiles(wanted, onChange, (folder, why) =>
			say(`changes in ${folder} are not seen (${why}): send SIGHUP after one`),
		);
		if (this.#isOld()) onChange();
	}

	#isOld(): boolean {
		if (textOf(this.#file) !== this.#text) return true;
		return [...this.#digests].some(([name, digest]) => {
			const bytes = bytesOf(name);
			return bytes === undefined || digestOf(bytes) !== digest;
		});
	}

	close(): void {
		this.#watch?.close();
		this.#watch = undefined;
	}
}

/** As it is now, once. */
export function readGatewayConfigFile(file: string, environment: Environment): GatewayConfigRead {
	try {
		const text = readFileSync(file, "utf8");
		return readGatewayConfig({ name: file, text }, { environment, wallMs: Date.now() });
	} catch (error) {
		const why = error instanceof Error ? error.message : String(error);
		return { kind: "refused", faults: [`${file} cannot be read: ${why}`], files: [] };
	}
}

function textOf(file: string): string | undefined {
	return bytesOf(file)?.toString("utf8");
}

function bytesOf(file: string): Buffer | undefined {
	try {
		return readFileSync(file);
	} catch {
		return undefined;
	}
}
