/**
 * The gateway's configuration: a file in YAML becomes settings with every default filled in.
 *
 * ```yaml
 *   listen: 127.0.0.1:8080
 *   routes:
 *     - { path: /chat, to: "http://127.0.0.1:9001" }
 *     - { path: /helloworld.Greeter, to: "h2c://127.0.0.1:50051" }
 *     - { path: /, to: [ "http://10.0.0.1:9000", "http://10.0.0.2:9000" ] }
 * ```
 * An unknown key, or a value that cannot work, is refused with its line; nothing is guessed. What will work but looks
 * like a mistake is a warning. docs/gateway-config.md has all keys.
 */
import { availableParallelism } from "node:os";
import { readYaml } from "@plumbline/resolver/config-yaml";
import { checkSettings } from "./config-checks.ts";
import { type Fault, faultTexts, shapeFaults } from "./config-fault.ts";
import { ConfigFiles } from "./config-files.ts";
import { listenersOf, tcpOf } from "./config-listeners.ts";
import { byParticularity } from "./config-route-order.ts";
import { asList, type PlacedRoute, routeOf } from "./config-routes.ts";
import { type Environment, holdsReference, withEnvironment } from "./config-secret.ts";
import { CONFIG_SHAPE, type GivenConfig, WORKERS_MAX } from "./config-shape.ts";
import { ConfigUpstreams } from "./config-upstreams.ts";
import type { FileDigests } from "./reload-difference.ts";
import type { AdminSettings, GatewaySettings, TelemetrySettings } from "./settings.ts";

export type GatewayConfigRead =
	| {
			readonly kind: "config";
			readonly settings: GatewaySettings;
			/** `gateway.yaml line 3: …`, each something that will work, but perhaps not as it is meant. */
			readonly warnings: readonly string[];
			/** Of the files that it names; with the file itself, what is to be watched. */
			readonly files: FileDigests;
	  }
	| { readonly kind: "refused"; readonly faults: readonly string[]; readonly files: readonly string[] };

export interface ConfigWorld {
	readonly environment: Environment;
	/** Unix time, for how long certificates hold. */
	readonly wallMs: number;
}

/** Of the faults; more than these help nobody. */
const FAULTS_MAX = 50;

/** `name` is shown before each fault. Reads the files that are named in it, and nothing else. */
export function readGatewayConfig(
	{ name, text }: { readonly name: string; readonly text: string },
	world: ConfigWorld,
): GatewayConfigRead {
	const yaml = readYaml(name, text);
	if (yaml.kind === "refused") return { ...yaml, files: [] };
	const inWords = (faults: readonly Fault[]) => faultTexts(name, yaml, faults.slice(0, FAULTS_MAX));
	const shaped = CONFIG_SHAPE.safeParse(yaml.value);
	if (!shaped.success) {
		return { kind: "refused", faults: inWords(shaped.error.issues.flatMap(shapeFaults)), files: [] };
	}
	const files = new ConfigFiles(world.wallMs);
	const faults: Fault[] = [];
	const warnings: Fault[] = [];
	const settings = settingsOf(shaped.data, world.environment, files, faults, warnings);
	const all = [...faults, ...files.faults];
	if (all.length > 0) return { kind: "refused", faults: inWords(all), files: files.names };
	return {
		kind: "config",
		settings,
		warnings: inWords([...warnings, ...files.warnings]),
		files: files.digests,
	};
}

function settingsOf(
	given: GivenConfig,
	environment: Environment,
	files: ConfigFiles,
	faults: Fault[],
	warnings: Fault[],
): GatewaySettings {
	const upstreams = new ConfigUpstreams(given.upstreams);
	const redis = (url: string, path: Fault["path"]) =>
		withEnvironment(url, environment, path, faults, encodeURIComponent);
	const placed = given.routes
		.map((each, index): PlacedRoute => {
			const path = ["routes", index];
			return { path, route: routeOf(each, path, upstreams, faults, redis) };
		})
		.toSorted((left, right) => byParticularity(left.route, right.route));
	const tcp = tcpOf(given.tcp, upstreams);
	faults.push(...upstreams.faults);
	const settings: GatewaySettings = {
		listeners: listenersOf(asList(given.listen ?? [])),
		tcp,
		routes: placed.map(({ route }) => route),
		upstreams: upstreams.all,
		limits: {
			headBytesMax: given.limits.head,
			fieldsMax: given.limits.headers,
			targetBytesMax: given.limits.target,
			bodyBytesMax: given.limits.body,
			streamsMax: given.limits.streams,
			requestsPerConnectionMax: given.limits.requestsPerConnection,
			resetsBurst: given.limits.resetsBurst,
			resetsPerSecond: given.limits.resetsPerSecond,
		},
		timeouts: {
			headMs: given.timeouts.head,
			idleMs: given.timeouts.idle,
			bodyBytesPerSecondMin: given.timeouts.bodyRate,
			bodyRateAfterMs: given.timeouts.bodyRateAfter,
			writeMs: given.timeouts.write,
		},
		trusted: given.trusted,
		resolver: given.resolver,
		telemetry: telemetryOf(given),
		admin: adminOf(given, environment, files, faults, warnings),
		workers: given.workers === "auto" ? Math.min(availableParallelism(), WORKERS_MAX) : given.workers,
		drainMs: given.drain,
	};
	checkSettings({ given, settings, placed, unused: upstreams.unused, files, faults, warnings });
	return settings;
}

function telemetryOf({ telemetry: { accessLog, traces, traceIdHeader } }: GivenConfig): TelemetrySettings {
	return {
		accessLog: typeof accessLog === "string" ? { path: accessLog, format: "json" } : accessLog,
		traces: traces && {
			otlp: traces.otlp,
			share: traces.share,
			slowMs: traces.slow,
			service: traces.service,
		},
		traceIdField: traceIdHeader,
	};
}

function adminOf(
	{ admin }: GivenConfig,
	environment: Environment,
	files: ConfigFiles,
	faults: Fault[],
	warnings: Fault[],
): AdminSettings | undefined {
	if (admin === undefined) return undefined;
	if (!("at" in admin)) {
		if (admin.path === undefined) faults.push({ path: ["admin"], message: NEEDS_TOKEN });
		return { ...admin, token: undefined };
	}
	const { at, tokenFile } = admin;
	let token = admin.token;
	if (token !== undefined && tokenFile !== undefined) {
		faults.push({ path: ["admin"], message: "token or tokenFile is expected, not both" });
	}
	if (token !== undefined) {
		if (!holdsReference(token)) {
			const message = `stands in the file for all to read: \${NAME} takes it from the environment`;
			warnings.push({ path: ["admin", "token"], message });
		}
		token = withEnvironment(token, environment, ["admin", "token"], faults);
	} else if (tokenFile !== undefined) {
		token = files.read(tokenFile, ["admin", "tokenFile"])?.toString("utf8").trim() || undefined;
	}
	if (at.path === undefined && token === undefined) faults.push({ path: ["admin"], message: NEEDS_TOKEN });
	return { ...at, token };
}

const NEEDS_TOKEN = `on a port a token is wanted: { at: 127.0.0.1:9901, token: \${ADMIN_TOKEN} }; a unix socket needs none`;
