/**
 * Records to lines of ASCII:
 *
 *     {"time":"2026-11-23T00:01:52.017Z","client":"192.0.2.7","method":"GET","host":"shop.test","path":"/a?b=1",
 *      "version":"1.1","status":200,"bytes":512,"requestBytes":0,"tookMs":1.204,"trace":"…32…","route":"shop",
 *      "upstream":"orders","endpoint":"10.0.0.1:8080","tries":1,"reused":true,"poolMs":0.011,"upstreamMs":1.062,…}
 *     192.0.2.7 - - [23/Nov/2026:00:01:52 +0000] "GET /a?b=1 HTTP/1.1" 200 512 "-" "curl/8"
 *
 * The second form is the Combined Log Format; Common is without the last two. Times are when the request ended, UTC.
 * Every field: docs/gateway-telemetry.md. Neither an object nor a string is made of a whole line.
 */
import { type LineBytes, RecentText } from "./access-log-bytes.ts";
import { redactPath, redactReferer } from "./access-log-query.ts";
import { commonText, jsonText } from "./access-log-text.ts";
import type { ExchangeRecord } from "./observer.ts";

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const PLACES_MAX = 4096;

/** Where a request went, as the piece of a line that says so; the same for all that went there. */
interface Place {
	readonly route: string | undefined;
	readonly upstream: string | undefined;
	readonly bytes: Uint8Array;
}

/** Who asks for what host: the same for most requests of a connection. */
interface Caller {
	readonly client: string;
	readonly method: string;
	readonly host: string;
	readonly bytes: Uint8Array;
}

const CALLERS = 256;

const b = (text: string): Uint8Array => Buffer.from(text, "latin1");
const JSON_PIECES = {
	time: b('{"time":"'),
	version: {
		"1.0": b('","version":"1.0","status":'),
		"1.1": b('","version":"1.1","status":'),
		"2": b('","version":"2","status":'),
	},
	bytes: b(',"bytes":'),
	requestBytes: b(',"requestBytes":'),
	noRequestBytes: b(',"requestBytes":0'),
	tookMs: b(',"tookMs":'),
	trace: b(',"trace":"'),
	usualTry: b(',"tries":1,"reused":true'),
	tries: b(',"tries":'),
	reused: b(',"reused":true'),
	fresh: b(',"reused":false'),
	poolMs: b(',"poolMs":'),
	upstreamMs: b(',"upstreamMs":'),
	grpc: b(',"grpc":'),
	agent: b(',"agent":"'),
	referer: b(',"referer":"'),
	quote: b('"'),
	end: b("}\n"),
};
const COMMON_PIECES = {
	time: b(" - - ["),
	method: b(' +0000] "'),
	blank: b(" "),
	version: { "1.0": b(' HTTP/1.0" '), "1.1": b(' HTTP/1.1" '), "2": b(' HTTP/2" ') },
	between: b('" "'),
	absent: b("-"),
	quote: b(' "'),
	end: b('"\n'),
	newline: b("\n"),
};

export class AccessLines {
	readonly #now: () => number;
	readonly #wall: () => number;
	#wallAtZeroMs = 0;
	#second = -1;
	/** `2026-11-23T00:01:52.` and `23/Nov/2026:00:01:52`. */
	#isoSecond = b("");
	#commonSecond = b("");
	/** By endpoint, route and upstream. */
	readonly #places = new Map<string, Place>();
	/** A place that two share is the last one's. */
	readonly #callers: (Caller | undefined)[] = new Array(CALLERS).fill(undefined);
	readonly #json = new RecentText(jsonText);
	readonly #common = new RecentText(commonText);
	readonly #jsonReferers = new RecentText((text) => jsonText(redactReferer(text)));
	readonly #commonReferers = new RecentText((text) => commonText(redactReferer(text)));

	constructor(now: () => number, wall: () => number) {
		this.#now = now;
		this.#wall = wall;
		this.setClock();
	}

	/** The wall clock may have been set since. */
	setClock(): void {
		this.#wallAtZeroMs = this.#wall() - this.#now();
	}

