/** What the server counted, for Prometheus: read when the page is, so that the fast path counts plain numbers. */
import { Counter, Gauge, type Registry } from "prom-client";
import type { DnsServer } from "./server.ts";

export function serverMetrics(server: DnsServer, registry: Registry): void {
	const registers = [registry];
	new Counter({
		name: "plumbline_dns_server_events_total",
		help: "Queries by listener, and what became of them",
		labelNames: ["event"] as const,
		registers,
		collect() {
			this.reset();
			for (const [event, count] of Object.entries(server.counters)) this.inc({ event }, count);
		},
	});
	new Gauge({
		name: "plumbline_dns_server_now",
		help: "Names and octets in the table of ready answers, questions under way, connections",
		labelNames: ["what"] as const,
		registers,
		collect() {
			for (const [what, value] of Object.entries(server.standing())) this.set({ what }, value);
		},
	});
}
