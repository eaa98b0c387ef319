/** The parts of WebAssembly's own API that plugins are run by; Node's types do not name them. */

interface Engine {
	validate(bytes: Uint8Array<ArrayBuffer>): boolean;
	readonly Module: new (bytes: Uint8Array<ArrayBuffer>) => WasmModule;
	readonly Instance: new (
		module: WasmModule,
		imports: Readonly<Record<string, Readonly<Record<string, unknown>>>>,
	) => { readonly exports: Readonly<Record<string, unknown>> };
}

/** Compiled; any number of instances can be made of it. */
export interface WasmModule {
	readonly [Symbol.toStringTag]: string;
}

declare const WebAssembly: Engine;

export const engine: Engine = WebAssembly;
