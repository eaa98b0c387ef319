/**
 * What a plugin is handed and hands back: lines of text, so that a plugin can be written in anything.
 *
 *     a request                     a response                    its verdict
 *     ────────────────────────      ────────────────────────      ────────────────────────────
 *     POST /orders?id=7             200                           continue
 *     https shop.test 192.0.2.7     content-type: text/html       path /v2/orders?id=7
 *     accept: text/html                                           status 203
 *     x-user: 7                                                   remove cookie
 *                                                                 set x-plan: gold
 *
 *                                                                 or: answer 403
 *                                                                 set content-type: text/plain
 *                                                                 (an empty line)
 *                                                                 Not for you.
 *
 * Second line of a request: scheme, authority ("-" if there is none), the client's address. Nothing at all is "continue".
 * Fields of the connection and of the framing are not shown, and a verdict that names one is a fault.
 */
import type { RequestHead, ResponseHead } from "./message.ts";
import type { PluginVerdict } from "./plugin-api.ts";

const LINES_MAX = 100;
const NAME = /^[!#$%&'*+.^_`|~0-9a-z-]{1,128}$/;
const VALUE = /^(?:\t|[ -~]|[\u0080-\u00ff])*$/;
const PATH = /^\/[!-~]*$/;
const OF_THE_HOP: ReadonlySet<string> = new Set([
	"connection",
	"content-length",
	"expect",
	"host",
	"http2-settings",
	"keep-alive",
	"proxy-connection",
	"te",
	"trailer",
	"transfer-encoding",
	"upgrade",
]);

/** What a plugin handed back is no verdict. */
class PluginVerdictError extends Error {
	override readonly name = "PluginVerdictError";
	readonly code = "plugin-verdict";
}

export function requestText(head: RequestHead, clientAddress: string): string {
	const { method, path, scheme, authority } = head;
	let text = `${method} ${path}\n${scheme} ${authority || "-"} ${clientAddress || "-"}`;
	head.each((name, value) => {
		text += `\n${name}: ${value}`;
	});
	return text;
}

export function responseText(head: ResponseHead): string {
	let text = String(head.status);
	head.each((name, value) => {
		text += `\n${name}: ${value}`;
	});
	return text;
}

/** Throws PluginVerdictError. The bytes are copied. */
export function readVerdict(bytes: Buffer, of: "request" | "response"): PluginVerdict {
	const blankAt = bytes.indexOf("\n\n");
	const lines = bytes.toString("utf8", 0, blankAt < 0 ? bytes.length : blankAt).split("\n", LINES_MAX + 1);
	if (lines.length > LINES_MAX) throw new PluginVerdictError(`more than ${LINES_MAX} lines`);
	const [first = "", ...rest] = lines;
	const set: string[] = [];
	const remove: string[] = [];
	let path: string | undefined;
	let status: number | undefined;
	for (const line of rest) {
		const at = line.indexOf(" ");
		const told = line.slice(at + 1);
		switch (at < 0 ? line : line.slice(0, at)) {
			case "set":
				set.push(...fieldOf(told));
				break;
			case "remove":
				remove.push(nameOf(told));
				break;
			case "path":
				if (of === "response" || !PATH.test(told)) throw wrong(line);
				path = told;
				break;
			case "status":
				if (of === "request") throw wrong(line);
				status = statusOf(told, line);
				break;
			case "":
				if (line !== "") throw wrong(line);
				break;
			default:
				throw wrong(line);
		}
	}
	if (first.startsWith("answer ")) {
		const body = blankAt < 0 ? new Uint8Array(0) : Uint8Array.from(bytes.subarray(blankAt + 2));
		return { kind: "answer", status: statusOf(first.slice(7), first), fields: set, body };
	}
	if (first !== "continue" && first !== "") throw wrong(first);
	const changes = set.length > 0 || remove.length > 0 || path !== undefined || status !== undefined;
	return { kind: "continue", edits: changes ? { remove, set, path, status } : undefined };
}

function fieldOf(told: string): [name: string, value: string] {
	const at = told.indexOf(":");
	if (at < 0) throw wrong(`set ${told}`);
	const value = told.slice(at + 1).trim();
	if (!VALUE.test(value)) throw wrong(`set ${told}`);
	return [nameOf(told.slice(0, at)), value];
}

function nameOf(told: string): string {
	const name = told.toLowerCase();
	if (!NAME.test(name)) throw wrong(told);
	if (OF_THE_HOP.has(name)) throw new PluginVerdictError(`${name} is not a plugin's to change`);
	return name;
}

function statusOf(told: string, line: string): number {
	const status = /^[2-5][0-9][0-9]$/.test(told) ? Number(told) : undefined;
	if (status === undefined) throw wrong(line);
	return status;
}

function wrong(line: string): PluginVerdictError {
	return new PluginVerdictError(`no verdict: ${JSON.stringify(line.slice(0, 100))}`);
}
