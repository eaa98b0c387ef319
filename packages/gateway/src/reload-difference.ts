/**
 * What is another in new settings. A thing is known by its name, and is the same if it is equal by value: moving a
 * route in the file, or writing `1m` for `60s`, changes nothing.
 */
import { isDeepStrictEqual } from "node:util";
import type { GatewaySettings } from "./settings.ts";

export interface NamedChanges {
	readonly added: readonly string[];
	readonly removed: readonly string[];
	readonly changed: readonly string[];
	readonly same: readonly string[];
}

export interface SettingsChanges {
	readonly listeners: NamedChanges;
	readonly tcp: NamedChanges;
	readonly routes: NamedChanges;
	readonly upstreams: NamedChanges;
	/** Whatever has no name and is another: `limits`, `timeouts`, `telemetry`, and the like. */
	readonly rest: readonly RestKey[];
	/** True if routes are asked in another order, though each may be the same. */
	readonly order: boolean;
}

const NAMED = ["listeners", "tcp", "routes", "upstreams"] as const;
type NamedKey = (typeof NAMED)[number];
type RestKey = Exclude<keyof GatewaySettings, NamedKey>;

/** What the bytes of the files that a thing names are like; two that are equal have the same content. */
export type FileDigests = ReadonlyMap<string, string>;

/** A listener whose certificate file was replaced has changed, though its settings are the same text. */
export function settingsChanges(
	before: GatewaySettings,
	after: GatewaySettings,
	filesBefore: FileDigests = new Map(),
	filesAfter: FileDigests = new Map(),
): SettingsChanges {
	const changedFiles = [...filesAfter].flatMap(([file, digest]) => {
		const known = filesBefore.get(file);
		return known !== undefined && known !== digest ? [file] : [];
	});
	const named = (key: NamedKey) => namedChanges(before[key], after[key], changedFiles);
	const rest = (Object.keys(after) as (keyof GatewaySettings)[]).filter(
		(key): key is RestKey =>
			!NAMED.some((name) => name === key) && !isDeepStrictEqual(before[key], after[key]),
	);
	const names = ({ routes }: GatewaySettings) => routes.map(({ name }) => name);
	return {
		listeners: named("listeners"),
		tcp: named("tcp"),
		routes: named("routes"),
		upstreams: named("upstreams"),
		rest,
		order: !isDeepStrictEqual(names(before), names(after)),
	};
}

export function isUnchanged(changes: SettingsChanges): boolean {
	const named = NAMED.every((key) => {
		const { added, removed, changed } = changes[key];
		return added.length + removed.length + changed.length === 0;
	});
	return named && changes.rest.length === 0 && !changes.order;
}

/** `route /chat changed, upstream orders added`, for people. */
export function changesInWords(changes: SettingsChanges): readonly string[] {
	const singular = { listeners: "listener", tcp: "tcp", routes: "route", upstreams: "upstream" } as const;
	const words = NAMED.flatMap((key) =>
		(["added", "removed", "changed"] as const).flatMap((what) =>
			changes[key][what].map((name) => `${singular[key]} ${name} ${what}`),
		),
	);
	return [
		...words,
		...changes.rest.map((key) => `${key} changed`),
		...(changes.order ? ["order of routes"] : []),
	];
}

function namedChanges(
	before: readonly { readonly name: string }[],
	after: readonly { readonly name: string }[],
	changedFiles: readonly string[],
): NamedChanges {
	const old = new Map(before.map((each) => [each.name, each]));
	const names = new Set(after.map(({ name }) => name));
	const isSame = (each: { readonly name: string }) =>
		isDeepStrictEqual(old.get(each.name), each) && !changedFiles.some((file) => holds(each, file));
	const known = after.filter(({ name }) => old.has(name));
	return {
		added: after.filter(({ name }) => !old.has(name)).map(({ name }) => name),
		removed: before.filter(({ name }) => !names.has(name)).map(({ name }) => name),
		changed: known.filter((each) => !isSame(each)).map(({ name }) => name),
		same: known.filter(isSame).map(({ name }) => name),
	};
}

/** Somewhere in the settings this text stands: a file's name is long enough not to be met by chance. */
function holds(value: unknown, text: string): boolean {
	if (value === text) return true;
	return (
		typeof value === "object" && value !== null && Object.values(value).some((each) => holds(each, text))
	);
}
