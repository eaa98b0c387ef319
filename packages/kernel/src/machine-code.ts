/** The instructions of a function, on either architecture. */
import { splitAmd64 } from "./machine-code-amd64.ts";
import { splitArm64 } from "./machine-code-arm64.ts";
import type { Instruction } from "./machine-code-instruction.ts";

/** All instructions, from the first byte to the last; undefined when one is not known or cut short. */
export function splitCode(code: Uint8Array, arch: "amd64" | "arm64"): readonly Instruction[] | undefined {
	return arch === "amd64" ? splitAmd64(code) : splitArm64(code);
}
