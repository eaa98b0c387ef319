/** Configurations of others, as far as they are understood; the rest stands in the result as comments. */
import { stringify } from "yaml";
import { importCaddy } from "./config-import-caddy.ts";
import { importNginx } from "./config-import-nginx.ts";
import { readBlocks } from "./config-import-words.ts";
import { Imported } from "./config-imported.ts";

export type ImportResult =
	| { readonly kind: "yaml"; readonly text: string }
	| { readonly kind: "refused"; readonly why: string };

export function importConfig(from: "nginx" | "caddy", name: string, text: string): ImportResult {
	const read = readBlocks(text, from === "nginx" ? ";" : "line");
	if (read.kind === "refused") return read;
	const imported = new Imported();
	if (from === "nginx") importNginx(read.directives, imported);
	else importCaddy(read.directives, imported);
	if (imported.routes.length === 0) return { kind: "refused", why: "nothing in it goes to an upstream" };
	const { listen, routes, upstreams, limits, notes } = imported;
	const body = {
		listen: listen.map((each) => (each.tls === undefined ? each.at : each)),
		...(Object.keys(limits).length === 0 ? {} : { limits }),
		routes,
		...(Object.keys(upstreams).length === 0 ? {} : { upstreams }),
	};
	const comments = [
		`Made of ${name} by plumbline gateway import.`,
		...(notes.length === 0 ? [] : ["", "Look at these:", ...notes.map((note) => `  ${note}`)]),
	];
	const head = comments.map((line) => `# ${line.replaceAll(/[\r\n]+/g, " ")}`.trimEnd()).join("\n");
	return { kind: "yaml", text: `${head}\n${stringify(body, { lineWidth: 0 })}` };
}
