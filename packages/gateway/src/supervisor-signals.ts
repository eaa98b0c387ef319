/** Signals of a gateway, by what they wish. */
import { takeSignals } from "@plumbline/resolver/server-signals";

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

/** The answer gives them back to whoever had them before. */
export function takeWishes(wishes: SignalWishes): () => void {
	let isStopping = false;
	const stop = () => {
		if (isStopping) wishes.atOnce();
		else wishes.stop();
		isStopping = true;
	};
	return takeSignals({
		SIGINT: stop,
		SIGTERM: stop,
		SIGHUP: () => wishes.reload(),
		SIGUSR1: () => wishes.roll(),
		SIGUSR2: () => wishes.handOver(),
	});
}
