/**
 * Decodes and encodes the facts about the target process: JSON that capture writes.
 *
 * ```
 * {"schema":"plumbline.process/1","pid":4711,"comm":"orders","commandLine":"/srv/orders -db ***","uid":1000,
 *  "startTicks":812345,"fdCount":57,"fdLimit":1024,"memoryBytes":52428800,"memoryLimitBytes":536870912,
 *  "cpuLimit":0.5,"ephemeralPorts":{"first":32768,"last":60999},"tcpTwReuse":2,
 *  "cpuMs":48210,"ageMs":3600000,"threads":14,"udp":{"inDatagrams":7,"outDatagrams":7,"noPorts":0},
 *  "resolver":{"nameservers":["10.0.0.2"],"search":["svc.cluster.local"],"ndots":5,"timeoutS":5,"attempts":2}}
 * ```
 * Every field but pid may be absent; unknown ones are ignored, so that later versions may add some.
 */

import type { Decoded } from "./decoded.ts";
import { Flaws } from "./flaws.ts";
import { isJsonObject, type JsonObject, parseJsonObject } from "./json-frame.ts";
import type { ProcessFacts, ResolverFacts } from "./process.ts";
import { quoteBytes } from "./quote-bytes.ts";

const SCHEMA = "plumbline.process/1";
/** The facts are a few hundred bytes; a longer command line is cut by capture. */
const PROCESS_BYTES_MAX = 1 << 20;

export function encodeProcess(facts: ProcessFacts): Uint8Array {
	return new TextEncoder().encode(`${JSON.stringify({ schema: SCHEMA, ...facts }, undefined, "\t")}\n`);
}

export function decodeProcess(bytes: Uint8Array): Decoded<ProcessFacts> {
	const json =
		bytes.length > PROCESS_BYTES_MAX ? undefined : parseJsonObject(new TextDecoder().decode(bytes));
	if (json === undefined) return { kind: "foreign", found: quoteBytes(bytes) };
	const flaws = new Flaws();
	const { pid } = json;
	if (json.schema !== SCHEMA || typeof pid !== "number") return { kind: "foreign", found: quoteBytes(bytes) };
	const number = (name: string) => field(json, name, "number", flaws);
	const text = (name: string) => field(json, name, "string", flaws);
	const facts = {
		pid,
		comm: text("comm"),
		commandLine: text("commandLine"),
		uid: number("uid"),
		startTicks: number("startTicks"),
		fdCount: number("fdCount"),
		fdLimit: number("fdLimit"),
		memoryBytes: number("memoryBytes"),
		memoryLimitBytes: number("memoryLimitBytes"),
		cpuLimit: number("cpuLimit"),
		ephemeralPorts: ports(json.ephemeralPorts, flaws),
		tcpTwReuse: number("tcpTwReuse"),
		cpuMs: number("cpuMs"),
		runMs: number("runMs"),
		runDelayMs: number("runDelayMs"),
		ageMs: number("ageMs"),
		threads: number("threads"),
		resolver: resolver(json.resolver, flaws),
		udp: udp(json.udp, flaws),
		foreignNetworkNamespace: field(json, "foreignNetworkNamespace", "boolean", flaws),
	};
	return { kind: "decoded", value: onlyPresent(facts), flaws: flaws.list() };
}

interface FieldTypes {
	readonly number: number;
	readonly string: string;
	readonly boolean: boolean;
}

function field<K extends keyof FieldTypes>(
	json: JsonObject,
	name: string,
	type: K,
	flaws: Flaws,
): FieldTypes[K] | undefined {
	const value = json[name];
	if (value === undefined) return undefined;
	// The cast repeats what typeof has just shown; the compiler cannot tie the two together.
	if (typeof value === type) return value as FieldTypes[K];
	flaws.malformed(`expected ${name} to be a ${type}, found ${JSON.stringify(value)?.slice(0, 40)}`, 0);
	return undefined;
}

function ports(value: unknown, flaws: Flaws): ProcessFacts["ephemeralPorts"] {
	if (value === undefined) return undefined;
	if (isJsonObject(value) && typeof value.first === "number" && typeof value.last === "number") {
		return { first: value.first, last: value.last };
	}
	flaws.malformed("expected ephemeralPorts to be {first, last} in numbers", 0);
	return undefined;
}

function udp(value: unknown, flaws: Flaws): ProcessFacts["udp"] {
	if (value === undefined) return undefined;
	const { inDatagrams, outDatagrams, noPorts } = isJsonObject(value) ? value : {};
	if (typeof inDatagrams === "number" && typeof outDatagrams === "number" && typeof noPorts === "number") {
		return { inDatagrams, outDatagrams, noPorts };
	}
	flaws.malformed("expected udp to be {inDatagrams, outDatagrams, noPorts} in numbers", 0);
	return undefined;
}

function resolver(value: unknown, flaws: Flaws): ResolverFacts | undefined {
	if (value === undefined) return undefined;
	const { nameservers, search, ndots, timeoutS, attempts } = isJsonObject(value) ? value : {};
	const isSound =
		isTexts(nameservers) &&
		isTexts(search) &&
		typeof ndots === "number" &&
		typeof timeoutS === "number" &&
		typeof attempts === "number";
	if (isSound) return { nameservers, search, ndots, timeoutS, attempts };
	flaws.malformed("expected resolver to be {nameservers, search, ndots, timeoutS, attempts}", 0);
	return undefined;
}

function isTexts(value: unknown): value is readonly string[] {
	return Array.isArray(value) && value.every((item) => typeof item === "string");
}

type WithUndefined<T> = { readonly [K in keyof T]: T[K] | undefined };

/** Leaves out what is undefined: absent means unknown. */
function onlyPresent(facts: WithUndefined<Required<ProcessFacts>> & { readonly pid: number }): ProcessFacts {
	const present = Object.entries(facts).filter(([, value]) => value !== undefined);
	return { pid: facts.pid, ...(Object.fromEntries(present) as Partial<ProcessFacts>) };
}
