/**
 * What a resolver does, on Node's diagnostics channels, for whoever listens in the same process:
 *
 * ```
 *   plumbline:dns:resolved   plumbline:dns:tried      plumbline:dns:server-state
 *   plumbline:dns:refresh    plumbline:dns:compared   plumbline:dns:resolv-conf
 *   plumbline:dns:evicted
 * ```
 * The message is the `ResolverEvent` of that kind. Without a listener nothing is published.
 */
import { channel } from "node:diagnostics_channel";
import type { Observe, ResolverEvent } from "./observer.ts";

const CHANNEL_PREFIX = "plumbline:dns:";

export function channelObserver(): Observe {
	const channels = {
		resolved: channel(`${CHANNEL_PREFIX}resolved`),
		tried: channel(`${CHANNEL_PREFIX}tried`),
		"server-state": channel(`${CHANNEL_PREFIX}server-state`),
		refresh: channel(`${CHANNEL_PREFIX}refresh`),
		compared: channel(`${CHANNEL_PREFIX}compared`),
		"resolv-conf": channel(`${CHANNEL_PREFIX}resolv-conf`),
		evicted: channel(`${CHANNEL_PREFIX}evicted`),
	} satisfies Record<ResolverEvent["kind"], unknown>;
	return (event) => {
		const to = channels[event.kind];
		if (to.hasSubscribers) to.publish(event);
	};
}

/** All of them, one after the other. What one throws is told once as a warning of the process: no lookup fails by it. */
export function observers(all: readonly Observe[]): Observe {
	const broken = new Set<Observe>();
	return (event) => {
		for (const observe of all) {
			try {
				observe(event);
			} catch (error) {
				if (broken.has(observe)) continue;
				broken.add(observe);
				process.emitWarning(`an observer of the resolver threw at "${event.kind}": ${String(error)}`);
			}
		}
	};
}
