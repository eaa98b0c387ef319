import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type GardenKind, TAG } from "./server.ts";

const FOLDERS = ["etc", "run", "log", "cache"];

export const TRAFFIC_SERVER: GardenKind = {
	name: "traffic-server",
	program: "traffic_server",
	prepare({ folder, port, nextPort }) {
		for (const name of FOLDERS) mkdirSync(join(folder, name));
		const places = {
			prefix: "/usr",
			exec_prefix: "/usr",
			bindir: "/usr/bin",
			sbindir: "/usr/sbin",
			libdir: "/usr/lib/trafficserver",
			libexecdir: "/usr/lib/trafficserver/modules",
			includedir: "/usr/include",
			datadir: join(folder, "etc"),
			sysconfdir: join(folder, "etc"),
			localstatedir: join(folder, "run"),
			runtimedir: join(folder, "run"),
			logdir: join(folder, "log"),
			cachedir: join(folder, "cache"),
		};
		const write = (name: string, text: string) => writeFileSync(join(folder, name), text);
		write(
			"runroot.yaml",
			Object.entries(places)
				.map(([name, place]) => `${name}: ${place}\n`)
				.join(""),
		);
		write(
			"etc/records.config",
			`CONFIG proxy.config.http.server_ports STRING ${port}:ipv4:ip-in=127.0.0.1
CONFIG proxy.config.http.cache.http INT 0
CONFIG proxy.config.url_remap.pristine_host_hdr INT 1
CONFIG proxy.config.log.logging_enabled INT 0
CONFIG proxy.config.diags.debug.enabled INT 0
CONFIG proxy.config.exec_thread.autoconfig.enabled INT 0
CONFIG proxy.config.exec_thread.limit INT 1
CONFIG proxy.config.http.connect_attempts_max_retries INT 0
CONFIG proxy.config.crash_log_helper STRING NULL
CONFIG proxy.config.output.logfile.rolling_enabled INT 0
`,
		);
		write("etc/tag.config", `cond %{REMAP_PSEUDO_HOOK}\nset-header ${TAG} %{ID:UNIQUE}\n`);
		write(
			"etc/remap.config",
			`map / http://127.0.0.1:${nextPort}/ @plugin=header_rewrite.so @pparam=tag.config\n`,
		);
		write("etc/plugin.config", "");
		write("etc/storage.config", `${join(folder, "cache")} 32M\n`);
		write(
			"etc/ip_allow.yaml",
			"ip_allow:\n  - apply: in\n    ip_addrs: 127.0.0.1\n    action: allow\n    methods: ALL\n",
		);
		return { args: [`--run-root=${join(folder, "runroot.yaml")}`] };
	},
};
