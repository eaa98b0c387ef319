/**
 * One plugin: its module, and the instance that is asked now. Calls are synchronous, in the gateway's own thread: the
 * fuel that was built into the module ends one that takes too long. After a fault the instance is thrown away, since
 * nobody knows what state it is in; the next call makes a new one.
 *
 *     call ─▶ fuel set ─▶ alloc(bytes) ─▶ text written ─▶ on_request(ptr, len) ─▶ (ptr << 32 | len) ─▶ verdict
 *                            └──────────── trap, no fuel, no verdict: fault ────────────┘
 */
import { engine, type WasmModule } from "./plugin-engine.ts";
import { PluginModuleError } from "./plugin-wasm-bytes.ts";
import { FUEL_EXPORT } from "./plugin-wasm-module.ts";

/** Instructions in a millisecond, at least: most machines do ten times as many, some instructions take ten times as long. */
const FUEL_PER_MS = 100_000;
const RESULT_BYTES_MAX = 256 * 1024;
const LOG_LINES_MAX = 8;
const LOG_BYTES_MAX = 256;
const ABI_VERSION = 1;

export interface PluginLimits {
	readonly cpuMsMax: number;
	readonly config: string;
}

export type PluginOutcome =
	/** Valid until the next call. */
	| { readonly kind: "text"; readonly bytes: Buffer }
	/** The module has no such function. */
	| { readonly kind: "nothing" }
	| { readonly kind: "fault"; readonly fault: string; readonly stopped: boolean };

type Hook = (ptr: number, length: number) => unknown;

interface Exports {
	readonly memory: { readonly buffer: ArrayBuffer };
	readonly fuel: { value: bigint };
	readonly alloc: (length: number) => unknown;
	readonly onRequest: Hook;
	readonly onResponse: Hook | undefined;
	readonly onConfig: Hook | undefined;
}

export class PluginInstance {
	readonly #module: WasmModule;
	readonly #fuel: bigint;
	readonly #config: string;
	readonly #log: (line: string) => void;
	#exports: Exports | undefined;
	#logLines = 0;
	logLinesDropped = 0;

	/** Makes the first instance. Throws PluginModuleError. */
	constructor(module: WasmModule, { cpuMsMax, config }: PluginLimits, log: (line: string) => void) {
		this.#module = module;
		this.#fuel = BigInt(Math.ceil(cpuMsMax * FUEL_PER_MS));
		this.#config = config;
		this.#log = log;
		try {
			this.#exports = this.#instance();
		} catch (cause) {
			throw cause instanceof PluginModuleError ? cause : new PluginModuleError(String(cause), { cause });
		}
	}

	call(hook: "onRequest" | "onResponse", text: string): PluginOutcome {
		let exports = this.#exports;
		try {
			exports ??= this.#instance();
			this.#exports = exports;
			const run = exports[hook];
			if (run === undefined) return { kind: "nothing" };
			exports.fuel.value = this.#fuel;
			this.#logLines = 0;
			return { kind: "text", bytes: handed(exports, run, text) };
		} catch (error) {
			this.#exports = undefined;
			const stopped = exports !== undefined && exports.fuel.value < 0n;
			return { kind: "fault", fault: stopped ? "it took too long" : oneLine(String(error)), stopped };
		}
	}

	#instance(): Exports {
		let exports: Exports | undefined;
		const log = (ptr: number, length: number) => this.#logged(exports, ptr, length);
		this.#logLines = 0;
		exports = exportsOf(new engine.Instance(this.#module, { plumbline: { log } }).exports);
		if (exports.onConfig !== undefined) {
			exports.fuel.value = this.#fuel;
			handed(exports, exports.onConfig, this.#config);
		}
		return exports;
	}

	#logged(exports: Exports | undefined, ptr: number, length: number): void {
		if (exports === undefined || ++this.#logLines > LOG_LINES_MAX) {
			this.logLinesDropped++;
			return;
		}
		const bytes = Buffer.from(exports.memory.buffer);
		const from = ptr >>> 0;
		this.#log(oneLine(bytes.toString("utf8", from, from + Math.min(length >>> 0, LOG_BYTES_MAX))));
	}
}

function handed({ memory, alloc }: Exports, run: Hook, text: string): Buffer {
	const length = Buffer.byteLength(text);
	const ptr = Number(alloc(length)) >>> 0;
	// It may have grown: the buffer of before is none any more.
	const room = Buffer.from(memory.buffer);
	if (ptr + length > room.length) throw new Error(`alloc(${length}) gave no room`);
	room.write(text, ptr);
	const packed = run(ptr, length);
	if (packed === undefined || packed === 0n) return Buffer.alloc(0);
	const result = BigInt.asUintN(64, packed as bigint);
	const at = Number(result >> 32n);
	const resultLength = Number(result & 0xffffffffn);
	const bytes = Buffer.from(memory.buffer);
	if (resultLength > RESULT_BYTES_MAX) throw new Error(`its verdict has more than ${RESULT_BYTES_MAX} bytes`);
	if (at + resultLength > bytes.length) throw new Error("its verdict is not in its memory");
	return bytes.subarray(at, at + resultLength);
}

function exportsOf(exports: Readonly<Record<string, unknown>>): Exports {
	const { memory, alloc, on_request, on_response, on_config } = exports;
	const version = call0(exports.plumbline_abi_version);
	if (version !== ABI_VERSION)
		throw new PluginModuleError(`plumbline_abi_version() must be ${ABI_VERSION}, not ${String(version)}`);
	if (typeof memory !== "object" || memory === null || typeof alloc !== "function")
		throw new PluginModuleError("it must export memory and alloc");
	if (typeof on_request !== "function") throw new PluginModuleError("it must export on_request");
	return {
		memory: memory as Exports["memory"],
		fuel: exports[FUEL_EXPORT] as Exports["fuel"],
		alloc: alloc as Exports["alloc"],
		onRequest: on_request as Hook,
		onResponse: typeof on_response === "function" ? (on_response as Hook) : undefined,
		onConfig: typeof on_config === "function" ? (on_config as Hook) : undefined,
	};
}

function call0(of: unknown): unknown {
	return typeof of === "function" ? of() : undefined;
}

/** For logs: what comes from a plugin is not to write lines of its own there. */
function oneLine(text: string): string {
	return text.slice(0, LOG_BYTES_MAX).replace(/[^\x20-\x7e\u00a0-\uffff]/g, "�");
}
