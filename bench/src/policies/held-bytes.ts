/** Heap and array buffers that are alive, in octets. */
export function heldBytes(): number {
	if (globalThis.gc === undefined) throw new Error("run it with --expose-gc");
	globalThis.gc();
	// Buffers that were found dead are given back behind the first.
	globalThis.gc();
	const { heapUsed, arrayBuffers } = process.memoryUsage();
	return heapUsed + arrayBuffers;
}
