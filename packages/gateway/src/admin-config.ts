/** Settings in force as they may be shown: secrets masked, what has no bound named, whatever their shape will be. */
import { redactUrl } from "@plumbline/signals/redact";
import { looksSecret, namesSecret, REDACTED } from "@plumbline/signals/secret";

const DEPTH_MAX = 20;

export function shownSettings(settings: unknown): unknown {
	return shown(settings, "", 0);
}

function shown(value: unknown, key: string, depth: number): unknown {
	if (depth > DEPTH_MAX) return REDACTED;
	if (typeof value === "number") return Number.isFinite(value) ? value : "unlimited";
	if (typeof value === "string") return shownText(value, key);
	if (Array.isArray(value)) return shownList(value, key, depth);
	if (typeof value !== "object" || value === null) return value;
	const entries = Object.entries(value);
	// { name: "authorization", value: "Bearer …" } says by its name what its value is; a plugin's text may be anything.
	const name = entries.find(([own, held]) => own === "name" && typeof held === "string")?.[1];
	return Object.fromEntries(
		entries.map(([own, held]) => {
			const keptUnder = own === "value" && typeof name === "string" ? name : own;
			return [own, shown(held, keptUnder, depth + 1)];
		}),
	);
}

function shownText(text: string, key: string): string {
	if (text === "") return text;
	if (key === "config" || namesSecret(key) || looksSecret(text, key)) return REDACTED;
	return redactUrl(text);
}

/** A pair of texts is a name and its value: `["authorization", "Bearer …"]`. */
function shownList(list: readonly unknown[], key: string, depth: number): unknown[] {
	const [name, value] = list;
	if (list.length === 2 && typeof name === "string" && typeof value === "string" && namesSecret(name))
		return [name, REDACTED];
	return list.map((item) => shown(item, key, depth + 1));
}
