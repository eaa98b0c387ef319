/**
 * Did two hops ever take one message for two, or two for one?
 *
 *     the gateway's tag is on every message that the origin saw, once, and method, target, host and body are the same
 *     the front's tag is on every request that the gateway counted, once, and it meant that method and target
 *     no tag is in a body, and no client hears of another's request
 */
import type { Chain, Counted, Course } from "./chain.ts";
import { idsIn, numberIn } from "./mutation.ts";
import type { SeenMessage } from "./recording-origin.ts";
import { TAG } from "./server.ts";

export interface Disagreement {
	readonly why: string;
	/** Of the mutation, where it is known. */
	readonly number: number | undefined;
	readonly detail: string;
}

/** Bodies by method and target, where that tells the connection, of a chain without others. */
export type Bodies = ReadonlyMap<string, ReadonlySet<string>>;

export function bodiesOf({ seen }: Course): Bodies {
	const bodies = new Map<string, Set<string>>();
	for (const message of seen) {
		if (numberIn(message.target) === undefined) continue;
		const key = keyOf(message);
		const known = bodies.get(key);
		if (known === undefined) bodies.set(key, new Set([message.body]));
		else known.add(message.body);
	}
	return bodies;
}

export function judge(chain: Chain, course: Course, bodies: Bodies | undefined): Disagreement[] {
	const { side } = chain;
	const found: Disagreement[] = [];
	for (const text of course.unreadable)
		found.push({ why: "the origin got what is no HTTP", number: numberIn(text), detail: text });
	judgeSeen(chain, course, bodies, found);
	if (side === "front") judgeTags(course, found);
	for (const [number, text] of course.heard) judgeHeard(number, text, side, found);
	return found;
}

function judgeSeen(chain: Chain, course: Course, bodies: Bodies | undefined, found: Disagreement[]): void {
	const { side } = chain;
	const byTrace = new Map(course.counted.map((each) => [each.traceId, each]));
	const times = new Map<string, number>();
	for (const message of course.seen) {
		const traces = message.fields.filter(([name]) => name === "traceparent");
		const counted = byTrace.get(traces[0]?.[1].split("-")[1] ?? "");
		const number = numberIn(message.target) ?? numberIn(message.body) ?? portNumber(course, counted);
		const tell = (why: string) => found.push({ why, number, detail: JSON.stringify({ message, counted }) });
		if (traces.length !== 1 || counted === undefined) {
			tell("the origin saw a request that the gateway did not count");
			continue;
		}
		const seenTimes = (times.get(counted.traceId) ?? 0) + 1;
		times.set(counted.traceId, seenTimes);
		if (seenTimes > counted.tries) tell("the origin saw a request once more than it was sent");
		if (message.method !== counted.method) tell("another method");
		// HTTP/1.0 may come without: then it is the upstream's own.
		if (counted.host !== "" && message.host.toLowerCase() !== counted.host.toLowerCase())
			tell("another host");
		if (plainTarget(message.target) !== plainTarget(counted.target)) tell("another target");
		if (isKnown(chain, message, counted)) continue;
		if (message.body.length !== counted.bodyBytes) tell("another length of the body");
		else if (side === "behind" && bodies?.get(keyOf(message))?.has(message.body) === false)
			tell("another body");
		if (side === "front" && message.body.toLowerCase().includes(TAG)) tell("a request within a body");
	}
	if (side === "behind") return;
	for (const counted of course.counted)
		if (counted.status === 200 && !times.has(counted.traceId))
			found.push({
				why: "answered, but the origin did not see it",
				number: portNumber(course, counted),
				detail: JSON.stringify(counted),
			});
}

/** What a server is known to do to bodies, and what has nothing to do with how they are framed. */
function isKnown(
	{ side, kind }: Chain,
	{ method, body }: SeenMessage,
	{ failure, bodyBytes }: Counted,
): boolean {
	if (body === "" && method === "GET" && kind?.dropsBodiesOfGet === true) return true;
	const isCut = failure?.startsWith("client ") === true;
	return side === "behind" && isCut && kind?.endsCutBodies === true && body.length <= bodyBytes;
}

function judgeTags({ counted }: Course, found: Disagreement[]): void {
	const known = new Set<string>();
	for (const each of counted) {
		const tell = (why: string) =>
			found.push({ why, number: numberIn(each.target), detail: JSON.stringify(each) });
		const [tag] = each.tags;
		if (tag === undefined || each.tags.length !== 1) {
			tell("the gateway counted a request that the front did not send");
			continue;
		}
		if (known.has(tag)) tell("the front sent a request twice");
		known.add(tag);
		if (each.tagLine === undefined) continue;
		const meant = each.tagLine
			.replace(/ HTTP\/\d\.\d$/, "")
			.replace(/^(\S+) [a-z]+:(?:\/\/[^/? ]*)?/i, "$1 ");
		const [method, target = ""] = split(meant);
		if (method === "CONNECT" && each.tries === 0) continue;
		if (method !== each.method) tell("another method than the front meant");
		if (plainTarget(target) !== plainTarget(each.target)) tell("another target than the front meant");
	}
}

function judgeHeard(number: number, text: string, side: Chain["side"], found: Disagreement[]): void {
	const ids = idsIn(text);
	if (ids.size > 1) found.push({ why: "a client heard of another's request", number, detail: text });
	if (side === "front") return;
	// Each answer of the origin's is behind the head that the gateway wrote for the same exchange.
	let trace: string | undefined;
	for (const [, field, seen] of text.matchAll(/^x-trace-id: ([0-9a-f]{32})\r$|^seen-([0-9a-f]{32}) /gim)) {
		if (field !== undefined) trace = field;
		else if (seen !== trace) found.push({ why: "an answer to another request", number, detail: text });
	}
}

function portNumber({ numberOfPort }: Course, counted: Counted | undefined): number | undefined {
	return counted && (numberIn(counted.target) ?? numberOfPort.get(counted.clientPort));
}

function keyOf({ method, target }: SeenMessage): string {
	return `${method} ${target}`;
}

function split(line: string): [string, string | undefined] {
	const at = line.indexOf(" ");
	return at === -1 ? [line, undefined] : [line.slice(0, at), line.slice(at + 1)];
}

/** Ways of writing that a proxy may change without changing what is meant. */
function plainTarget(target: string): string {
	return target
		.replaceAll(/%([0-9a-f]{2})/gi, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)))
		.replaceAll(/\/{2,}/g, "/")
		.replace(/^\?/, "/?")
		.replace(/[?;]$/, "");
}
