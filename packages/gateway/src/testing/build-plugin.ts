/** Builds plugins from AssemblyScript, in memory. */
import asc from "assemblyscript/asc";

/** Throws with the compiler's words. */
export async function buildPlugin(source: string): Promise<Uint8Array> {
	let built: Uint8Array | undefined;
	const { error, stderr } = await asc.main(
		["plugin.ts", "-O", "--runtime", "incremental", "--use", "abort=", "-o", "plugin.wasm"],
		{
			readFile: (name) => (name === "plugin.ts" ? source : null),
			writeFile: (name, contents) => {
				if (name === "plugin.wasm" && typeof contents !== "string") built = contents;
			},
			listFiles: () => [],
		},
	);
	if (error !== null || built === undefined) throw new Error(stderr.toString(), { cause: error });
	return built;
}

/** All that a plugin must export, around what it does with a request. */
export function pluginSource(onRequest: string, more = ""): string {
	return `
		let room: usize = 0;
		let said = new ArrayBuffer(0);
		${more}
		export function plumbline_abi_version(): i32 { return 1; }
		export function alloc(length: i32): usize {
			if (room != 0) heap.free(room);
			room = heap.alloc(length);
			return room;
		}
		function say(text: string): u64 {
			said = String.UTF8.encode(text);
			return ((<u64>changetype<usize>(said)) << 32) | said.byteLength;
		}
		export function on_request(ptr: usize, length: i32): u64 { ${onRequest} }
	`;
}
