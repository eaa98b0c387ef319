/** What a gateway says of itself when it starts. */
import { placeText } from "./config-units.ts";
import type { GatewaySettings } from "./settings.ts";
import type { ListeningPlace } from "./worker-contract.ts";

/** `listening on http://127.0.0.1:8080; 3 routes to 3 upstreams; 2 workers, pid 4711` */
export function startWords(
	settings: GatewaySettings,
	places: readonly ListeningPlace[],
	workers: readonly number[],
): string {
	const placeOf = new Map(places.map(({ listener, place }) => [listener, place]));
	const listening = [
		...settings.listeners.map((each) => {
			const place = placeOf.get(each.name) ?? placeText(each);
			return place.startsWith("unix:") ? place : `${each.tls === undefined ? "http" : "https"}://${place}`;
		}),
		...settings.tcp.map((each) => `tcp://${placeOf.get(each.name) ?? placeText(each)}`),
	];
	const { admin } = settings;
	return [
		`listening on ${listening.join(", ")}`,
		`${counted(settings.routes.length, "route")} to ${counted(settings.upstreams.length, "upstream")}`,
		...(admin === undefined ? [] : [`admin at ${placeOf.get("admin") ?? placeText(admin)}`]),
		`${counted(workers.length, "worker")}, pid ${process.pid}`,
	].join("; ");
}

function counted(count: number, what: string): string {
	return `${count} ${what}${count === 1 ? "" : "s"}`;
}
