import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type GardenKind, TAG, TAG_LINE } from "./server.ts";

export const HAPROXY: GardenKind = {
	name: "haproxy",
	program: "haproxy",
	prepare({ folder, port, nextPort }) {
		const file = join(folder, "haproxy.cfg");
		writeFileSync(
			file,
			`global
	maxconn 4096
	nbthread 1
defaults
	mode http
	maxconn 4096
	timeout connect 5s
	timeout client 30s
	timeout server 30s
	retries 0
	http-reuse always
frontend garden
	bind 127.0.0.1:${port} backlog 4096
	http-request set-header ${TAG} %[uuid]
	http-request set-header ${TAG_LINE} "%[method] %[url]"
	default_backend next
backend next
	server next 127.0.0.1:${nextPort}
`,
		);
		return { args: ["-db", "-f", file] };
	},
};
