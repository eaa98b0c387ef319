/**
 * Signals of a server: being told to stop is its proper end, and SIGHUP is none at all. Who had handlers before gets
 * them back from what is returned.
 */
export function takeSignals(ours: Readonly<Partial<Record<NodeJS.Signals, () => void>>>): () => void {
	const taken = Object.entries(ours).map(([name, handler]) => {
		const signal = name as NodeJS.Signals;
		const before = process.listeners(signal);
		process.removeAllListeners(signal);
		process.on(signal, handler);
		return { signal, handler, before };
	});
	return () => {
		for (const { signal, handler, before } of taken) {
			process.off(signal, handler);
			for (const listener of before) process.on(signal, listener);
		}
	};
}
