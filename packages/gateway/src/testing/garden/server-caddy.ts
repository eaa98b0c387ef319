import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type GardenKind, TAG, TAG_LINE } from "./server.ts";

export const CADDY: GardenKind = {
	name: "caddy",
	program: "caddy",
	prepare({ folder, port, nextPort }) {
		const file = join(folder, "Caddyfile");
		writeFileSync(
			file,
			`{
	admin off
	auto_https off
	log default {
		output discard
	}
}
:${port} {
	bind 127.0.0.1
	reverse_proxy 127.0.0.1:${nextPort} {
		header_up ${TAG} {http.request.uuid}
		header_up ${TAG_LINE} "{http.request.method} {http.request.orig_uri}"
	}
}
`,
		);
		const home = { HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder };
		return { args: ["run", "--config", file, "--adapter", "caddyfile"], env: home };
	},
};
