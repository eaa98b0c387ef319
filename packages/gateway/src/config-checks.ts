/** What no single value shows: names that stand twice, routes that are never reached, places taken twice, files. */
import { networkFault } from "@plumbline/resolver/server-gate";
import { parseServer } from "@plumbline/resolver/server-list";
import type { Fault } from "./config-fault.ts";
import type { ConfigFiles } from "./config-files.ts";
import { covers } from "./config-route-order.ts";
import { asList, type PlacedRoute } from "./config-routes.ts";
import type { GivenConfig } from "./config-shape.ts";
import { durationText, type Place, placeText } from "./config-units.ts";
import { pathFault } from "./route-path.ts";
import type { GatewaySettings } from "./settings.ts";
import { ADMIN_SOCKET } from "./worker-contract.ts";

export interface CheckedConfig {
	readonly given: GivenConfig;
	readonly settings: GatewaySettings;
	/** In the order they are asked. */
	readonly placed: readonly PlacedRoute[];
	readonly unused: readonly string[];
	readonly files: ConfigFiles;
	readonly faults: Fault[];
	readonly warnings: Fault[];
}

export function checkSettings(checked: CheckedConfig): void {
	checkPlaces(checked);
	checkRoutes(checked);
	checkTls(checked);
	checkTimes(checked);
	checkResolver(checked);
	const { unused, warnings, settings, faults } = checked;
	for (const name of unused) warnings.push({ path: ["upstreams", name], message: "no route goes there" });
	for (const [index, network] of settings.trusted.entries()) {
		const fault = networkFault(network);
		if (fault !== undefined) faults.push({ path: ["trusted", index], message: fault });
	}
}

function checkPlaces({ settings, given, faults }: CheckedConfig): void {
	const { listeners, tcp, admin } = settings;
	if (listeners.length + tcp.length === 0) {
		faults.push({ path: ["listen"], message: "a place to listen at is needed: listen: 127.0.0.1:8080" });
	}
	const isList = Array.isArray(given.listen);
	const places: { readonly at: Place; readonly name: string; readonly path: Fault["path"] }[] = [
		...listeners.map((at, index) => ({ at, name: at.name, path: isList ? ["listen", index] : ["listen"] })),
		...tcp.map((at, index) => ({ at, name: at.name, path: ["tcp", index] })),
		...(admin === undefined ? [] : [{ at: admin, name: ADMIN_SOCKET, path: ["admin"] }]),
	];
	for (const { name, path } of places.slice(0, listeners.length + tcp.length)) {
		if (name === ADMIN_SOCKET) faults.push({ path, message: `the name ${name} is the admin server's` });
	}
	for (const [index, { at, name, path }] of places.entries()) {
		for (const other of places.slice(0, index)) {
			if (other.name === name) faults.push({ path, message: `the name ${name} is taken` });
			else if (overlap(other.at, at)) {
				faults.push({ path, message: `${placeText(at)} is taken by ${other.name} (${placeText(other.at)})` });
			}
		}
	}
}

function overlap(left: Place, right: Place): boolean {
	if (left.path !== undefined || right.path !== undefined) return left.path === right.path;
	if (left.port !== right.port || left.port === 0) return false;
	return left.host === right.host || left.host === "::" || right.host === "::" || bothAre4(left, right);
}

/** `0.0.0.0` takes each address of IPv4. */
function bothAre4(left: Place, right: Place): boolean {
	const hosts = [left.host ?? "", right.host ?? ""];
	return hosts.includes("0.0.0.0") && hosts.every((host) => !host.includes(":"));
}

