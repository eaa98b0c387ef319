/** WebAssembly modules of plugins, wounded: refused in words or made safe, and what was made safe is still valid. */
import { wounded } from "@plumbline/resolver/testing/fuzz/chance";
import { engine } from "../../plugin-engine.ts";
import { PluginModuleError } from "../../plugin-wasm-bytes.ts";
import { safeModule } from "../../plugin-wasm-module.ts";
import type { Target } from "./target.ts";

/** (module (memory 1) (func (param i32) (result i32) loop … br_if …) (export "f")), by hand. */
const SAMPLE = Uint8Array.from([
	...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
	...[0x01, 0x06, 0x01, 0x60, 0x01, 0x7f, 0x01, 0x7f],
	...[0x03, 0x02, 0x01, 0x00],
	...[0x05, 0x03, 0x01, 0x00, 0x01],
	...[0x07, 0x09, 0x02, 0x01, 0x66, 0x00, 0x00, 0x01, 0x6d, 0x02, 0x00],
	...[0x0a, 0x14, 0x01, 0x12, 0x00, 0x03, 0x40, 0x20, 0x00, 0x41, 0x01, 0x6b, 0x22, 0x00, 0x41, 0x00, 0x4a],
	...[0x0d, 0x00, 0x0b, 0x20, 0x00],
	0x0b,
]);
const MEMORY_BYTES_MAX = 1024 * 1024;

export function wasmTarget(): Target {
	return {
		run(chance) {
			const bytes = chance.oneIn(20) ? SAMPLE : wounded(SAMPLE, [SAMPLE], chance);
			let safe: Uint8Array;
			try {
				safe = safeModule(bytes, MEMORY_BYTES_MAX);
			} catch (error) {
				if (error instanceof PluginModuleError) return;
				throw new Error(`${Buffer.from(bytes).toString("hex")}`, { cause: error });
			}
			if (!engine.validate(Uint8Array.from(safe)))
				throw new Error(`made invalid: ${Buffer.from(bytes).toString("hex")}`);
		},
	};
}
