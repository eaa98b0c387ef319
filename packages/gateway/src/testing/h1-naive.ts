/**
 * Heads of HTTP/1.1 read the plain way, by splitting text: slow, and short enough to be believed. What the engine says
 * is compared with it.
 */
const TOKEN = "[!#$%&'*+\\-.^_`|~0-9A-Za-z]+";
const REQUEST_LINE = new RegExp(`^(${TOKEN}) ([!"$-~]+) HTTP/1\\.([01])$`);
const STATUS_LINE = /^HTTP\/1\.([01]) ([1-5][0-9][0-9])(?: [\t -~\x80-\xff]*)?$/;
const FIELD = new RegExp(`^(${TOKEN}):([\\t -~\\x80-\\xff]*)$`);
const AUTHORITY = /^(?:[-._~0-9A-Za-z]+|\[[0-9A-Fa-f:.]{2,}\])(?::([0-9]{1,5}))?$/;
const HOP =
	/^(?:host|content-length|transfer-encoding|connection|keep-alive|proxy-connection|upgrade|te|expect|http2-settings)$/;

export interface NaiveHead {
	readonly length: number;
	readonly first: readonly string[];
	readonly framing: string;
	readonly bodyLength: number | undefined;
	readonly fields: readonly string[];
	readonly authority: string;
}

/** undefined: not whole; "refused" otherwise. Without limits. */
export function naiveRequest(text: string): NaiveHead | "refused" | undefined {
	const skipped = text.startsWith("\r\n") ? 2 : 0;
	const read = naiveFields(text, skipped);
	if (read === undefined || read === "refused") return read;
	const line = REQUEST_LINE.exec(read.line);
	const [, method = "", target = "", minor] = line ?? [];
	if (line === null || method.length > 32) return "refused";
	const isOld = minor === "0";
	const hosts = read.all("host");
	const absolute = /^https?:\/\/([^/?]*)(.*)$/i.exec(target);
	let path = target;
	let authority = hosts[0] ?? "";
	if (method === "CONNECT" && !target.startsWith("/")) {
		authority = target;
		path = "";
	} else if (absolute !== null) {
		authority = absolute[1] ?? "";
		path = absolute[2] ?? "";
		if (!path.startsWith("/")) path = path === "" && method === "OPTIONS" ? "*" : `/${path}`;
	} else if (!target.startsWith("/") && !(target === "*" && method === "OPTIONS")) return "refused";
	if (hosts.length > 1 || (hosts.length === 0 && !isOld)) return "refused";
	if (![...hosts, ...(authority === "" && hosts.length === 0 ? [] : [authority])].every(isAuthority))
		return "refused";
	if (hosts.length === 1 && hosts[0]?.toLowerCase() !== authority.toLowerCase()) return "refused";
	if (absolute !== null && authority === "") return "refused";
	if (read.all("expect").some((value) => value.toLowerCase() !== "100-continue")) return "refused";
	const framing = naiveFraming(read.all, isOld, "none");
	if (framing === "refused") return "refused";
	return { ...read, ...framing, authority, first: [method, path, isOld ? "1.0" : "1.1"] };
}

export function naiveResponse(text: string, requestMethod: string): NaiveHead | "refused" | undefined {
	const read = naiveFields(text, 0);
	if (read === undefined || read === "refused") return read;
	const line = STATUS_LINE.exec(read.line);
	if (line === null) return "refused";
	const status = Number(line[2]);
	const framing = naiveFraming(read.all, line[1] === "0", "close");
	if (framing === "refused") return "refused";
	const first = [String(status), line[1] === "0" ? "1.0" : "1.1"];
	const head = { ...read, ...framing, first, authority: "" };
	if (status === 101) return { ...head, framing: "tunnel" };
	if (status < 200 || status === 204)
		return framing.framing === "chunked" ? "refused" : { ...head, framing: "none", bodyLength: 0 };
	return requestMethod === "HEAD" || status === 304 ? { ...head, framing: "none" } : head;
}

function naiveFraming(all: (name: string) => string[], isOld: boolean, otherwise: "none" | "close") {
	const codings = all("transfer-encoding");
	const lengths = all("content-length");
	if (codings.length + lengths.length > 1 || (isOld && codings.length > 0)) return "refused";
	if (codings.length === 1)
		return codings[0]?.toLowerCase() === "chunked"
			? { framing: "chunked", bodyLength: undefined }
			: "refused";
	const [length] = lengths;
	if (length === undefined)
		return { framing: otherwise, bodyLength: otherwise === "none" ? 0 : undefined } as const;
	if (!/^[0-9]{1,16}$/.test(length) || !Number.isSafeInteger(Number(length))) return "refused";
	return { framing: "length", bodyLength: Number(length) };
}

function isAuthority(text: string): boolean {
	const found = AUTHORITY.exec(text);
	return found !== null && Number(found[1] ?? 0) <= 65_535;
}

function naiveFields(text: string, skipped: number) {
	const end = text.indexOf("\r\n\r\n", skipped);
	if (end === -1) return undefined;
	const [line = "", ...rest] = text.slice(skipped, end).split("\r\n");
	const pairs: (readonly [name: string, value: string])[] = [];
	for (const each of rest) {
		const field = FIELD.exec(each);
		if (field === null) return "refused";
		pairs.push([(field[1] ?? "").toLowerCase(), (field[2] ?? "").replace(/^[ \t]+|[ \t]+$/g, "")]);
	}
	const all = (name: string) => pairs.filter(([each]) => each === name).map(([, value]) => value);
	const named = new Set<string>();
	for (const value of all("connection")) {
		const options = value.split(",").map((option) => option.replace(/^[ \t]+|[ \t]+$/g, ""));
		const tokens = options.filter((option) => option !== "");
		if (tokens.length > 32 || !tokens.every((token) => new RegExp(`^${TOKEN}$`).test(token)))
			return "refused";
		for (const token of tokens) named.add(token.toLowerCase());
	}
	if (named.size > 32) return "refused";
	const kept = pairs.filter(([name]) => !HOP.test(name) && !named.has(name) && !isLookalike(name));
	return { length: end + 4, line, all, fields: kept.flat() };
}

function isLookalike(name: string): boolean {
	const dashes = name.replaceAll("_", "-");
	return dashes !== name && (HOP.test(dashes) || dashes.startsWith("x-forwarded-"));
}