function checkRoutes({ placed, settings, faults, warnings }: CheckedConfig): void {
	for (const [index, { route, path }] of placed.entries()) {
		const before = placed.slice(0, index);
		const twin = before.find((each) => each.route.name === route.name);
		const above = before.find((each) => covers(each.route.match, route.match));
		if (above !== undefined) {
			faults.push({ path, message: `never reached: ${above.route.name} takes all of it` });
		} else if (twin !== undefined) faults.push({ path, message: `the name ${route.name} is taken` });
		const unsound = pathFault(route.match.path.value);
		if (unsound !== undefined)
			faults.push({ path: [...path, "path"], message: `no request has this path: ${unsound}` });
		const limits = route.rateLimits.map(({ name }) => name);
		const double = limits.find((name, at) => limits.indexOf(name) !== at);
		if (double !== undefined)
			faults.push({ path: [...path, "limits"], message: `the name ${double} is taken` });
		for (const [at, plugin] of route.plugins.entries()) {
			if (route.plugins.findIndex(({ name }) => name === plugin.name) !== at) {
				faults.push({ path: [...path, "plugins", at], message: `the name ${plugin.name} is taken` });
			}
		}
	}
	if (settings.routes.length === 0 && settings.listeners.length > 0) {
		warnings.push({ path: ["routes"], message: "there is no route: each request is answered 404" });
	}
}

function checkTls({ settings, given, placed, files, faults }: CheckedConfig): void {
	for (const [index, each] of asList(given.listen ?? []).entries()) {
		const tls = "at" in each ? each.tls : undefined;
		if (tls === undefined) continue;
		const path = ["listen", ...(Array.isArray(given.listen) ? [index] : []), "tls"];
		const { certificate, key, pairs, clientAuthority } = tls;
		if (
			(certificate === undefined) !== (key === undefined) ||
			(certificate === undefined && pairs.length === 0)
		) {
			faults.push({ path, message: "a certificate and its key are expected" });
		}
		if (certificate !== undefined && key !== undefined) files.pair(certificate, key, path);
		for (const [at, pair] of pairs.entries()) files.pair(pair.certificate, pair.key, [...path, "pairs", at]);
		if (clientAuthority !== undefined) files.authority(clientAuthority, [...path, "clientAuthority"]);
	}
	for (const { name, tls } of settings.upstreams) {
		const path = ["upstreams", name, "tls"];
		if (tls.authority !== undefined) files.authority(tls.authority, [...path, "authority"]);
		if (tls.certificate !== undefined && tls.key !== undefined) files.pair(tls.certificate, tls.key, path);
	}
	for (const { route, path } of placed) {
		for (const [at, { module }] of route.plugins.entries())
			files.read(module, [...path, "plugins", at, "module"]);
	}
}

/** nginx keeps idle connections 75 s, AWS and most NATs 60 to 350 s, Node 5 s. */
const POOL_IDLE_MS_USUAL = 60_000;

function checkTimes({ settings, placed, warnings }: CheckedConfig): void {
	for (const { name, pool, tls, protocol } of settings.upstreams) {
		const path = ["upstreams", name];
		if (pool.idleMs > POOL_IDLE_MS_USUAL) {
			const message = `${durationText(pool.idleMs)} is longer than most servers keep a connection: requests will meet closed ones`;
			warnings.push({ path: [...path, "pool", "idle"], message });
		}
		if (!tls.verify && (protocol === "https" || protocol === "h2")) {
			warnings.push({
				path: [...path, "tls", "verify"],
				message: "anybody between here and there may answer",
			});
		}
	}
	for (const { route, path } of placed) {
		const { headMs, totalMs } = route.timeouts;
		if (route.retry.hedgeMs !== undefined && route.retry.hedgeMs >= Math.min(headMs, totalMs)) {
			const message = "a second server would be asked only after the first was given up";
			warnings.push({ path: [...path, "retry", "hedge"], message });
		}
	}
}

function checkResolver({ settings, faults }: CheckedConfig): void {
	for (const [index, text] of settings.resolver.servers.entries()) {
		const parsed = parseServer(text);
		if (parsed.kind === "refused") faults.push({ path: ["resolver", "servers", index], message: parsed.why });
	}
}
