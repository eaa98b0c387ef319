import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type GardenKind, TAG, TAG_LINE } from "./server.ts";

const MODULES = "/usr/lib/apache2/modules";

export const APACHE: GardenKind = {
	name: "apache",
	program: "apache2",
	prepare({ folder, port, nextPort }) {
		const file = join(folder, "apache.conf");
		const modules = ["mpm_event", "authz_core", "headers", "unique_id", "proxy", "proxy_http"]
			.map((name) => `LoadModule ${name}_module ${MODULES}/mod_${name}.so`)
			.join("\n");
		writeFileSync(
			file,
			`ServerRoot ${folder}
ServerName garden.example
PidFile ${folder}/pid
DefaultRuntimeDir ${folder}
Mutex sem
Listen 127.0.0.1:${port}
ListenBacklog 4096
ErrorLog /dev/null
${modules}
StartServers 1
ServerLimit 4
ThreadsPerChild 64
MaxRequestWorkers 256
MaxKeepAliveRequests 0
KeepAliveTimeout 15
MaxConnectionsPerChild 0
AllowEncodedSlashes NoDecode
ProxyPreserveHost On
ProxyPass / http://127.0.0.1:${nextPort}/ nocanon keepalive=On retry=0
RequestHeader set ${TAG} %{UNIQUE_ID}e
RequestHeader set ${TAG_LINE} "expr=%{THE_REQUEST}"
`,
		);
		return { args: ["-f", file, "-DFOREGROUND"] };
	},
};
