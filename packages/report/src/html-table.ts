/** A table with its caption; one wider than the page scrolls by itself, also by keyboard. */
import { type Html, html } from "./html-escape.ts";

export function tableHtml(caption: string, inside: Html, { narrow = false } = {}): Html {
	return html`<div class="table${narrow ? " numbers" : ""}" role="group" aria-label="${caption}" tabindex="0"><table><caption>${caption}</caption>
${inside}</table></div>`;
}
