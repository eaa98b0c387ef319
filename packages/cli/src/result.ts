/** A diagnosis in the form the user asked for. */
import type { Diagnosis } from "@plumbline/diagnosis/finding";
import { renderJson } from "@plumbline/report/json";
import { renderMarkdown } from "@plumbline/report/markdown";
import type { PageOptions } from "@plumbline/report/page";
import { renderText } from "@plumbline/report/text";

export type Form = "text" | "json" | "markdown";

export function renderAs(form: Form, diagnosis: Diagnosis, page: PageOptions): string {
	switch (form) {
		case "text":
			return renderText(diagnosis, page);
		case "json":
			return renderJson(diagnosis);
		case "markdown":
			return renderMarkdown(diagnosis);
		default:
			return form satisfies never;
	}
}
