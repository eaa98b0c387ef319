/**
 * A page of terminal text being written: labelled, indented, wrapped lines. Everything that comes in is made safe to
 * print before it is laid out, and colour is put on last, so no text from outside can carry its own.
 */
import { visibleLine } from "./visible.ts";
import { wrap } from "./wrap.ts";

export type Style = "critical" | "warning" | "note" | "strong" | "faint";

const SGR: Readonly<Record<Style, string>> = {
	critical: "1;31",
	warning: "1;33",
	note: "1;36",
	strong: "1",
	faint: "2",
};

/** Narrower than this, nothing can be laid out. */
const COLUMNS_MIN = 40;
/** Wider lines are hard to read. */
const COLUMNS_MAX = 120;
const LABEL_COLUMNS = 12;
const LABEL_INDENT = 2;

export interface PageOptions {
	/** Of the terminal; 80 where there is none. */
	readonly columns: number;
	readonly color: boolean;
}

export class Page {
	readonly #lines: string[] = [];
	readonly #columns: number;
	readonly #color: boolean;

	constructor({ columns, color }: PageOptions) {
		this.#columns = Math.min(COLUMNS_MAX, Math.max(COLUMNS_MIN, Math.trunc(columns) || COLUMNS_MIN));
		this.#color = color;
	}

	/** Columns for text indented this far. */
	room(indent: number): number {
		return this.#columns - indent;
	}

	blank(): void {
		if (this.#lines.at(-1) !== "") this.#lines.push("");
	}

	/** Wrapped text; `lead` begins the first line and the others hang under its end. */
	prose(text: string, { indent = 0, lead = "", style }: ProseOptions = {}): void {
		const hang = indent + lead.length;
		wrap(text, this.room(hang)).forEach((line, at) => {
			const start = at === 0 ? " ".repeat(indent) + lead : " ".repeat(hang);
			this.#lines.push(`${start}${this.#paint(style, line)}`.trimEnd());
		});
	}

	/** Wrapped text beside a label, which is ours. */
	labelled(label: string, text: string, style?: Style): void {
		const start = `${" ".repeat(LABEL_INDENT)}${label.padEnd(LABEL_COLUMNS - LABEL_INDENT)}`;
		wrap(text, this.room(LABEL_COLUMNS)).forEach((line, at) => {
			const margin = at === 0 ? this.#paint("strong", start) : " ".repeat(LABEL_COLUMNS);
			this.#lines.push(`${margin}${this.#paint(style, line)}`.trimEnd());
		});
	}

	/** A line already cut to size, as evidence is. */
	verbatim(line: string, indent: number, style?: Style): void {
		this.#lines.push(`${" ".repeat(indent)}${this.#paint(style, visibleLine(line))}`.trimEnd());
	}

	/** Everything so far, ending in one line break. */
	text(): string {
		return `${this.#lines.join("\n").trimEnd()}\n`;
	}

	#paint(style: Style | undefined, text: string): string {
		return style === undefined || !this.#color || text === "" ? text : paint(style, text);
	}
}

/** Colour around text that is safe to print and cut to size already. */
export function paint(style: Style, text: string): string {
	return `\x1b[${SGR[style]}m${text}\x1b[0m`;
}

interface ProseOptions {
	readonly indent?: number;
	readonly lead?: string;
	readonly style?: Style;
}

/** Where text beside a label begins. */
export const LABELLED_INDENT = LABEL_COLUMNS;
