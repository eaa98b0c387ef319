/**
 * What a gateway does, on Node's diagnostics channels, for whoever listens in the same process:
 *
 *     plumbline.gateway.circuit.state.change   { from, to, resource }
 *     plumbline.gateway.exchange               the ExchangeRecord; valid during the call only
 *     plumbline.gateway.<kind>                 every other GatewayEvent: endpoint, resolved, ring, reload, …
 *
 * Without a listener nothing is published.
 */
import { type Channel, channel } from "node:diagnostics_channel";
import type { ExchangeObserver, GatewayEvent, Observe } from "./observer.ts";

const PREFIX = "plumbline.gateway.";

export function channelObserver(): ExchangeObserver & { readonly observe: Observe } {
	const exchanges = channel(`${PREFIX}exchange`);
	const channels = {
		listening: channel(`${PREFIX}listening`),
		circuit: channel(`${PREFIX}circuit.state.change`),
		endpoint: channel(`${PREFIX}endpoint`),
		resolved: channel(`${PREFIX}resolved`),
		"rate-limit": channel(`${PREFIX}rate-limit`),
		"rate-limit-shared": channel(`${PREFIX}rate-limit-shared`),
		"client-fault": channel(`${PREFIX}client-fault`),
		"read-only": channel(`${PREFIX}read-only`),
		ring: channel(`${PREFIX}ring`),
		plugin: channel(`${PREFIX}plugin`),
		reload: channel(`${PREFIX}reload`),
		ports: channel(`${PREFIX}ports`),
	} satisfies Record<GatewayEvent["kind"], Channel>;
	return {
		finished(record) {
			if (exchanges.hasSubscribers) exchanges.publish(record);
		},
		observe(event) {
			const to = channels[event.kind];
			if (!to.hasSubscribers) return;
			if (event.kind !== "circuit") to.publish(event);
			else to.publish({ from: event.from, to: event.to, resource: event.resource });
		},
	};
}
