/** Where a moment lies on the time axis, in thousandths of its length: drawings and labels share it. */
import { type Html, html } from "./html-escape.ts";
import type { Span } from "./view-time.ts";

export interface Scale {
	/** 0 to 1000, in tenths. */
	readonly place: (ms: number) => number;
}

/** Undefined for an axis of no length. */
export function scaleOf({ fromMs, toMs }: Span): Scale | undefined {
	const length = toMs - fromMs;
	if (!(length > 0)) return undefined;
	return {
		place: (ms) => {
			const at = ((Number.isFinite(ms) ? ms : 0) - fromMs) / length;
			return Math.round(Math.min(1, Math.max(0, at)) * 10_000) / 10;
		},
	};
}

/** As CSS wants it: `43.2%`. */
export function share(place: number): string {
	return `${Math.round(place * 10) / 100}%`;
}

/** A stretch of time in which nothing was read, laid over a drawing. */
export function hole(span: Span, scale: Scale): Html {
	const left = scale.place(span.fromMs);
	return html`<div class="hole" style="left:${share(left)};width:${share(scale.place(span.toMs) - left)}"></div>`;
}
