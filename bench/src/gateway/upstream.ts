/** What all proxies stand before: nginx with answers of 512 bytes and of 1 MiB, by HTTP/1.1 and by h2c. */
import { randomBytes } from "node:crypto";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePort, type Started, start } from "./started.ts";

export const BODY_BYTES = 1 << 20;
const ANSWER_BYTES = 512;

export interface Upstream {
	readonly program: Started;
	readonly port: number;
	/** Speaks HTTP/2 in the clear; every answer has the trailer of gRPC. */
	readonly h2cPort: number;
}

export async function startUpstream(folder: string, core: number): Promise<Upstream> {
	const port = await freePort();
	const h2cPort = await freePort();
	const files = join(folder, "files");
	mkdirSync(files);
	writeFileSync(join(files, "body"), randomBytes(BODY_BYTES));
	// Its workers are another user's.
	for (const place of [folder, files]) chmodSync(place, 0o755);
	const answer = `default_type text/plain; return 200 "${"x".repeat(ANSWER_BYTES)}";`;
	const configuration = `worker_processes 1; daemon off; pid ${join(folder, "upstream.pid")}; error_log ${join(folder, "upstream.err")};
events { worker_connections 16384; }
http {
	access_log off; keepalive_requests 1000000000; keepalive_timeout 600; sendfile on; tcp_nopush on;
	open_file_cache max=10;
	server { listen 127.0.0.1:${port} backlog=4096; root ${files};
		location / { ${answer} }
		location /body { }
	}
	server { listen 127.0.0.1:${h2cPort} http2; http2_max_concurrent_streams 1000;
		location / { add_trailer grpc-status 0; ${answer} }
	}
}`;
	const file = join(folder, "upstream.conf");
	writeFileSync(file, configuration);
	const program = await start({ program: "nginx", args: ["-c", file], core, port });
	return { program, port, h2cPort };
}
