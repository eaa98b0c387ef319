import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type GardenKind, TAG, TAG_LINE } from "./server.ts";

export const NGINX: GardenKind = {
	name: "nginx",
	program: "nginx",
	prepare({ folder, port, nextPort }) {
		const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
			.map((name) => `${name}_temp_path ${folder}/${name};`)
			.join("\n");
		writeFileSync(
			join(folder, "nginx.conf"),
			`daemon off;
worker_processes 1;
pid ${folder}/pid;
error_log /dev/null;
events { worker_connections 4096; }
http {
	access_log off;
	${temporary}
	keepalive_requests 1000000;
	underscores_in_headers on;
	upstream next { server 127.0.0.1:${nextPort} max_fails=0; keepalive 64; keepalive_requests 1000000; }
	server {
		listen 127.0.0.1:${port} backlog=4096;
		merge_slashes off;
		location / {
			proxy_pass http://next;
			proxy_http_version 1.1;
			proxy_request_buffering off;
			proxy_next_upstream off;
			proxy_set_header Connection "";
			proxy_set_header Host $http_host;
			proxy_set_header ${TAG} $request_id;
			proxy_set_header ${TAG_LINE} "$request_method $request_uri";
		}
	}
}
`,
		);
		return { args: ["-p", folder, "-e", "/dev/null", "-c", join(folder, "nginx.conf")] };
	},
};
