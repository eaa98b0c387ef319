/**
 * What the exchange sees of plugins: it asks each of a route's in turn, synchronously, and does what it is told. How a
 * plugin is run is plugin-instance.ts; what it is handed and hands back, plugin-text.ts.
 */
import type { FieldPairs, RequestHead, ResponseHead } from "./message.ts";

export type PluginVerdict =
	| { readonly kind: "continue"; readonly edits: PluginEdits | undefined }
	/** Of the plugin's own, instead of the upstream's. */
	| {
			readonly kind: "answer";
			readonly status: number;
			readonly fields: FieldPairs;
			readonly body: Uint8Array;
	  }
	/** It failed, and the route would rather refuse than go on: 503. */
	| { readonly kind: "failed"; readonly plugin: string };

export interface PluginEdits {
	/** In lower case. */
	readonly remove: readonly string[];
	/** Replaces all of that name. */
	readonly set: FieldPairs;
	/** Of requests. */
	readonly path: string | undefined;
	/** Of responses. */
	readonly status: number | undefined;
}

export interface PluginCounts {
	readonly plugin: string;
	readonly calls: number;
	readonly faults: number;
	readonly stopped: number;
	readonly logLinesDropped: number;
}

/** The plugins of a route, in their order. */
export interface RoutePlugins {
	readonly empty: boolean;
	readonly counts: readonly PluginCounts[];
	onRequest(head: RequestHead, clientAddress: string): PluginVerdict;
	onResponse(head: ResponseHead): PluginVerdict;
}