	json(record: ExchangeRecord, to: LineBytes): void {
		const { head } = record;
		to.put(JSON_PIECES.time);
		const wallMs = Math.floor(this.#wallAtZeroMs + record.endedMs);
		const second = this.#setSecond(wallMs);
		to.put(this.#isoSecond);
		to.three(wallMs - second * 1000);
		to.put(this.#caller(record.clientAddress, head.method, head.authority));
		to.text(jsonText(redactPath(head.path)));
		to.put(JSON_PIECES.version[head.version]);
		to.whole(record.status);
		to.put(JSON_PIECES.bytes);
		to.whole(record.responseBytes);
		if (record.requestBytes === 0) to.put(JSON_PIECES.noRequestBytes);
		else {
			to.put(JSON_PIECES.requestBytes);
			to.whole(record.requestBytes);
		}
		to.put(JSON_PIECES.tookMs);
		to.milliseconds(record.endedMs - record.beganMs);
		to.put(JSON_PIECES.trace);
		to.text(record.traceId);
		to.put(JSON_PIECES.quote);
		to.put(this.#place(record));
		if (record.reused && record.tries === 1) to.put(JSON_PIECES.usualTry);
		else if (record.endpoint !== undefined) {
			to.put(JSON_PIECES.tries);
			to.whole(record.tries);
			to.put(record.reused ? JSON_PIECES.reused : JSON_PIECES.fresh);
		}
		waitsOf(record, to);
		if (record.failure !== undefined || record.refused !== undefined) to.text(failureOf(record));
		if (record.grpcStatus !== undefined) {
			to.put(JSON_PIECES.grpc);
			to.whole(record.grpcStatus);
		}
		if (head.upgrade !== undefined) to.text(`,"upgrade":"${jsonText(head.upgrade)}"`);
		const agent = head.value("user-agent");
		if (agent !== undefined) {
			to.put(JSON_PIECES.agent);
			this.#json.put(agent, to);
			to.put(JSON_PIECES.quote);
		}
		const referer = head.value("referer");
		if (referer !== undefined) {
			to.put(JSON_PIECES.referer);
			this.#jsonReferers.put(referer, to);
			to.put(JSON_PIECES.quote);
		}
		to.put(JSON_PIECES.end);
	}

	common(record: ExchangeRecord, isCombined: boolean, to: LineBytes): void {
		const { head, clientAddress } = record;
		this.#common.put(clientAddress === "" ? "-" : clientAddress, to);
		to.put(COMMON_PIECES.time);
		this.#setSecond(this.#wallAtZeroMs + record.endedMs);
		to.put(this.#commonSecond);
		to.put(COMMON_PIECES.method);
		this.#common.put(head.method, to);
		to.put(COMMON_PIECES.blank);
		to.text(commonText(redactPath(head.path)));
		to.put(COMMON_PIECES.version[head.version]);
		if (record.status === 0) to.put(COMMON_PIECES.absent);
		else to.whole(record.status);
		to.put(COMMON_PIECES.blank);
		to.whole(record.responseBytes);
		if (!isCombined) {
			to.put(COMMON_PIECES.newline);
			return;
		}
		to.put(COMMON_PIECES.quote);
		this.#commonReferers.put(head.value("referer") ?? "-", to);
		to.put(COMMON_PIECES.between);
		this.#common.put(head.value("user-agent") ?? "-", to);
		to.put(COMMON_PIECES.end);
	}

	#setSecond(wallMs: number): number {
		const second = Math.floor(wallMs / 1000);
		if (second === this.#second) return second;
		this.#second = second;
		const iso = new Date(second * 1000).toISOString();
		const [date = "", time = ""] = iso.slice(0, 19).split("T");
		const [year, month, day] = date.split("-");
		this.#isoSecond = b(iso.slice(0, 20));
		this.#commonSecond = b(`${day}/${MONTHS[Number(month) - 1]}/${year}:${time}`);
		return second;
	}

	#caller(client: string, method: string, host: string): Uint8Array {
		const { length } = client;
		const mixed = client.charCodeAt(length - 1) * 31 + client.charCodeAt(length - 2) * 7 + length;
		const slot = (mixed + host.length * 13 + method.length) & (CALLERS - 1);
		const known = this.#callers[slot];
		if (known?.client === client && known.method === method && known.host === host) return known.bytes;
		const bytes = b(
			`Z","client":"${jsonText(client)}","method":"${jsonText(method)}","host":"${jsonText(host)}","path":"`,
		);
		this.#callers[slot] = { client, method, host, bytes };
		return bytes;
	}

	#place({ route, upstream, endpoint }: ExchangeRecord): Uint8Array {
		const key = endpoint ?? route ?? "";
		const known = this.#places.get(key);
		if (known !== undefined && known.route === route && known.upstream === upstream) return known.bytes;
		if (this.#places.size >= PLACES_MAX) this.#places.clear();
		const bytes = b(
			(route === undefined ? "" : `,"route":"${jsonText(route)}"`) +
				(upstream === undefined ? "" : `,"upstream":"${jsonText(upstream)}"`) +
				(endpoint === undefined ? "" : `,"endpoint":"${jsonText(endpoint)}"`),
		);
		this.#places.set(key, { route, upstream, bytes });
		return bytes;
	}
}

function waitsOf({ askedPoolMs, connectedMs, answeredMs, endedMs }: ExchangeRecord, to: LineBytes): void {
	if (askedPoolMs === undefined) return;
	to.put(JSON_PIECES.poolMs);
	to.milliseconds((connectedMs ?? endedMs) - askedPoolMs);
	if (connectedMs === undefined || answeredMs === undefined) return;
	to.put(JSON_PIECES.upstreamMs);
	to.milliseconds(answeredMs - connectedMs);
}

function failureOf({ failure, failedSide, refused }: ExchangeRecord): string {
	const why = refused === undefined ? "" : `,"refused":"${refused}"`;
	if (failure === undefined) return why;
	const clock = failure.timeout === undefined ? "" : `,"timeout":"${failure.timeout}"`;
	const side = failedSide === undefined ? "" : `,"side":"${failedSide}"`;
	return `${why},"failure":"${failure.kind}"${clock}${side},"detail":"${jsonText(failure.detail)}"`;
}
