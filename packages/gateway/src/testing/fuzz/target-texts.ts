/** Texts that operators and clients write: configurations, imports, paths, cookies, traces. None may throw. */
import { type Chance, wounded } from "@plumbline/resolver/testing/fuzz/chance";
import { readGatewayConfig } from "../../config.ts";
import { importConfig } from "../../config-import.ts";
import { cookieValue } from "../../cookie-value.ts";
import { canonicalPath, pathFault, plainPathEnd } from "../../route-path.ts";
import { isSoundTracestate, parseTraceparent, traceparent } from "../../trace-context.ts";
import type { Target } from "./target.ts";

const YAML = [
	`listen: 127.0.0.1:8080
routes:
  - { path: /chat, to: "http://127.0.0.1:9001" }
  - { host: "*.example.com", path: /, to: orders, canary: { to: "http://10.0.0.3:80", share: 5% }, limits: 10/s }
upstreams:
  orders: { servers: ["http://10.0.0.1:8080", { at: "http://10.0.0.2:8080", weight: 2 }], balance: { hash: "cookie:a" } }
`,
	`listen: [":8080", { at: "unix:/run/x.sock", protocols: [h1] }]
admin: { at: "127.0.0.1:9901", token: "\${ADMIN_TOKEN}" }
trusted: [10.0.0.0/8]
limits: { head: 16KiB, headers: 100 }
routes: [{ to: &a "http://b:1", timeouts: { head: 5s, total: none } }, { path: /x, to: *a }]
`,
	"a: &a [x]\nb: *a\n<<: { listen: 1 }\n? {}\n: !!binary aGk=\n",
];
const IMPORTS = [
	`upstream app { server 10.0.0.1:8080 weight=3; server 10.0.0.2:8080 backup; keepalive 32; }
server { listen 80; server_name example.com; client_max_body_size 8m;
 location /api/ { proxy_pass http://127.0.0.1:9000/v1/; proxy_set_header Host $host; } location / { proxy_pass http://app; } }`,
	`example.com {
	handle_path /api/* {
		reverse_proxy localhost:9000 localhost:9001 { lb_policy least_conn }
	}
	reverse_proxy h2c://10.0.0.1:50051
}`,
];
const PATHS = [
	"/a/../b",
	"/a//b;c=d/./e?f=/../g",
	"/%2e%2e/%2fa%00",
	"/%C3%A9/%zz",
	"*",
	"/a/b/c/",
	"/..;/x",
];
const WORDS = [
	"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
	"cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
	"rojo=00f067aa0ba902b7,congo=t61rcWkgMzE",
	'theme=dark; session=abc; lang="de"; =x; a=b=c',
];
/** Of an answer; a configuration of some hundred bytes has no more to tell. */
const TEXT_CHARS_MAX = 1_000_000;

export function configsTarget(): Target {
	return {
		run(chance) {
			const text = someText(YAML, chance);
			const read = readGatewayConfig({ name: "fuzz", text }, { environment: {}, wallMs: 0 });
			if (read.kind === "refused" && (read.faults.length === 0 || read.faults.join().length > TEXT_CHARS_MAX))
				throw new Error(`refused for nothing, or at length: ${JSON.stringify(text)}`);
		},
	};
}

/** What is made of another's configuration can be read, whatever it was. */
export function importsTarget(): Target {
	return {
		run(chance) {
			const text = someText(IMPORTS, chance);
			const made = importConfig(chance.of(["nginx", "caddy"]), "fuzz", text);
			if (made.kind === "refused") return;
			const read = readGatewayConfig({ name: "fuzz", text: made.text }, { environment: {}, wallMs: 0 });
			const isNoYaml = read.kind === "refused" && /YAML|not closed|indent/i.test(read.faults.join());
			if (isNoYaml || made.text.length > TEXT_CHARS_MAX)
				throw new Error(`what was made cannot be read: ${JSON.stringify([text, made.text])}`);
		},
	};
}

/** A path that is matched on is one that is matched on again; the short way says what the long one says. */
export function pathsTarget(): Target {
	return {
		run(chance) {
			// Whatever else a target has was refused with its head.
			const path = someText(PATHS, chance).replaceAll(/[^!-~]/g, "%");
			const { path: canonical, fault } = canonicalPath(path);
			if ((pathFault(path) === undefined) !== (fault === undefined))
				throw new Error(`told otherwise: ${JSON.stringify(path)}`);
			if (fault !== undefined) return;
			const again = canonicalPath(canonical);
			if (again.fault !== undefined || again.path !== canonical)
				throw new Error(`not the same again: ${JSON.stringify([path, canonical, again])}`);
			const end = plainPathEnd(path);
			if (end >= 0 && canonical !== path.slice(0, end))
				throw new Error(`plain, and yet another: ${JSON.stringify([path, canonical])}`);
		},
	};
}

export function wordsTarget(): Target {
	return {
		run(chance) {
			const text = someText(WORDS, chance);
			const trace = parseTraceparent(text);
			if (trace !== undefined) {
				const again = parseTraceparent(traceparent(trace.traceId, trace.spanId, trace.sampled));
				if (JSON.stringify(again) !== JSON.stringify(trace))
					throw new Error(`another trace: ${JSON.stringify(text)}`);
			}
			if (isSoundTracestate(text) && text.length > 512) throw new Error(`too long: ${JSON.stringify(text)}`);
			for (const name of ["session", "a", "", "lang"]) {
				const value = cookieValue(text, name);
				if (value !== undefined && !text.includes(value))
					throw new Error(`a cookie from nowhere: ${JSON.stringify(text)}`);
			}
		},
	};
}

function someText(samples: readonly string[], chance: Chance): string {
	const bytes = samples.map((sample) => Buffer.from(sample, "latin1"));
	return Buffer.from(wounded(chance.of(bytes), bytes, chance)).toString("latin1");
}
