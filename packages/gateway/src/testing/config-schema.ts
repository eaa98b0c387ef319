/** The configuration's JSON Schema, for editors, and the table of docs/gateway-config.md: both made of the shape. */
import * as z from "zod";
import { CONFIG_SHAPE } from "../config-shape.ts";

interface Schema {
	readonly type?: string;
	readonly const?: unknown;
	readonly enum?: readonly unknown[];
	readonly default?: unknown;
	readonly pattern?: string;
	readonly minimum?: number;
	readonly maximum?: number;
	readonly required?: readonly string[];
	readonly properties?: Readonly<Record<string, Schema>>;
	readonly additionalProperties?: Schema | boolean;
	readonly items?: Schema;
	readonly anyOf?: readonly Schema[];
}

export function configJsonSchema(): Readonly<Record<string, unknown>> {
	const schema = z.toJSONSchema(CONFIG_SHAPE, { io: "input", unrepresentable: "any" });
	return { ...schema, title: "Configuration of plumbline gateway" };
}

/** One line a key: `| routes[].timeouts.head | 30s | time, none |`. */
export function configTable(): string {
	const rows = rowsOf(configJsonSchema() as Schema, "");
	return ["| key | default | values |", "|---|---|---|", ...rows].join("\n");
}

function rowsOf(schema: Schema, path: string): readonly string[] {
	return Object.entries(schema.properties ?? {}).flatMap(([key, value]) => {
		const at = path === "" ? key : `${path}.${key}`;
		const forms = formsOf(value);
		const isRequired = schema.required?.includes(key) === true;
		const row = `| \`${at}\` | ${isRequired ? "needed" : defaultText(value.default)} | ${kindsOf(forms)} |`;
		const inner = forms.flatMap((form): readonly string[] => {
			if (form.type === "array") return formsOf(form.items ?? {}).flatMap((item) => rowsOf(item, `${at}[]`));
			const { additionalProperties: each } = form;
			if (typeof each === "object" && each.properties !== undefined) return rowsOf(each, `${at}.NAME`);
			return rowsOf(form, at);
		});
		return [row, ...new Set(inner.filter((line) => !isListForm(line, at, inner)))];
	});
}

/** One and a list of them have the same keys: told once. */
function isListForm(line: string, at: string, lines: readonly string[]): boolean {
	return line.startsWith(`| \`${at}[]`) && lines.includes(line.replace(`${at}[]`, at));
}

function formsOf(schema: Schema): readonly Schema[] {
	return schema.anyOf === undefined ? [schema] : schema.anyOf.flatMap(formsOf);
}

function kindsOf(forms: readonly Schema[]): string {
	return [...new Set(forms.map(kindOf))].join(" or ");
}

function kindOf({
	type,
	enum: values,
	const: value,
	pattern = "",
	minimum,
	maximum,
	properties,
	items,
}: Schema): string {
	if (values !== undefined) return values.map((each) => `\`${String(each)}\``).join(", ");
	if (value !== undefined) return `\`${String(value)}\``;
	if (type === "integer" || type === "number") return `${minimum ?? ""} to ${maximum ?? ""}`;
	if (type === "boolean") return "true, false";
	if (type === "array") return `a list of ${kindsOf(formsOf(items ?? {}))}`;
	if (properties !== undefined) return "keys below";
	if (type === "object") return "names and values";
	const none = pattern.startsWith("^none") ? ", `none`" : "";
	if (pattern.includes("(?:ms|s|m|min|h|d)") && pattern.includes("\\/")) return "rate";
	if (pattern.includes("ms|s|m|min|h|d")) return `time${none}`;
	if (pattern.includes("KiB")) return `size${none}`;
	if (pattern.includes("%$")) return "share";
	return "text";
}

function defaultText(value: unknown): string {
	if (value === undefined || value === "") return "";
	if (typeof value === "object" && value !== null && Object.keys(value).length === 0) return "";
	return `\`${typeof value === "object" ? JSON.stringify(value) : String(value)}\``;
}
