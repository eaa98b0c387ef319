/**
 * Diagnoses captures with the world taken away: `node pure-verdict.ts FILE.plumb ...` prints for each the
 * text a person would see, as one line of JSON, or the way in which the pure rooms reached for the world.
 *
 * Their code may import no module of Node's. While they run, clocks, timers, randomness, files, network
 * and the environment throw. Files are read before that.
 */
import childProcess from "node:child_process";
import crypto from "node:crypto";
import dns from "node:dns";
import fs from "node:fs";
import http from "node:http";
import https from "node:https";
import { isBuiltin, registerHooks, syncBuiltinESMExports } from "node:module";
import net from "node:net";
import { readCapture } from "@plumbline/capture/file";
import type { Capture } from "@plumbline/signals/capture";
import { GOLDEN_PAGE } from "../captures-folder.ts";

const PURE_ROOM = /\/packages\/(?:signals|diagnosis|report)\/src\//;

registerHooks({
	resolve(specifier, context, next) {
		if (isBuiltin(specifier) && PURE_ROOM.test(context.parentURL ?? "")) {
			throw new Error(`${context.parentURL} imports ${specifier}`);
		}
		return next(specifier, context);
	},
});

/** The ways to the world: owner and names, all its functions where no names are given. */
const WORLD: readonly (readonly [owner: object, names?: readonly string[]])[] = [
	[Date, ["now"]],
	[performance, ["now"]],
	[Math, ["random"]],
	[globalThis, ["fetch", "setTimeout", "setInterval", "setImmediate", "queueMicrotask", "WebSocket"]],
	[process, ["hrtime", "cwd", "uptime", "memoryUsage", "kill", "emitWarning"]],
	[console, ["log", "error", "warn", "info", "debug"]],
	[fs],
	[fs.promises],
	[net],
	[http, ["request", "get", "createServer"]],
	[https, ["request", "get", "createServer"]],
	[dns],
	[childProcess],
	[crypto, ["randomBytes", "randomUUID", "randomInt"]],
	[globalThis.crypto, ["getRandomValues", "randomUUID"]],
];

/** Runs with the world taken away, and gives it back. */
function withoutWorld<T>(run: () => T): T {
	const undo: (() => void)[] = [];
	const replace = (owner: object, name: string, value: unknown) => {
		const before = Object.getOwnPropertyDescriptor(owner, name);
		Object.defineProperty(owner, name, { value, configurable: true, writable: true });
		undo.push(() => {
			if (before) Object.defineProperty(owner, name, before);
			else Reflect.deleteProperty(owner, name);
		});
	};
	for (const [owner, names] of WORLD) {
		for (const name of names ?? functionsOf(owner)) {
			replace(owner, name, () => {
				throw new Error(`a pure room called ${name}`);
			});
		}
	}
	replace(globalThis, "Date", timelessDate());
	const noEnv = new Proxy({}, { get: (_, name) => touched(`process.env.${String(name)}`) });
	replace(process, "env", noEnv);
	syncBuiltinESMExports();
	try {
		return run();
	} finally {
		for (const give of undo.reverse()) give();
		syncBuiltinESMExports();
	}
}

function functionsOf(owner: object): string[] {
	return Object.entries(owner).flatMap(([name, value]) => (typeof value === "function" ? [name] : []));
}

function touched(what: string): never {
	throw new Error(`a pure room read ${what}`);
}

/** A date of a given time is data; the present is not. */
function timelessDate(): DateConstructor {
	return new Proxy(Date, {
		construct: (target, args, self) =>
			args.length === 0 ? touched("new Date()") : Reflect.construct(target, args, self),
		apply: () => touched("Date()"),
	});
}

const { decodeCapture } = await import("@plumbline/signals/decode");
const { diagnose } = await import("@plumbline/diagnosis/diagnose");
const { renderText } = await import("@plumbline/report/text");
const { renderJson } = await import("@plumbline/report/json");
const { renderMarkdown } = await import("@plumbline/report/markdown");
const { renderHtml } = await import("@plumbline/report/html");
const { reportView } = await import("@plumbline/report/view-report");

function verdictText(capture: Capture): string {
	const signals = decodeCapture(capture);
	const diagnosis = diagnose(signals);
	renderJson(diagnosis);
	renderMarkdown(diagnosis);
	renderHtml(diagnosis, reportView(diagnosis, signals, capture));
	return renderText(diagnosis, GOLDEN_PAGE);
}

for (const path of process.argv.slice(2)) {
	const capture = await readCapture(path);
	let result: { path: string; text?: string; error?: string };
	try {
		result = { path, text: withoutWorld(() => verdictText(capture)) };
	} catch (error) {
		result = { path, error: error instanceof Error ? (error.stack ?? error.message) : String(error) };
	}
	process.stdout.write(`${JSON.stringify(result)}\n`);
}
