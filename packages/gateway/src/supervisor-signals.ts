/**
 * Signals of a gateway. For a server, being told to stop is its proper end, and SIGHUP is none at all. Who had handlers
 * before gets them back from what is returned.
 */
export interface SignalWishes {
	/** SIGTERM, SIGINT; a second one is for `atOnce`. */
	stop(): void;
	atOnce(): void;
	/** SIGHUP */
	reload(): void;
	/** SIGUSR1: new workers take over in turn. */
	roll(): void;
	/** SIGUSR2: a new program takes over. */
	handOver(): void;
}

export function takeSignals(wishes: SignalWishes): () => void {
	let isStopping = false;
	const stop = () => {
		if (isStopping) wishes.atOnce();
		else wishes.stop();
		isStopping = true;
	};
	const ours = {
		SIGINT: stop,
		SIGTERM: stop,
		SIGHUP: () => wishes.reload(),
		SIGUSR1: () => wishes.roll(),
		SIGUSR2: () => wishes.handOver(),
	} as const;
	const names = ["SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2"] as const;
	const before = names.map((name) => process.listeners(name));
	for (const name of names) {
		process.removeAllListeners(name);
		process.on(name, ours[name]);
	}
	return () => {
		for (const [index, name] of names.entries()) {
			process.off(name, ours[name]);
			for (const listener of before[index] ?? []) process.on(name, listener);
		}
	};
}
